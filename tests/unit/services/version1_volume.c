/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/version1_volume.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

#include "lib/base/writer.h"

#define HALF_SECTORS    (DISK_SIZE / 2 / SECTOR_SIZE)
#define COPY_SECTORS    8
#define PAYLOAD_SECTORS 16

static const uint8_t volume_id[VOLUME_ID_SIZE] = "of version one.";

static void put_sectors(struct memory_disk *disk, const uint8_t key[VOLUME_KEY_SIZE], uint64_t at,
                        const uint8_t *bytes, size_t size)
{
    struct sector_cipher cipher;
    bool done = sector_cipher_begin(&cipher, key);

    for (size_t i = 0; done && i < size; i += SECTOR_SIZE) {
        uint8_t *sector = disk->bytes + (at * SECTOR_SIZE + i);
        size_t part = size - i < SECTOR_SIZE ? size - i : SECTOR_SIZE;

        memset(sector, 0, SECTOR_SIZE);
        memcpy(sector, bytes + i, part);
        done = sector_encrypt(&cipher, at + i / SECTOR_SIZE, sector, 1);
        disk->touched[(at * SECTOR_SIZE + i) / DISK_BLOCK_SIZE] = true;
    }
    assert(done);
    sector_cipher_end(&cipher);
}

static void make_superblock(uint8_t sector[SECTOR_SIZE], const uint8_t key[VOLUME_KEY_SIZE],
                            uint64_t counter, const uint8_t *payload, size_t size)
{
    struct writer w = writer_over(sector, SECTOR_SIZE);
    uint8_t root_key[ROOT_KEY_SIZE];
    uint8_t digest[VOLUME_DIGEST_SIZE];
    uint8_t root[VOLUME_DIGEST_SIZE];
    bool done = EVP_Q_digest(NULL, "SHA384", NULL, payload, size, digest, NULL) == 1 &&
                writer_put(&w, "SNPVTPM-VOLUME\r\n", 16) && writer_le32(&w, 1) &&
                writer_le32(&w, 0) && writer_put(&w, volume_id, VOLUME_ID_SIZE) &&
                writer_le64(&w, counter) && writer_le64(&w, 0) && writer_le64(&w, size) &&
                writer_put(&w, digest, sizeof(digest)) &&
                writer_zeros(&w, SECTOR_SIZE - VOLUME_DIGEST_SIZE - w.used) &&
                derive_root_key(root_key, key, volume_id) &&
                EVP_Q_mac(NULL, "HMAC", NULL, "SHA384", NULL, root_key, sizeof(root_key), sector,
                          w.used, root, sizeof(root), NULL) &&
                writer_put(&w, root, sizeof(root));

    assert(done);
}

static void put_state(struct memory_disk *disk, const uint8_t key[VOLUME_KEY_SIZE],
                      uint64_t counter, const uint8_t *payload, size_t size)
{
    uint64_t half = counter % 2 * HALF_SECTORS;
    uint8_t sector[SECTOR_SIZE];

    make_superblock(sector, key, counter, payload, size);
    put_sectors(disk, key, half + PAYLOAD_SECTORS, payload, size);
    put_sectors(disk, key, half, sector, sizeof(sector));
    put_sectors(disk, key, half + COPY_SECTORS, sector, sizeof(sector));
}

void version1_volume_write(struct memory_disk *disk, const uint8_t key[VOLUME_KEY_SIZE],
                           uint64_t counter, const uint8_t *payload, size_t size)
{
    static const uint8_t nothing[1];

    if (counter > 0)
        put_state(disk, key, counter - 1, nothing, 0);
    put_state(disk, key, counter, counter > 0 ? payload : nothing, counter > 0 ? size : 0);
}
