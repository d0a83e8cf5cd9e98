/* SPDX-License-Identifier: MIT */
/* What of an attestation is about a volume: which one, and the reply with its key or a status. */
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "kbs/protocol/attestation.h"
#include "lib/jose/jwe_ecdh.h"
#include "lib/jose/strict_json.h"

/* Which volume */

static enum store_status find_volume(struct attestation *attestation, struct store_unit *unit)
{
    struct reader report = reader_over(attestation->sent.report, attestation->sent.report_size);
    uint8_t measurement[LAUNCH_DIGEST_SIZE];
    struct reader field;

    if (attestation->grant.dialect == DIALECT_SIGNED && attestation->asked.has_volume)
        return volume_by_id(unit, attestation->asked.volume, &attestation->volume);
    if (!reader_window(&report, &field, offsetof(struct snp_report, measurement),
                       LAUNCH_DIGEST_SIZE) ||
        !reader_copy(&field, measurement, LAUNCH_DIGEST_SIZE))
        return STORE_NOT_FOUND;
    return volume_of_measurement(unit, measurement, &attestation->volume);
}

bool attestation_pick_volume(struct attestation *attestation, struct store_unit *unit)
{
    switch (find_volume(attestation, unit)) {
    case STORE_OK:
        attestation->has_volume = true;
        if (attestation->volume.retired)
            attestation->volume_problem = REFUSAL_VOLUME_RETIRED;
        else if (attestation->grant.dialect == DIALECT_COCONUT &&
                 attestation->volume.release == VOLUME_RELEASE_SIGNED)
            attestation->volume_problem = REFUSAL_SIGNED_ONLY;
        return true;
    case STORE_NOT_FOUND:
        attestation->volume_problem = REFUSAL_VOLUME_UNKNOWN;
        return true;
    case STORE_CONFLICT:
        attestation->volume_problem = REFUSAL_VOLUME_AMBIGUOUS;
        return true;
    case STORE_RETIRED:
        attestation->volume_problem = REFUSAL_VOLUME_RETIRED;
        return true;
    default:
        return attestation_refuse(attestation, refusal_of(REFUSAL_STORAGE), NULL);
    }
}

bool attestation_make_reply(struct attestation *attestation)
{
    return attestation_refuse(attestation, refusal_of(REFUSAL_MEMORY), NULL);
}
