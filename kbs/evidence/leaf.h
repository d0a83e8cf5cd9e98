/* SPDX-License-Identifier: MIT */
/* The certificate of the key that signed a report, VCEK or VLEK: signature, and what it was issued
 * for (AMD 57230). */
#ifndef SNPVTPM_KBS_EVIDENCE_LEAF_H
#define SNPVTPM_KBS_EVIDENCE_LEAF_H

#include <openssl/types.h>

#include "kbs/evidence/requirements.h"
#include "kbs/evidence/verdict.h"
#include "lib/snp/report.h"

/* V6. The key of leaf, a P-384 key, signed the report. */
MUST_CHECK bool leaf_check_signature(const X509 *leaf, const struct snp_report *report,
                                     struct finding *finding);

/* V7. The AMD extensions of leaf name the report's REPORTED_TCB, component by component. */
MUST_CHECK bool leaf_check_tcb(const X509 *leaf, const struct snp_report *report,
                               enum product product, struct finding *finding);

/* V8. The HWID extension of a VCEK is the report's CHIP_ID, unless that is masked. */
MUST_CHECK bool leaf_check_chip(const X509 *vcek, const struct snp_report *report,
                                enum product product, struct finding *finding);

/* V8. A VLEK names its cloud service provider, and no chip. */
MUST_CHECK bool leaf_read_csp(const X509 *vlek, char csp_id[CSP_ID_MAX + 1],
                              struct finding *finding);

/* Whether vcek was issued for that chip, and that TCB (NULL: any). */
bool leaf_is_for(const X509 *vcek, enum product product, const uint8_t chip_id[CHIP_ID_SIZE],
                 const struct tcb *tcb);

#endif
