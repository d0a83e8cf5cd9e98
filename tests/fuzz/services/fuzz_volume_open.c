/* SPDX-License-Identifier: MIT */
/*
 * volume_open() on a disk that somebody with the key wrote: the input is what the sectors decrypt
 * to, since no fuzzer finds a way through the cipher. By the bits of its first byte superblocks get
 * roots that authenticate, and a table that they name, so that what lies behind is reached, too.
 * What opens can be read, changed and given another key.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "lib/volume/content.h"
#include "tests/unit/services/memory_disk.h"

enum mode {
    AUTHENTIC = 1,  /* superblocks, of whatever version they say */
    TABLE = 2,      /* they name the last chunk as their table */
    ANCHORED = 4,   /* the anchor is the first one */
    SAME_EPOCH = 8, /* or what follows it in the epoch of the second one */
};

#define CHUNKS       9
#define SUPERBLOCKS  7
#define MAGIC        "SNPVTPM-VOLUME\r\n"
#define MIDDLE       (DISK_SIZE / 2 / SECTOR_SIZE)
#define LAST         (DISK_SIZE / SECTOR_SIZE - BLOCK_SECTORS)
#define TABLE_SECTOR (LAST - BLOCK_SECTORS)

static const uint8_t key[VOLUME_KEY_SIZE] = {1};
static const uint8_t new_key[VOLUME_KEY_SIZE] = {2};

/* The places that the input fills, in this order: superblocks, objects' first sectors. What is left
 * of it is the table. */
static const uint64_t places[CHUNKS] = {0, MIDDLE, LAST, 8, MIDDLE + 8, 7, 9, 16, MIDDLE + 16};

static void require(bool met)
{
    if (!met)
        abort();
}

/* Gives a superblock, whose fields are the fuzzer's, its root. */
static void authenticate(uint8_t sector[SECTOR_SIZE], const struct content *table)
{
    size_t root_at = SECTOR_SIZE - VOLUME_DIGEST_SIZE;
    uint8_t root_key[ROOT_KEY_SIZE];

    if (table) {
        put_le64(sector + 56, table->size);
        memcpy(sector + 64, table->digest, VOLUME_DIGEST_SIZE);
        put_le64(sector + 112, table->sector);
        memcpy(sector + 120, table->nonce, VOLUME_NONCE_SIZE);
    }
    require(derive_root_key(root_key, key, sector + 24) &&
            EVP_Q_mac(NULL, "HMAC", NULL, "SHA384", NULL, root_key, sizeof(root_key), sector,
                      root_at, sector + root_at, VOLUME_DIGEST_SIZE, NULL) != NULL);
}

static void place(struct memory_disk *disk, struct reader input, unsigned mode,
                  struct volume_anchor *anchor)
{
    struct volume_storage storage = memory_disk_storage(disk);
    uint8_t sectors[CHUNKS][SECTOR_SIZE] = {0};
    struct content table = {.sector = TABLE_SECTOR};
    struct device device;

    require(device_begin(&device, &storage, key) == VOLUME_OK);
    for (size_t i = 0; i < CHUNKS; i++) {
        size_t part = input.left < SECTOR_SIZE ? input.left : SECTOR_SIZE;

        require(reader_copy(&input, sectors[i], part));
    }
    if (input.left <= BLOCK_SECTORS * SECTOR_SIZE)
        require(content_write(&device, sectors[0] + 24, &table, input.next, input.left) ==
                VOLUME_OK);
    anchor->counter = get_le64(sectors[0] + 40);
    anchor->epoch = get_le64(sectors[1] + 48);
    anchor->same_epoch = (mode & SAME_EPOCH) != 0;
    for (size_t i = 0; i < CHUNKS; i++) {
        if (bytes_are_zero(sectors[i], SECTOR_SIZE))
            continue;
        if ((mode & AUTHENTIC) != 0 && i < SUPERBLOCKS && memcmp(sectors[i], MAGIC, 16) == 0)
            authenticate(sectors[i], (mode & TABLE) != 0 ? &table : NULL);
        if (i == 0)
            memcpy(anchor->root, sectors[0] + SECTOR_SIZE - VOLUME_DIGEST_SIZE, VOLUME_DIGEST_SIZE);
        require(device_write(&device, places[i], sectors[i], 1) == VOLUME_OK);
    }
    device_end(&device);
    memory_disk_settle(disk, UINT64_MAX);
    disk->sectors_written = 0;
}

static void read_all(struct volume *volume)
{
    for (size_t i = 0; i < volume->current.table.count; i++) {
        uint8_t *bytes = NULL;
        size_t size = 0;
        enum volume_status status =
            volume_read(volume, volume->current.table.objects[i].name, &bytes, &size);

        require(status == VOLUME_OK || status == VOLUME_DAMAGED);
        OPENSSL_clear_free(bytes, size);
    }
}

/* What the fuzzer made may be full, or have damaged objects; but it fails in no other way. */
static void change(struct volume *volume)
{
    enum volume_status status = volume_update(volume, VOLUME_TPM_STATE, (const uint8_t *)"next", 4);

    require(status == VOLUME_OK || status == VOLUME_TOO_LARGE || status == VOLUME_DAMAGED);
    if (status != VOLUME_OK)
        return;
    require(volume_settle(volume) == VOLUME_OK);
    status = volume_rekey(volume, new_key, NULL, 0);
    require(status == VOLUME_OK || status == VOLUME_TOO_LARGE || status == VOLUME_DAMAGED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct memory_disk *disk = memory_disk_new();
    struct volume_storage storage = memory_disk_storage(disk);
    unsigned mode = size > 0 ? data[0] : 0;
    struct volume_anchor anchor = {0};
    struct volume volume;
    enum volume_status status;

    if (size > 0)
        place(disk, reader_over(data + 1, size - 1), mode, &anchor);
    status = volume_open(&volume, &storage, key, (mode & ANCHORED) != 0 ? &anchor : NULL);
    require(disk->sectors_written == 0);
    if (status == VOLUME_OK || status == VOLUME_BLANK) {
        read_all(&volume);
        change(&volume);
    }
    volume_close(&volume);
    memory_disk_free(disk);
    return 0;
}
