/* SPDX-License-Identifier: MIT */
/* What the KBS says to others of a volume's lease: in tokens, and in the statement of which epoch
 * is the current one (docs/clones.md). */
#ifndef SNPVTPM_KBS_LEASE_CLAIMS_H
#define SNPVTPM_KBS_LEASE_CLAIMS_H

#include <jansson.h>

#include "kbs/lease/lease.h"

/* {id, epoch, generation, ek_digest} of the record as it is; ek_digest is null as long as there is
 * none. NULL without memory. */
json_t *lease_claims(const uint8_t volume_id[RELEASE_VOLUME_ID_SIZE],
                     const struct lease_record *record);

#endif
