/* SPDX-License-Identifier: MIT */
/*
 * The SVSM's own vCPUs. The first one started with the VM; another one is started when the guest
 * creates its first vCPU for that APIC ID. So no number and no list of the host's decides anything:
 * what the guest asks for and the host does not have, the host refuses.
 */
#ifndef SNPVTPM_SVSM_REQUESTS_PROCESSORS_H
#define SNPVTPM_SVSM_REQUESTS_PROCESSORS_H

#include "svsm/requests/call.h"

enum processor_result {
    PROCESSOR_OK,
    PROCESSOR_TOO_MANY,
    PROCESSOR_NO_FLUSH, /* those of other vCPUs cannot be dropped */
    PROCESSOR_NO_MEMORY,
    PROCESSOR_REFUSED, /* by the host */
};

/* The words for it, for the console. */
const char *processor_result_text(enum processor_result result);

/* The processor that has this APIC ID, or a free one for it. Both under the guest's lock, to write.
 */
MUST_CHECK enum processor_result processor_find(struct guest *guest, uint32_t apic_id,
                                                struct cpu **cpu);

/*
 * Starts it unless it runs: it serves the vCPUs of this APIC ID as soon as the host runs it; nobody
 * waits for that.
 */
MUST_CHECK enum processor_result processor_start(struct guest *guest, struct cpu *cpu,
                                                 uint32_t apic_id);

#endif
