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
    SERVICE_EK_PUBLIC = 3,
    SERVICE_CONFIRMED = 4,
};

enum service_status {
    SERVICE_DONE = CHANNEL_STATUS_DONE,
    SERVICE_VOLUME_FAILED = 1,
    SERVICE_VOLUME_DAMAGED = 2,
    SERVICE_MALFORMED = 3,     /* no operation of this service, or its arguments are missing */
    SERVICE_TPM_FAILED = 4,    /* the TPM did not do its part of the operation; logged */
    SERVICE_STATE_REFUSED = 5, /* the volume is intact, but libtpms does not load the state in it */
    SERVICE_STATE_TOO_NEW = 6, /* likewise, because a newer libtpms wrote it */
    SERVICE_NOT_COMMITTED = 7, /* the volume is not what the KBS's record admits; logged */
};

/* What OPEN tells of an unconfirmed state, and its TPM's endorsement keys: struct state_name, and
 * struct ek_request where they are known. Both go to the attestation service as they are. */
#define SERVICE_UNCONFIRMED_MAX (56 + 472)

/* How OPEN opened it. */
enum service_opening {
    SERVICE_STATE_OPENED = 0,
    SERVICE_MANUFACTURED = 1,
    SERVICE_EPHEMERAL = 2,
};

#endif
