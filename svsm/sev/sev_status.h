/* SPDX-License-Identifier: MIT */
/* SEV_STATUS, MSR C001_0131 (APM vol. 2, 15.34.10):
 * which rules the hardware enforces on this VM. */
#ifndef SNPVTPM_SVSM_SEV_SEV_STATUS_H
#define SNPVTPM_SVSM_SEV_SEV_STATUS_H

#include <stdbool.h>
#include <stdint.h>

/* Ends the VM unless SNP is on and no feature is that the kernel does not know how to live with. */
void sev_status_check(void);

/* Whether the host can inject nothing but #HV at VMPL0. */
bool sev_status_restricts_injection(void);

/* SEV_FEATURES of VMPL0. */
uint64_t sev_status_own_features(void);

/* SEV_FEATURES for the guest's VMSA: those of VMPL0 but what unmodified guests refuse. */
uint64_t sev_status_guest_features(void);

#endif
