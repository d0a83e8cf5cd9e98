/* SPDX-License-Identifier: MIT */
#include "svsm/sev/sev_status.h"

#include "lib/snp/vmsa.h"
#include "svsm/arch/cpu.h"
#include "svsm/sev/msr_protocol.h"

#define REQUIRED                                                                                   \
    (SEV_STATUS_SEV | SEV_STATUS_SEV_ES | SEV_FEATURE_SNP_ACTIVE << SEV_STATUS_FEATURES_SHIFT)

/* Bits of SEV_FEATURES that change nothing for this kernel. */
#define FEATURE_PREVENT_HOST_IBS (1ull << 6)
#define FEATURE_BTB_ISOLATION    (1ull << 7)
#define FEATURE_SMT_PROTECTION   (1ull << 15)
#define FEATURE_IBPB_ON_ENTRY    (1ull << 21)
#define TOLERATED_FEATURES                                                                         \
    (SEV_FEATURE_RESTRICTED_INJECTION | SEV_FEATURE_DEBUG_SWAP | FEATURE_PREVENT_HOST_IBS |        \
     FEATURE_BTB_ISOLATION | FEATURE_SMT_PROTECTION | FEATURE_IBPB_ON_ENTRY)

void sev_status_check(void)
{
    uint64_t status = msr_read(MSR_SEV_STATUS);
    uint64_t unknown = status & ~(REQUIRED | TOLERATED_FEATURES << SEV_STATUS_FEATURES_SHIFT);

    if ((status & REQUIRED) != REQUIRED || unknown != 0)
        msr_protocol_terminate(TERMINATE_SNP_FEATURES);
}

uint64_t sev_status_own_features(void)
{
    return msr_read(MSR_SEV_STATUS) >> SEV_STATUS_FEATURES_SHIFT;
}

bool sev_status_restricts_injection(void)
{
    return (sev_status_own_features() & SEV_FEATURE_RESTRICTED_INJECTION) != 0;
}

uint64_t sev_status_guest_features(void)
{
    return sev_status_own_features() & ~(SEV_FEATURE_RESTRICTED_INJECTION | SEV_FEATURE_DEBUG_SWAP);
}
