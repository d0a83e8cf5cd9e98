/* SPDX-License-Identifier: MIT */
/* Checks on the attestation report alone, without certificates. */
#ifndef SNPVTPM_KBS_EVIDENCE_REPORT_H
#define SNPVTPM_KBS_EVIDENCE_REPORT_H

#include "kbs/evidence/product.h"
#include "kbs/evidence/verdict.h"
#include "lib/snp/report.h"

/* Copies the raw bytes of a report and checks what every version has: size, signature's form. */
MUST_CHECK bool report_check_form(const uint8_t *bytes, size_t size, struct snp_report *report,
                                  struct finding *finding);

/* The version is one whose fields are known, and the report says which processor made it. */
MUST_CHECK bool report_check_version(const struct snp_report *report, enum product *product,
                                     struct finding *finding);

/* A chip's own key, the VCEK, signed the report. */
MUST_CHECK bool report_check_signing_key(const struct snp_report *report, struct finding *finding);

/* Requested at VMPL 0 by a guest that neither its host nor a migration agent can read. */
MUST_CHECK bool report_check_guest(const struct snp_report *report, struct finding *finding);

/* REPORT_DATA is as expected. */
MUST_CHECK bool report_check_data(const struct snp_report *report,
                                  const uint8_t expected[REPORT_DATA_SIZE],
                                  struct finding *finding);

#endif
