/* SPDX-License-Identifier: MIT */
/* Checks on the attestation report alone, before any certificate is looked at. */
#ifndef SNPVTPM_KBS_EVIDENCE_REPORT_H
#define SNPVTPM_KBS_EVIDENCE_REPORT_H

#include "kbs/evidence/requirements.h"
#include "kbs/evidence/verdict.h"
#include "lib/snp/report.h"

/* V1. Copies the raw bytes of a report and checks what every version has: size, signature's form.
 */
MUST_CHECK bool report_check_form(const uint8_t *bytes, size_t size, struct snp_report *report,
                                  struct finding *finding);

/* Reports tell their processor from version 3 on. */
bool report_tells_product(const struct snp_report *report);

/* V2. The version is an admitted one whose fields are known. */
MUST_CHECK bool report_check_version(const struct snp_report *report,
                                     const struct requirements *requirements,
                                     struct finding *finding);

/* V2. The processor that a report of version 3 on says it is from. */
MUST_CHECK bool report_product(const struct snp_report *report, enum product *product,
                               struct finding *finding);

/* V2. The processor generation is admitted. */
MUST_CHECK bool report_check_product(enum product product, const struct requirements *requirements,
                                     struct finding *finding);

/* V3. An admitted kind of key signed the report: *vlek says whether it is a VLEK, else a VCEK. */
MUST_CHECK bool report_check_signing_key(const struct snp_report *report,
                                         const struct requirements *requirements, bool *vlek,
                                         struct finding *finding);

/* Whether CHIP_ID is masked: all zero. */
bool report_masks_chip(const struct snp_report *report);

/* V8. CHIP_ID is masked only where that is admitted. */
MUST_CHECK bool report_check_masked(const struct snp_report *report,
                                    const struct requirements *requirements,
                                    struct finding *finding);

/* V8. The chip is on the owner's list, if there is one. */
MUST_CHECK bool report_check_chip(const struct snp_report *report,
                                  const struct requirements *requirements, struct finding *finding);

/* V14. REPORT_DATA is as expected; takes the same time whatever it is. */
MUST_CHECK bool report_is_bound(const struct snp_report *report,
                                const uint8_t expected[REPORT_DATA_SIZE]);

#endif
