/* SPDX-License-Identifier: MIT */
/* The chip's certificate against a report: signature, and the chip and TCB it was issued for. */
#ifndef SNPVTPM_KBS_EVIDENCE_VCEK_H
#define SNPVTPM_KBS_EVIDENCE_VCEK_H

#include <openssl/types.h>

#include "kbs/evidence/product.h"
#include "kbs/evidence/verdict.h"
#include "lib/snp/report.h"

/* The key of vcek, a P-384 key, signed the report. */
MUST_CHECK bool vcek_check_signature(const X509 *vcek, const struct snp_report *report,
                                     struct finding *finding);

/* The AMD extensions of vcek name the report's REPORTED_TCB, component by component. */
MUST_CHECK bool vcek_check_tcb(const X509 *vcek, const struct snp_report *report,
                               enum product product, struct finding *finding);

/* The HWID extension of vcek is the report's CHIP_ID. */
MUST_CHECK bool vcek_check_chip(const X509 *vcek, const struct snp_report *report,
                                enum product product, struct finding *finding);

#endif
