/* SPDX-License-Identifier: MIT */
/*
 * The owner's directory of collateral. It may hold
 *
 *   {milan,genoa,turin}-{ark,ask,asvk}.{pem,der}   AMD's certificates
 *   {milan,genoa,turin}-{vcek,vlek}.crl            AMD's CRLs, in DER or PEM
 *   vcek/HWID/blNN_teeNN_snpNN_ucodeNN_vcek.der    VCEKs as Trustee's offline store has them
 * (Turin's with _fmcNN before _vcek), or vcek/HWID/vcek.der, HWID/vcek.der              just one of
 * a chip
 */
#ifndef SNPVTPM_KBS_COLLATERAL_DIRECTORY_H
#define SNPVTPM_KBS_COLLATERAL_DIRECTORY_H

#include "kbs/collateral/item.h"

/* What the directory has; empty when it has not. */
struct item_value directory_load(const char *directory, const struct item *item);

#endif
