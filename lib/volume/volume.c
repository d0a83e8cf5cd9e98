/* SPDX-License-Identifier: MIT */
/* Opening and reading; what writes is in commit.c. */
#include "lib/volume/volume.h"

#include <openssl/crypto.h>
#include <string.h>

#include "lib/volume/content.h"
#include "lib/volume/slots.h"
#include "lib/volume/version1.h"

static enum volume_status load_table(struct device *device, struct volume_state *state)
{
    const struct content *at = &state->superblock.table;
    struct reader entries;
    uint8_t *bytes;
    enum volume_status status;

    if (at->size > TABLE_SIZE_MAX || !space_holds(device, at))
        return VOLUME_DAMAGED;
    status = content_read(device, state->superblock.volume_id, at, &bytes);
    if (status != VOLUME_OK)
        return status;
    entries = reader_over(bytes, at->size);
    if (!table_decode(&state->table, &entries))
        status = VOLUME_DAMAGED;
    for (size_t i = 0; i < state->table.count && status == VOLUME_OK; i++)
        if (!space_holds(device, &state->table.objects[i].content))
            status = VOLUME_DAMAGED;
    content_free(at, bytes);
    return status;
}

/* A state of version 1 has one object, its payload. */
static enum volume_status load_state(struct device *device, const struct superblock *superblock,
                                     struct volume_state *state)
{
    struct volume_object *object;

    state->superblock = *superblock;
    state->table.count = 0;
    if (superblock->counter == 0)
        return VOLUME_OK;
    if (superblock->version == VOLUME_VERSION)
        return load_table(device, state);
    object = table_take(&state->table, VOLUME_TPM_STATE);
    object->content = version1_payload(device, superblock);
    return VOLUME_OK;
}

static enum volume_status load_choice(struct volume *volume, const struct slots *slots,
                                      const struct choice *choice)
{
    enum volume_status status = load_state(&volume->device, &choice->current, &volume->current);

    if (status == VOLUME_OK)
        status = load_state(&volume->device, &choice->acknowledged, &volume->acknowledged);
    volume->pending = !superblock_equal(&choice->current, &choice->acknowledged);
    volume->formatted = true;
    volume->slot = choice->slot;
    volume->epoch = choice->current.epoch;
    volume->generation = choice->current.generation;
    if (choice->current.version == VOLUME_VERSION && slots_have_remains(slots))
        volume->remains = REMAINS_THERE;
    for (unsigned slot = 0; slot < SLOTS; slot++)
        volume->slots[slot] =
            slots->places[slot].authentic &&
                    superblock_equal(&slots->places[slot].superblock, &choice->current)
                ? SLOT_DURABLE
                : SLOT_OTHER;
    return status;
}

static enum volume_status open_device(struct volume *volume, const struct volume_anchor *anchor)
{
    const struct superblock *highest;
    struct slots slots;
    struct choice choice;
    enum volume_status status = slots_read(&slots, &volume->device);

    if (status != VOLUME_OK)
        return status;
    highest = slots_highest(&slots);
    if (highest)
        volume->highest = *highest;
    volume->has_highest = highest;
    status = slots_choose(&slots, &volume->device, anchor, &choice);
    if (status == VOLUME_OK && choice.blank)
        return VOLUME_BLANK;
    if (status == VOLUME_OK)
        status = load_choice(volume, &slots, &choice);
    return status == VOLUME_OK && choice.current.counter == 0 ? VOLUME_BLANK : status;
}

enum volume_status volume_open(struct volume *volume, const struct volume_storage *storage,
                               const uint8_t key[VOLUME_KEY_SIZE],
                               const struct volume_anchor *anchor)
{
    enum volume_status status;

    memset(volume, 0, sizeof(*volume));
    status = device_begin(&volume->device, storage, key);
    if (status == VOLUME_OK)
        status = open_device(volume, anchor);
    volume->writable = status == VOLUME_OK || status == VOLUME_BLANK;
    return status;
}

enum volume_status volume_read(struct volume *volume, const char *name, uint8_t **bytes,
                               size_t *size)
{
    const struct volume_object *object = table_find(&volume->current.table, name);
    enum volume_status status;

    if (!object)
        return VOLUME_NO_OBJECT;
    status = content_read(&volume->device, volume->current.superblock.volume_id, &object->content,
                          bytes);
    if (status == VOLUME_OK)
        *size = object->content.size;
    return status;
}

void volume_close(struct volume *volume)
{
    device_end(&volume->device);
    OPENSSL_cleanse(volume, sizeof(*volume));
}
