/* SPDX-License-Identifier: MIT */
/* Whether this server was told to believe an emulated platform. Inside kbs/admin only. */
#ifndef SNPVTPM_KBS_ADMIN_TRUSTED_H
#define SNPVTPM_KBS_ADMIN_TRUSTED_H

#include "kbs/evidence/evidence.h"
#include "kbs/kbs.h"

static inline bool trusts_emulated(const struct kbs *kbs)
{
    return kbs->verifier->trust->emulated_ark != NULL;
}

#endif
