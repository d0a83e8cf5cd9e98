/* SPDX-License-Identifier: MIT */
#include "lib/volume/superblock.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "lib/base/writer.h"

#define ROOT_OFFSET (SECTOR_SIZE - VOLUME_DIGEST_SIZE) /* the same in every version */

static const uint8_t magic[16] = "SNPVTPM-VOLUME\r\n";

/* The root authenticates everything that comes before it in the sector, reserved bytes included. */
static bool compute_root(uint8_t root[VOLUME_DIGEST_SIZE], const uint8_t sector[SECTOR_SIZE],
                         const uint8_t volume_id[VOLUME_ID_SIZE],
                         const uint8_t key[SECTOR_CIPHER_KEY_SIZE])
{
    uint8_t root_key[ROOT_KEY_SIZE];
    size_t size;
    bool computed = derive_root_key(root_key, key, volume_id) &&
                    EVP_Q_mac(NULL, "HMAC", NULL, "SHA384", NULL, root_key, sizeof(root_key),
                              sector, ROOT_OFFSET, root, VOLUME_DIGEST_SIZE, &size);

    OPENSSL_cleanse(root_key, sizeof(root_key));
    return computed;
}

/* What version 2 has behind the fields of version 1. */
MUST_CHECK static bool read_version_2(struct superblock *found, struct reader *fields)
{
    return reader_le64(fields, &found->table.sector) &&
           reader_copy(fields, found->table.nonce, VOLUME_NONCE_SIZE) &&
           reader_le64(fields, &found->generation) && reader_le64(fields, &found->base);
}

enum superblock_verdict superblock_read(struct superblock *superblock,
                                        const uint8_t sector[SECTOR_SIZE],
                                        const uint8_t key[SECTOR_CIPHER_KEY_SIZE])
{
    struct reader fields = reader_over(sector, ROOT_OFFSET);
    struct superblock found = {0};
    const uint8_t *found_magic;
    uint32_t reserved;
    bool whole = reader_borrow(&fields, &found_magic, sizeof(magic)) &&
                 reader_le32(&fields, &found.version) && reader_le32(&fields, &reserved) &&
                 reader_copy(&fields, found.volume_id, VOLUME_ID_SIZE) &&
                 reader_le64(&fields, &found.counter) && reader_le64(&fields, &found.epoch) &&
                 reader_le64(&fields, &found.table.size) &&
                 reader_copy(&fields, found.table.digest, VOLUME_DIGEST_SIZE);

    if (!whole || memcmp(found_magic, magic, sizeof(magic)) != 0)
        return SUPERBLOCK_ABSENT;
    if (!compute_root(found.root, sector, found.volume_id, key))
        return SUPERBLOCK_CRYPTO_FAILED;
    if (CRYPTO_memcmp(found.root, sector + ROOT_OFFSET, VOLUME_DIGEST_SIZE) != 0)
        return SUPERBLOCK_FORGED;
    found.table.version_1 = found.version == VOLUME_VERSION_1;
    if (!found.table.version_1 &&
        (found.version != VOLUME_VERSION || !read_version_2(&found, &fields)))
        return SUPERBLOCK_OTHER_VERSION;
    *superblock = found;
    return SUPERBLOCK_AUTHENTIC;
}

bool superblock_write(struct superblock *superblock, uint8_t sector[SECTOR_SIZE],
                      const uint8_t key[SECTOR_CIPHER_KEY_SIZE])
{
    struct writer fields = writer_over(sector, SECTOR_SIZE);

    return writer_put(&fields, magic, sizeof(magic)) && writer_le32(&fields, VOLUME_VERSION) &&
           writer_le32(&fields, 0) && writer_put(&fields, superblock->volume_id, VOLUME_ID_SIZE) &&
           writer_le64(&fields, superblock->counter) && writer_le64(&fields, superblock->epoch) &&
           writer_le64(&fields, superblock->table.size) &&
           writer_put(&fields, superblock->table.digest, VOLUME_DIGEST_SIZE) &&
           writer_le64(&fields, superblock->table.sector) &&
           writer_put(&fields, superblock->table.nonce, VOLUME_NONCE_SIZE) &&
           writer_le64(&fields, superblock->generation) && writer_le64(&fields, superblock->base) &&
           writer_zeros(&fields, ROOT_OFFSET - fields.used) &&
           compute_root(superblock->root, sector, superblock->volume_id, key) &&
           writer_put(&fields, superblock->root, VOLUME_DIGEST_SIZE);
}

bool superblock_equal(const struct superblock *a, const struct superblock *b)
{
    return a->counter == b->counter && memcmp(a->root, b->root, VOLUME_DIGEST_SIZE) == 0;
}
