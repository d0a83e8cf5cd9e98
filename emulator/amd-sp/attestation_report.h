/* SPDX-License-Identifier: MIT */
/* Making and signing attestation reports (SNP firmware ABI 56860, MSG_REPORT_REQ). */
#ifndef SNPVTPM_EMULATOR_AMD_SP_ATTESTATION_REPORT_H
#define SNPVTPM_EMULATOR_AMD_SP_ATTESTATION_REPORT_H

#include <stdint.h>

#include "emulator/amd-sp/chip.h"
#include "emulator/amd-sp/guest_context.h"
#include "lib/snp/report.h"

/* Fills *report with a version 3 report signed by the VCEK. Returns false when libcrypto fails. */
MUST_CHECK bool attestation_report_make(const struct chip *chip, const struct guest_context *guest,
                                        const struct msg_report_req *request,
                                        struct snp_report *report);

#endif
