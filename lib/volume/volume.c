/* SPDX-License-Identifier: MIT */
#include "lib/volume/volume.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#include "lib/base/bytes.h"

#define SLOTS           2
#define COPIES          2
#define COPY_SECTORS    8 /* the copies lie in different 4 KiB blocks: one cannot tear both */
#define PAYLOAD_SECTORS (COPIES * COPY_SECTORS)
#define CHUNK_SECTORS   8

const char *volume_status_text(enum volume_status status)
{
    switch (status) {
    case VOLUME_OK:
        return "is valid";
    case VOLUME_BLANK:
        return "is blank";
    case VOLUME_WRONG_KEY:
        return "does not open with this key";
    case VOLUME_DAMAGED:
        return "was damaged or tampered with: it opens with this key but does not authenticate";
    case VOLUME_OTHER_VERSION:
        return "was written in a format version that this program does not know";
    case VOLUME_BAD_SIZE:
        return "has no valid size: a multiple of 4096 bytes, at least 1 MiB, is needed";
    case VOLUME_WEAK_KEY:
        return "cannot be used with this key: its two halves are equal";
    case VOLUME_TOO_LARGE:
        return "is too small for this state";
    case VOLUME_IO_FAILED:
        return "could not be read or written";
    case VOLUME_NO_RESOURCES:
        break;
    }
    return "could not be processed: out of memory, or OpenSSL failed";
}

static uint64_t superblock_sector(const struct volume *volume, unsigned slot, unsigned copy)
{
    return slot * volume->slot_sectors + copy * COPY_SECTORS;
}

static uint64_t payload_sector(const struct volume *volume, const struct superblock *state)
{
    return state->counter % SLOTS * volume->slot_sectors + PAYLOAD_SECTORS;
}

static uint64_t payload_capacity(const struct volume *volume)
{
    return (volume->slot_sectors - PAYLOAD_SECTORS) * SECTOR_SIZE;
}

/* What the sectors for the superblocks of one slot hold. */
struct slot_scan {
    bool authentic;            /* newest is set */
    struct superblock newest;  /* of the authentic copies */
    bool mirrored;             /* the second copy is the newest one, too */
    bool recognised;           /* a copy has the magic, hence the key is right */
    bool other_version;        /* a copy is authentic, of another version */
    bool copy_is_zero[COPIES]; /* as stored, undecrypted */
};

static enum volume_status scan_copy(struct volume *volume, unsigned slot, unsigned copy,
                                    struct slot_scan *scan)
{
    uint64_t at = superblock_sector(volume, slot, copy);
    uint8_t sector[SECTOR_SIZE];
    struct superblock found;

    if (!volume->storage.read(volume->storage.context, at, sector, 1))
        return VOLUME_IO_FAILED;
    scan->copy_is_zero[copy] = bytes_are_zero(sector, sizeof(sector));
    if (!sector_decrypt(&volume->cipher, at, sector, 1))
        return VOLUME_NO_RESOURCES;
    switch (superblock_read(&found, sector, volume->key)) {
    case SUPERBLOCK_AUTHENTIC:
        scan->recognised = true;
        if (found.counter % SLOTS != slot || found.payload_size > payload_capacity(volume))
            break;
        if (!scan->authentic || found.counter >= scan->newest.counter) {
            scan->newest = found;
            scan->mirrored = copy == 1;
        }
        scan->authentic = true;
        break;
    case SUPERBLOCK_FORGED:
        scan->recognised = true;
        break;
    case SUPERBLOCK_OTHER_VERSION:
        scan->other_version = true;
        break;
    case SUPERBLOCK_ABSENT:
        break;
    case SUPERBLOCK_CRYPTO_FAILED:
        return VOLUME_NO_RESOURCES;
    }
    return VOLUME_OK;
}

static enum volume_status scan_slots(struct volume *volume, struct slot_scan scans[SLOTS])
{
    enum volume_status status = VOLUME_OK;

    memset(scans, 0, SLOTS * sizeof(scans[0]));
    for (unsigned slot = 0; slot < SLOTS; slot++)
        for (unsigned copy = 0; copy < COPIES && status == VOLUME_OK; copy++)
            status = scan_copy(volume, slot, copy, &scans[slot]);
    return status;
}

/* Nothing was recognised: a new volume, or another key's? */
static enum volume_status blank_or_wrong_key(struct volume *volume)
{
    uint8_t chunk[CHUNK_SECTORS * SECTOR_SIZE];

    for (uint64_t at = 0; at < SLOTS * volume->slot_sectors; at += CHUNK_SECTORS) {
        if (!volume->storage.read(volume->storage.context, at, chunk, CHUNK_SECTORS))
            return VOLUME_IO_FAILED;
        if (!bytes_are_zero(chunk, sizeof(chunk)))
            return VOLUME_WRONG_KEY;
    }
    return VOLUME_BLANK;
}

/*
 * Picks the durable state, or says that no sequence of updates and power cuts leaves such slots
 * (docs/state-volume.md, "Opening"). Falling back to the older slot whenever the newer one does
 * not authenticate would let a flipped bit undo an update in silence.
 */
static enum volume_status choose_current(struct volume *volume, const struct slot_scan scans[SLOTS])
{
    unsigned newest = scans[1].authentic &&
                      (!scans[0].authentic || scans[1].newest.counter > scans[0].newest.counter);
    const struct slot_scan *current = &scans[newest];
    const struct slot_scan *previous = &scans[1 - newest];

    if (scans[0].other_version || scans[1].other_version)
        return VOLUME_OTHER_VERSION;
    if (!scans[0].recognised && !scans[1].recognised)
        return blank_or_wrong_key(volume);
    if (!current->authentic)
        return VOLUME_DAMAGED;
    volume->current = current->newest;
    volume->formatted = true;
    volume->mirrored = current->mirrored;
    if (previous->authentic) {
        bool follows =
            previous->newest.counter + 1 == current->newest.counter &&
            memcmp(previous->newest.volume_id, current->newest.volume_id, VOLUME_ID_SIZE) == 0;

        return follows ? VOLUME_OK : VOLUME_DAMAGED;
    }
    /* Only the first update may have been cut short in a slot that never held a superblock. */
    return current->newest.counter == 0 && previous->copy_is_zero[1] ? VOLUME_OK : VOLUME_DAMAGED;
}

static size_t sectors_of(size_t size)
{
    return size / SECTOR_SIZE + (size % SECTOR_SIZE != 0);
}

static bool digest_payload(uint8_t digest[VOLUME_DIGEST_SIZE], const uint8_t *payload, size_t size)
{
    return EVP_Q_digest(NULL, "SHA384", NULL, payload, size, digest, NULL) == 1;
}

static enum volume_status load_payload(struct volume *volume, uint8_t **payload, size_t *size)
{
    uint64_t from = payload_sector(volume, &volume->current);
    size_t sectors = sectors_of(volume->current.payload_size);
    uint8_t digest[VOLUME_DIGEST_SIZE];
    uint8_t *data = OPENSSL_malloc(sectors * SECTOR_SIZE + 1); /* an empty payload is one, too */
    enum volume_status status = VOLUME_OK;

    if (!data)
        status = VOLUME_NO_RESOURCES;
    else if (!volume->storage.read(volume->storage.context, from, data, sectors))
        status = VOLUME_IO_FAILED;
    else if (!sector_decrypt(&volume->cipher, from, data, sectors) ||
             !digest_payload(digest, data, volume->current.payload_size))
        status = VOLUME_NO_RESOURCES;
    else if (CRYPTO_memcmp(digest, volume->current.payload_digest, sizeof(digest)) != 0)
        status = VOLUME_DAMAGED;

    if (status != VOLUME_OK) {
        OPENSSL_clear_free(data, sectors * SECTOR_SIZE);
        return status;
    }
    *payload = data;
    *size = volume->current.payload_size;
    return VOLUME_OK;
}

static enum volume_status measure(struct volume *volume)
{
    uint64_t size;

    if (!volume->storage.size(volume->storage.context, &size))
        return VOLUME_IO_FAILED;
    if (size < VOLUME_SIZE_MIN || size % VOLUME_SIZE_MULTIPLE != 0)
        return VOLUME_BAD_SIZE;
    volume->slot_sectors = size / SLOTS / SECTOR_SIZE;
    return VOLUME_OK;
}

enum volume_status volume_open(struct volume *volume, const struct volume_storage *storage,
                               const uint8_t key[VOLUME_KEY_SIZE], uint8_t **payload, size_t *size)
{
    struct slot_scan scans[SLOTS];
    enum volume_status status;

    memset(volume, 0, sizeof(*volume));
    volume->storage = *storage;
    if (sector_cipher_key_is_weak(key))
        return VOLUME_WEAK_KEY;
    memcpy(volume->key, key, VOLUME_KEY_SIZE);
    if (!sector_cipher_begin(&volume->cipher, key))
        return VOLUME_NO_RESOURCES;

    status = measure(volume);
    if (status == VOLUME_OK)
        status = scan_slots(volume, scans);
    if (status == VOLUME_OK)
        status = choose_current(volume, scans);
    if (status == VOLUME_OK && volume->current.counter == 0)
        status = VOLUME_BLANK;
    if (status == VOLUME_OK)
        status = load_payload(volume, payload, size);
    volume->writable = status == VOLUME_OK || status == VOLUME_BLANK;
    return status;
}

/* Encrypts and writes size bytes from sector at on, padded with zeros to a whole sector. */
static enum volume_status write_encrypted(struct volume *volume, uint64_t at, const uint8_t *bytes,
                                          size_t size)
{
    uint8_t chunk[CHUNK_SECTORS * SECTOR_SIZE];
    enum volume_status status = VOLUME_OK;

    while (size > 0 && status == VOLUME_OK) {
        size_t part = size < sizeof(chunk) ? size : sizeof(chunk);
        size_t sectors = sectors_of(part);

        memcpy(chunk, bytes, part);
        memset(chunk + part, 0, sectors * SECTOR_SIZE - part);
        if (!sector_encrypt(&volume->cipher, at, chunk, sectors))
            status = VOLUME_NO_RESOURCES;
        else if (!volume->storage.write(volume->storage.context, at, chunk, sectors))
            status = VOLUME_IO_FAILED;
        at += sectors;
        bytes += part;
        size -= part;
    }
    OPENSSL_cleanse(chunk, sizeof(chunk));
    return status;
}

static enum volume_status flush(struct volume *volume)
{
    return volume->storage.flush(volume->storage.context) ? VOLUME_OK : VOLUME_IO_FAILED;
}

/* Writes the current superblock's second copy, which is flushed together with the next payload. */
static enum volume_status mirror(struct volume *volume, const uint8_t sector[SECTOR_SIZE])
{
    uint64_t at = superblock_sector(volume, volume->current.counter % SLOTS, 1);
    enum volume_status status = write_encrypted(volume, at, sector, SECTOR_SIZE);

    volume->mirrored = status == VOLUME_OK;
    return status;
}

/* A power cut may have torn the second copy: without it, the next write to the first is a risk. */
static enum volume_status restore_mirror(struct volume *volume)
{
    uint8_t sector[SECTOR_SIZE];

    if (volume->mirrored)
        return VOLUME_OK;
    if (!superblock_write(&volume->current, sector, volume->key))
        return VOLUME_NO_RESOURCES;
    return mirror(volume, sector);
}

/*
 * Makes next the current state: durable once its first copy is flushed. The second copy stays
 * unflushed until the next update flushes its payload, which is before this slot's first copy can
 * be overwritten again; so a power cut tears at most one of the two.
 */
static enum volume_status commit(struct volume *volume, struct superblock *next)
{
    uint64_t at = superblock_sector(volume, next->counter % SLOTS, 0);
    uint8_t sector[SECTOR_SIZE];
    enum volume_status status;

    if (!superblock_write(next, sector, volume->key))
        return VOLUME_NO_RESOURCES;
    volume->in_doubt = true;
    status = write_encrypted(volume, at, sector, sizeof(sector));
    if (status == VOLUME_OK)
        status = flush(volume);
    if (status != VOLUME_OK)
        return status;
    volume->in_doubt = false;
    volume->current = *next;
    return mirror(volume, sector);
}

/*
 * Gives a blank volume its identity before anything else is written to it: a first update that is
 * cut short must not leave bytes that look like another key's volume.
 */
static enum volume_status format(struct volume *volume)
{
    struct superblock first = {0};
    enum volume_status status;

    if (volume->formatted)
        return VOLUME_OK;
    if (!digest_payload(first.payload_digest, (const uint8_t *)"", 0) ||
        RAND_bytes(first.volume_id, VOLUME_ID_SIZE) != 1)
        return VOLUME_NO_RESOURCES;
    status = commit(volume, &first);
    volume->formatted = status == VOLUME_OK;
    return status;
}

static enum volume_status write_payload(struct volume *volume, struct superblock *next,
                                        const uint8_t *payload, size_t size)
{
    enum volume_status status;

    next->payload_size = size;
    if (!digest_payload(next->payload_digest, payload, size))
        return VOLUME_NO_RESOURCES;
    status = write_encrypted(volume, payload_sector(volume, next), payload, size);
    return status == VOLUME_OK ? flush(volume) : status;
}

enum volume_status volume_update(struct volume *volume, const uint8_t *payload, size_t size)
{
    struct superblock next;
    enum volume_status status;

    if (!volume->writable || volume->in_doubt)
        return VOLUME_IO_FAILED;
    if (size > payload_capacity(volume))
        return VOLUME_TOO_LARGE;
    status = format(volume);
    if (status == VOLUME_OK)
        status = restore_mirror(volume);
    next = volume->current;
    next.counter++;
    if (status == VOLUME_OK)
        status = write_payload(volume, &next, payload, size);
    if (status == VOLUME_OK)
        status = commit(volume, &next);
    return status;
}

void volume_close(struct volume *volume)
{
    sector_cipher_end(&volume->cipher);
    OPENSSL_cleanse(volume, sizeof(*volume));
}
