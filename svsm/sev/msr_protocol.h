/* SPDX-License-Identifier: MIT */
/* The GHCB MSR protocol (56421, section 2.3.1): what can be asked without a GHCB page. */
#ifndef SNPVTPM_SVSM_SEV_MSR_PROTOCOL_H
#define SNPVTPM_SVSM_SEV_MSR_PROTOCOL_H

#include <stdint.h>

#include "lib/snp/ghcb.h"
#include "svsm/base/address.h"
#include "svsm/base/status.h"

/* Reason codes of set 0 for a termination request (56421, table "Termination"). */
enum terminate_reason {
    TERMINATE_GENERAL = 0,
    TERMINATE_PROTOCOL_RANGE = 1,
    TERMINATE_SNP_FEATURES = 2,
};

/* Agrees on protocol version 2; ends the VM when the host does not offer it. */
void msr_protocol_negotiate(void);

/* The host's feature bits (GHCB_HV_FEATURE_*). */
MUST_CHECK enum status msr_protocol_host_features(uint64_t *features);

/* Registers the GHCB page and leaves its address in the MSR. */
MUST_CHECK enum status msr_protocol_register_ghcb(gpa_t page);

/* Asks for a page state change; that the host did it is seen only when the page is used. */
void msr_protocol_page_state(gpa_t page, enum psc_operation operation);

/* Runs the guest at vmpl; returns when the host runs VMPL0 again. */
MUST_CHECK enum status msr_protocol_run_vmpl(unsigned vmpl);

/* Asks the host to end the VM, and stops whether it does or not. */
_Noreturn void msr_protocol_terminate(enum terminate_reason reason);

#endif
