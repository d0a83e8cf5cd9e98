/* SPDX-License-Identifier: MIT */
/*
 * The emulated AMD-SP: runs the commands of a mailbox (mailbox.h) on a machine's RAM.
 */
#ifndef SNPVTPM_EMULATOR_AMD_SP_PROCESSOR_H
#define SNPVTPM_EMULATOR_AMD_SP_PROCESSOR_H

#include <stdio.h>

#include "emulator/amd-sp/chip.h"
#include "emulator/amd-sp/guest_context.h"
#include "emulator/amd-sp/ram.h"

#define PROCESSOR_GUESTS 8

struct processor {
    const struct chip *chip;
    struct ram ram;
    FILE *log;
    struct guest_slot {
        bool in_use;
        struct guest_context context;
    } guests[PROCESSOR_GUESTS]; /* a guest's handle is its index + 1 */
};

/* Forgets all guests, as a reset of the machine does. */
void processor_reset(struct processor *processor);

/*
 * Runs the commands of the mailbox at this offset of RAM, up to the first that fails, and logs one
 * line for each. Returns false, with nothing run, if there is no well-formed mailbox.
 */
MUST_CHECK bool processor_run(struct processor *processor, uint64_t mailbox);

#endif
