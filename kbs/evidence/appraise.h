/* SPDX-License-Identifier: MIT */
/* What a genuine report says, against an owner's requirements. */
#ifndef SNPVTPM_KBS_EVIDENCE_APPRAISE_H
#define SNPVTPM_KBS_EVIDENCE_APPRAISE_H

#include "kbs/evidence/requirements.h"
#include "kbs/evidence/verdict.h"
#include "lib/snp/report.h"

/* V9, V10. Requested at VMPL 0, by a guest whose policy is as required. */
MUST_CHECK bool appraise_guest(const struct snp_report *report,
                               const struct requirements *requirements, struct finding *finding);

/* V11. The four TCBs are at or above the floor; the firmware cannot be rolled back. */
MUST_CHECK bool appraise_tcb(const struct snp_report *report, enum product product,
                             const struct requirements *requirements, struct finding *finding);

/* V12. What PLATFORM_INFO and the mitigation vectors say. */
MUST_CHECK bool appraise_platform(const struct snp_report *report,
                                  const struct requirements *requirements, struct finding *finding);

/* V13, but for the measurement: what the guest was launched with. */
MUST_CHECK bool appraise_identity(const struct snp_report *report,
                                  const struct requirements *requirements, struct finding *finding);

/* Notes, without failing, TCBs that are not ordered as the firmware's ABI leads one to expect:
 * reported at most committed, committed at most current. */
void appraise_note_tcb_order(const struct snp_report *report, enum product product,
                             struct finding *finding);

#endif
