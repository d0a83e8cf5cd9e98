/* SPDX-License-Identifier: MIT */
/* The TPM service as kernel and service see it (docs/service-abi.md, "The TPM service"). */
#ifndef SNPVTPM_LIB_ABI_TPM_SERVICE_H
#define SNPVTPM_LIB_ABI_TPM_SERVICE_H

#include "lib/abi/channel.h"

#define SERVICE_DISK_FD 4
#define SERVICE_KEY_FD  5

/*
 * Bytes of a TPM command or response. The guest's buffer is one page, and a command has the larger
 * header there (58019, chapter 8). The TPM tells the guest this number as its limit for both.
 */
#define SERVICE_TPM_BUFFER_SIZE (4096 - 9)

enum service_operation {
    SERVICE_OPEN = 1,
    SERVICE_COMMAND = 2,
    SERVICE_MANIFEST = 3,
    SERVICE_DUE = 4,  /* what the attestation service is to be asked */
    SERVICE_TOLD = 5, /* what it answered */
};

/* With the kernel's words for what OPEN fails with. */
#define SERVICE_FAILURES(F)                                                                        \
    F(VOLUME_FAILED, 1, "the state volume failed")                                                 \
    F(VOLUME_DAMAGED, 2, "the state volume is damaged; it was not changed")                        \
    F(STATE_REFUSED, 5,                                                                            \
      "the TPM's libtpms refuses the state in the volume, which is intact; it was not changed")    \
    F(STATE_TOO_NEW, 6,                                                                            \
      "a newer libtpms wrote the state in the volume, which is intact; it was not changed")        \
    F(NOT_COMMITTED, 7,                                                                            \
      "the state volume is not the one that the KBS's record admits; it was not changed")

enum service_status {
    SERVICE_DONE = CHANNEL_STATUS_DONE,
#define F(name, value, words) SERVICE_##name = (value),
    SERVICE_FAILURES(F)
#undef F
        SERVICE_MALFORMED = 3, /* no such operation, arguments, service or version of a manifest */
    SERVICE_TPM_FAILED = 4,    /* the TPM did not do its part of the operation; logged */
    SERVICE_WAITS = 8,         /* for the KBS: DUE and TOLD first, then the same again */
};

/* How OPEN opened it. */
enum service_opening {
    SERVICE_STATE_OPENED = 0,
    SERVICE_MANUFACTURED = 1,
    SERVICE_EPHEMERAL = 2,
};

#endif
