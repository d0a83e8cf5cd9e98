/* SPDX-License-Identifier: MIT */
#include "services/tpm/volume_manifest.h"

#include <string.h>

#include "lib/base/writer.h"
#include "lib/ek/digest.h"
#include "services/tpm/nv_index.h"

#define MAGIC      "SVSMVOL1"
#define MAGIC_SIZE 8

static_assert(MAGIC_SIZE + STATE_VOLUME_ID_SIZE + 8 + 8 + EK_DIGEST_SIZE == VOLUME_MANIFEST_SIZE,
              "the manifest of a volume");
static_assert(sizeof(((struct engine_lease *)0)->volume_id) == STATE_VOLUME_ID_SIZE,
              "the id of a volume");

void volume_manifest_take(struct engine *engine, const struct state_grant *grant)
{
    struct engine_lease *lease = &engine->lease;

    *lease =
        (struct engine_lease){.held = true, .epoch = grant->epoch, .generation = grant->generation};
    memcpy(lease->volume_id, grant->volume_id, sizeof(lease->volume_id));
}

bool volume_manifest_write(const struct engine *engine, uint8_t out[VOLUME_MANIFEST_SIZE])
{
    const struct engine_lease *lease = &engine->lease;
    struct writer w = writer_over(out, VOLUME_MANIFEST_SIZE);
    uint8_t digest[EK_DIGEST_SIZE];

    return lease->held && engine->ek.known && ek_keys_digest(&engine->ek.keys, digest) &&
           writer_put(&w, MAGIC, MAGIC_SIZE) &&
           writer_put(&w, lease->volume_id, sizeof(lease->volume_id)) &&
           writer_be64(&w, lease->epoch) && writer_be64(&w, lease->generation) &&
           writer_put(&w, digest, sizeof(digest));
}

void volume_manifest_install(struct engine *engine)
{
    uint8_t manifest[VOLUME_MANIFEST_SIZE];

    if (volume_manifest_write(engine, manifest))
        nv_index_install(engine, VOLUME_MANIFEST_NV, manifest, sizeof(manifest));
    else
        nv_index_remove(engine, VOLUME_MANIFEST_NV);
}
