/* SPDX-License-Identifier: MIT */
/* The byte stream on which the machine rings for the AMD-SP (mailbox.h describes it). */
#ifndef SNPVTPM_EMULATOR_AMD_SP_DOORBELL_H
#define SNPVTPM_EMULATOR_AMD_SP_DOORBELL_H

#include "emulator/amd-sp/processor.h"

enum doorbell_error {
    DOORBELL_OK,
    DOORBELL_RAM,    /* the RAM file cannot be mapped; errno says why */
    DOORBELL_STREAM, /* the stream failed; errno says why */
};

struct doorbell {
    struct processor *processor;
    uint64_t mailbox;
    bool has_mailbox;
    unsigned address_bytes; /* of the mailbox's offset that are still to come */
};

/*
 * Takes one byte of the stream; the processor's RAM must be mapped. Returns the byte to answer, or
 * 0 for none. A mailbox announced again is the machine's reset: all guests are forgotten.
 */
MUST_CHECK char doorbell_take(struct doorbell *doorbell, uint8_t byte);

/* Serves a stream until it ends. The RAM file is mapped when the first byte has come. */
MUST_CHECK enum doorbell_error doorbell_serve(struct processor *processor, const char *ram_path,
                                              int stream);

#endif
