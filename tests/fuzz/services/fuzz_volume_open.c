/* SPDX-License-Identifier: MIT */
/*
 * volume_open() on a disk that somebody with the key wrote: the input is what the sectors decrypt
 * to, since no fuzzer finds a way through the cipher. An input that begins with 1 gets roots that
 * authenticate, so that what lies behind them is reached, too. What opens can be updated.
 */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "tests/unit/services/memory_disk.h"

#define CHUNKS  6
#define MAGIC   "SNPVTPM-VOLUME\r\n"
#define SLOT_AT (DISK_SIZE / 2 / SECTOR_SIZE)

static const uint8_t key[VOLUME_KEY_SIZE] = {1};

/* The places that the input fills, in this order: both slots' superblocks,
 * then a payload sector. */
static const uint64_t places[CHUNKS] = {0, 8, SLOT_AT, SLOT_AT + 8, 16, SLOT_AT + 16};

/* Rebuilds a sector as an authentic superblock with the fuzzer's fields. */
static void authenticate(uint8_t sector[SECTOR_SIZE])
{
    struct superblock superblock = {0};

    memcpy(superblock.volume_id, sector + 24, VOLUME_ID_SIZE);
    superblock.counter = get_le64(sector + 40);
    superblock.epoch = get_le64(sector + 48);
    superblock.payload_size = get_le64(sector + 56);
    memcpy(superblock.payload_digest, sector + 64, VOLUME_DIGEST_SIZE);
    if (!superblock_write(&superblock, sector, key))
        abort();
}

static void place(struct memory_disk *disk, const uint8_t *data, size_t size, bool authentic)
{
    struct sector_cipher cipher;

    if (!sector_cipher_begin(&cipher, key))
        abort();
    for (size_t i = 0; i < CHUNKS && size > 0; i++) {
        size_t part = size < SECTOR_SIZE ? size : SECTOR_SIZE;
        uint8_t *at = disk->bytes + places[i] * SECTOR_SIZE;

        memcpy(at, data, part);
        if (authentic && i < 4 && memcmp(at, MAGIC, 16) == 0)
            authenticate(at);
        if (!sector_encrypt(&cipher, places[i], at, 1))
            abort();
        data += part;
        size -= part;
    }
    sector_cipher_end(&cipher);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct memory_disk *disk = memory_disk_new();
    const struct volume_storage storage = memory_disk_storage(disk);
    uint8_t *payload = NULL;
    size_t payload_size = 0;
    struct volume volume;
    enum volume_status status;

    if (size > 0)
        place(disk, data + 1, size - 1, data[0] == 1);
    status = volume_open(&volume, &storage, key, &payload, &payload_size);
    if (disk->sectors_written != 0)
        abort();
    if ((status == VOLUME_OK || status == VOLUME_BLANK) &&
        volume_update(&volume, (const uint8_t *)"next", 4) != VOLUME_OK)
        abort();
    OPENSSL_clear_free(payload, payload_size);
    volume_close(&volume);
    memory_disk_free(disk);
    return 0;
}
