/* SPDX-License-Identifier: MIT */
/* What writes to a volume (docs/state-volume.md, "Commit"). */
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

#include "lib/volume/content.h"
#include "lib/volume/version1.h"
#include "lib/volume/volume.h"

#define FIRST_SLOT  0
#define MIDDLE_SLOT 1
#define LAST_SLOT   (SLOTS - 1)

static bool may_commit(const struct volume *volume)
{
    return volume->writable && !volume->in_doubt;
}

/* What was written into slots and over remains is durable now; or nobody knows, if that failed. */
static enum volume_status flush(struct volume *volume)
{
    enum volume_status status = device_flush(&volume->device);
    bool durable = status == VOLUME_OK;

    for (unsigned slot = 0; slot < SLOTS; slot++)
        if (volume->slots[slot] == SLOT_WRITTEN)
            volume->slots[slot] = durable ? SLOT_DURABLE : SLOT_OTHER;
    if (volume->remains == REMAINS_ERASED)
        volume->remains = durable ? REMAINS_NONE : REMAINS_THERE;
    volume->flushed |= durable;
    return status;
}

static enum volume_status write_slot(struct volume *volume, unsigned slot,
                                     struct superblock *superblock)
{
    uint8_t sector[SECTOR_SIZE];

    if (!superblock_write(superblock, sector, volume->device.key))
        return VOLUME_NO_RESOURCES;
    return device_write(&volume->device, device_slot(&volume->device, slot), sector, 1);
}

/* Erases what version 1 had outside the slots. */
static enum volume_status erase_remains(struct volume *volume)
{
    enum volume_status status = VOLUME_OK;

    for (unsigned i = 0; i < HALVES * COPIES && status == VOLUME_OK; i++) {
        uint64_t at = version1_sector(&volume->device, i / COPIES, i % COPIES);

        if (at != device_slot(&volume->device, FIRST_SLOT) &&
            at != device_slot(&volume->device, MIDDLE_SLOT))
            status = device_erase(&volume->device, at);
    }
    if (status == VOLUME_OK)
        volume->remains = REMAINS_ERASED;
    return status;
}

/*
 * Writes the current state into the slots that do not have it, none of which is needed. Whoever
 * calls flushes.
 */
static enum volume_status fill_slots(struct volume *volume)
{
    enum volume_status status = VOLUME_OK;

    for (unsigned slot = 0; slot < SLOTS && status == VOLUME_OK; slot++) {
        if (volume->slots[slot] != SLOT_OTHER)
            continue;
        status = write_slot(volume, slot, &volume->current.superblock);
        if (status == VOLUME_OK)
            volume->slots[slot] = SLOT_WRITTEN;
    }
    return status == VOLUME_OK && volume->remains == REMAINS_THERE ? erase_remains(volume) : status;
}

/* Volumes of version 1 keep their superblocks until the new one is acknowledged. */
static bool is_version_1(const struct volume *volume)
{
    return volume->current.superblock.version == VOLUME_VERSION_1;
}

/*
 * Before the first of all writes comes a flush: what was found when the volume was opened may be
 * what a process that was killed had written without a flush, and the state before it, which a
 * power cut could bring back, is about to be overwritten.
 *
 * Then every slot gets the current state, unless a state that is still needed is in one.
 */
static enum volume_status prepare_slots(struct volume *volume)
{
    enum volume_status status = volume->flushed ? VOLUME_OK : flush(volume);

    if (status != VOLUME_OK || volume->pending || is_version_1(volume))
        return status;
    return fill_slots(volume);
}

static unsigned choose_slot(const struct volume *volume)
{
    if (is_version_1(volume))
        return LAST_SLOT;
    return volume->pending && volume->slot == FIRST_SLOT ? MIDDLE_SLOT : FIRST_SLOT;
}

/* What must not be overwritten by a commit. */
static struct space space_of(const struct volume *volume)
{
    struct space space = {0};

    space_keep_state(&space, &volume->current);
    if (volume->pending)
        space_keep_state(&space, &volume->acknowledged);
    return space;
}

/* Writes a content of the next state where there is room. */
static enum volume_status add_content(struct volume *volume, struct space *space,
                                      const struct superblock *next, struct content *content,
                                      const uint8_t *bytes, size_t size, bool is_table)
{
    enum volume_status status;

    if (!space_find(space, &volume->device, size, is_table, &content->sector))
        return VOLUME_TOO_LARGE;
    status = content_write(&volume->device, next->volume_id, content, bytes, size);
    space_keep(space, content);
    return status;
}

static enum volume_status apply_change(struct volume *volume, struct space *space,
                                       struct volume_state *next,
                                       const struct volume_change *change)
{
    struct volume_object *object;

    if (!table_name_ok(change->name))
        return VOLUME_BAD_NAME;
    if (!change->bytes) {
        table_remove(&next->table, change->name);
        return VOLUME_OK;
    }
    object = table_take(&next->table, change->name);
    if (!object)
        return VOLUME_TOO_LARGE;
    return add_content(volume, space, &next->superblock, &object->content, change->bytes,
                       change->size, false);
}

static enum volume_status write_table(struct volume *volume, struct space *space,
                                      struct volume_state *next)
{
    uint8_t bytes[TABLE_SIZE_MAX];
    struct writer entries = writer_over(bytes, sizeof(bytes));

    if (!table_encode(&next->table, &entries))
        return VOLUME_NO_RESOURCES;
    return add_content(volume, space, &next->superblock, &next->superblock.table, bytes,
                       entries.used, true);
}

/* Writes the superblock of next, whose contents are on the device, and makes it current. */
static enum volume_status switch_to(struct volume *volume, struct volume_state *next)
{
    unsigned slot = choose_slot(volume);
    bool upgrade = is_version_1(volume);
    enum volume_status status;

    if (upgrade && version1_reaches(&volume->device, &volume->current.superblock,
                                    device_slot(&volume->device, LAST_SLOT)))
        return VOLUME_TOO_LARGE;
    next->superblock.version = VOLUME_VERSION;
    volume->in_doubt = true;
    status = write_slot(volume, slot, &next->superblock);
    if (status == VOLUME_OK)
        status = device_flush(&volume->device);
    if (status != VOLUME_OK)
        return status;
    volume->in_doubt = false;
    if (!volume->pending)
        volume->acknowledged = volume->current;
    volume->pending = true;
    volume->current = *next;
    volume->slot = slot;
    if (upgrade)
        volume->remains = REMAINS_THERE;
    for (unsigned i = 0; i < SLOTS; i++)
        volume->slots[i] = i == slot ? SLOT_DURABLE : SLOT_OTHER;
    return VOLUME_OK;
}

/*
 * Gives a blank volume its identity before anything else is written to it: a first commit that is
 * cut short must not leave bytes that look like another key's volume. The middle slot is where no
 * partition table or file system has anything.
 */
enum volume_status volume_format(struct volume *volume)
{
    struct superblock *first = &volume->current.superblock;
    enum volume_status status;

    if (!may_commit(volume))
        return VOLUME_NOT_WRITABLE;
    if (volume->formatted)
        return VOLUME_OK;
    first->version = VOLUME_VERSION;
    first->epoch = volume->epoch;
    first->generation = volume->generation;
    if (bytes_are_zero(first->volume_id, VOLUME_ID_SIZE) &&
        RAND_bytes(first->volume_id, VOLUME_ID_SIZE) != 1)
        return VOLUME_NO_RESOURCES;
    volume->in_doubt = true;
    status = write_slot(volume, MIDDLE_SLOT, first);
    if (status == VOLUME_OK)
        status = device_flush(&volume->device);
    if (status != VOLUME_OK)
        return status;
    volume->in_doubt = false;
    volume->formatted = true;
    volume->slot = MIDDLE_SLOT;
    volume->slots[MIDDLE_SLOT] = SLOT_DURABLE;
    return VOLUME_OK;
}

/* The state after the current one, with the same objects. */
static struct volume_state next_state(const struct volume *volume)
{
    struct volume_state next = volume->current;

    next.superblock.base =
        volume->pending ? volume->acknowledged.superblock.counter : next.superblock.counter;
    next.superblock.counter++;
    next.superblock.epoch = volume->epoch;
    next.superblock.generation = volume->generation;
    return next;
}

/* Rewrites an object, which from reads. */
static enum volume_status rewrite(struct volume *volume, struct device *from, struct space *space,
                                  const struct superblock *next, struct content *content)
{
    struct content old = *content;
    uint8_t *bytes = NULL;
    enum volume_status status = content_read(from, next->volume_id, &old, &bytes);

    if (status == VOLUME_OK)
        status = add_content(volume, space, next, content, bytes, old.size, false);
    content_free(&old, bytes);
    return status;
}

/* The state of version 1 is in the slots that another one would need. */
static bool has_to_be_acknowledged(const struct volume *volume)
{
    return volume->pending && volume->acknowledged.superblock.version == VOLUME_VERSION_1;
}

static bool is_changed(const struct volume_object *object, const struct volume_change *changes,
                       size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(object->name, changes[i].name) == 0)
            return true;
    return false;
}

/*
 * Writes all of the next state but its superblock: what changes; and of the other objects those
 * that cannot stay, being of version 1, or under the key that from has.
 */
static enum volume_status write_contents(struct volume *volume, struct device *from,
                                         const struct volume_change *changes, size_t count,
                                         struct volume_state *next)
{
    bool other_key = from != &volume->device;
    struct space space = space_of(volume);
    enum volume_status status = VOLUME_OK;

    for (size_t i = 0; i < count && status == VOLUME_OK; i++)
        status = apply_change(volume, &space, next, &changes[i]);
    for (size_t i = 0; i < next->table.count && status == VOLUME_OK; i++) {
        struct volume_object *object = &next->table.objects[i];

        if ((other_key || object->content.version_1) && !is_changed(object, changes, count))
            status = rewrite(volume, from, &space, &next->superblock, &object->content);
    }
    if (status == VOLUME_OK)
        status = write_table(volume, &space, next);
    return status == VOLUME_OK ? flush(volume) : status;
}

enum volume_status volume_commit(struct volume *volume, const struct volume_change *changes,
                                 size_t count)
{
    struct volume_state next;
    enum volume_status status;

    if (!may_commit(volume))
        return VOLUME_NOT_WRITABLE;
    if (has_to_be_acknowledged(volume))
        return VOLUME_PENDING;
    status = volume_format(volume);
    if (status == VOLUME_OK)
        status = prepare_slots(volume);
    next = next_state(volume);
    if (status == VOLUME_OK)
        status = write_contents(volume, &volume->device, changes, count, &next);
    return status == VOLUME_OK ? switch_to(volume, &next) : status;
}

enum volume_status volume_rekey(struct volume *volume, const uint8_t key[VOLUME_KEY_SIZE],
                                const struct volume_change *changes, size_t count)
{
    struct device old = {0};
    struct volume_state next;
    enum volume_status status;

    if (!may_commit(volume))
        return VOLUME_NOT_WRITABLE;
    if (has_to_be_acknowledged(volume))
        return VOLUME_PENDING;
    status = volume_format(volume); /* still under the old key */
    if (status == VOLUME_OK)
        status = prepare_slots(volume);
    if (status != VOLUME_OK)
        return status;
    next = next_state(volume);
    old = volume->device;
    status = device_begin(&volume->device, &old.storage, key);
    if (status == VOLUME_OK)
        status = write_contents(volume, &old, changes, count, &next);
    if (status == VOLUME_OK)
        status = switch_to(volume, &next);
    volume->writable = status == VOLUME_OK;
    device_end(&old);
    return status;
}

void volume_acknowledge(struct volume *volume)
{
    volume->pending = false;
    volume->acknowledged = volume->current;
    /* What this cannot write stays SLOT_OTHER, or a remainder, and the next commit writes it. */
    if (may_commit(volume))
        (void)!fill_slots(volume);
}

bool volume_disown(struct volume *volume)
{
    const struct superblock *current = &volume->current.superblock;

    if (!may_commit(volume) || is_version_1(volume) || current->counter == 0 ||
        current->base != 0 || current->epoch == 0)
        return false;
    volume->acknowledged = volume->current;
    volume->acknowledged.table.count = 0;
    volume->acknowledged.superblock.counter = 0;
    volume->acknowledged.superblock.table = (struct content){0};
    volume->pending = true;
    return true;
}

enum volume_status volume_update(struct volume *volume, const char *name, const uint8_t *bytes,
                                 size_t size)
{
    struct volume_change change = {.name = name, .bytes = bytes, .size = size};
    enum volume_status status = volume_commit(volume, &change, 1);

    if (status == VOLUME_OK)
        volume_acknowledge(volume);
    return status;
}

enum volume_status volume_settle(struct volume *volume)
{
    enum volume_status status;

    if (!may_commit(volume) || !volume->formatted)
        return VOLUME_NOT_WRITABLE;
    if (volume->pending)
        return VOLUME_PENDING;
    if (is_version_1(volume))
        return VOLUME_OK;
    status = fill_slots(volume);
    return status == VOLUME_OK ? flush(volume) : status;
}

bool volume_identify(struct volume *volume, const uint8_t id[VOLUME_ID_SIZE])
{
    if (volume->formatted || !may_commit(volume))
        return false;
    memcpy(volume->current.superblock.volume_id, id, VOLUME_ID_SIZE);
    return true;
}
