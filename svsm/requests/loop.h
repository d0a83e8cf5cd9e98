/* SPDX-License-Identifier: MIT */
#ifndef SNPVTPM_SVSM_REQUESTS_LOOP_H
#define SNPVTPM_SVSM_REQUESTS_LOOP_H

#include "svsm/requests/call.h"

/* Runs the guest on this processor for ever, and serves its calls between. */
_Noreturn void requests_run(struct guest *guest, const struct cpu *cpu);

#endif
