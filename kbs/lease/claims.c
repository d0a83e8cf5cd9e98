/* SPDX-License-Identifier: MIT */
#include "kbs/lease/claims.h"

#include "kbs/json_hex.h"
#include "lib/base/uuid.h"

json_t *lease_claims(const uint8_t volume_id[RELEASE_VOLUME_ID_SIZE],
                     const struct lease_record *record)
{
    char id[UUID_TEXT_LENGTH + 1];

    uuid_text(volume_id, id);
    return json_pack("{s:s, s:I, s:I, s:o}", "id", id, "epoch", (json_int_t)record->epoch,
                     "generation", (json_int_t)record->generation, "ek_digest",
                     record->has_ek_digest ? json_hex(record->ek_digest, sizeof(record->ek_digest))
                                           : json_null());
}
