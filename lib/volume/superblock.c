/* SPDX-License-Identifier: MIT */
#include "lib/volume/superblock.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#include "lib/base/writer.h"

#define ROOT_OFFSET    (SECTOR_SIZE - VOLUME_DIGEST_SIZE) /* the same in every version */
#define ROOT_KEY_LABEL "svsm state root v1"
#define VERSION        1

static const uint8_t magic[16] = "SNPVTPM-VOLUME\r\n";

/* HKDF-SHA-512 of the volume's key, salted with the volume's identifier. */
static bool derive_root_key(uint8_t root_key[VOLUME_DIGEST_SIZE],
                            const uint8_t key[SECTOR_CIPHER_KEY_SIZE],
                            const uint8_t volume_id[VOLUME_ID_SIZE])
{
    EVP_KDF *hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(hkdf);
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA512", 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key, SECTOR_CIPHER_KEY_SIZE),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)volume_id, VOLUME_ID_SIZE),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (char *)ROOT_KEY_LABEL,
                                          strlen(ROOT_KEY_LABEL)),
        OSSL_PARAM_construct_end(),
    };
    bool derived =
        context && EVP_KDF_derive(context, root_key, VOLUME_DIGEST_SIZE, parameters) == 1;

    EVP_KDF_CTX_free(context);
    EVP_KDF_free(hkdf);
    return derived;
}

/* The root authenticates everything that comes before it in the sector, reserved bytes included. */
static bool compute_root(uint8_t root[VOLUME_DIGEST_SIZE], const uint8_t sector[SECTOR_SIZE],
                         const uint8_t volume_id[VOLUME_ID_SIZE],
                         const uint8_t key[SECTOR_CIPHER_KEY_SIZE])
{
    uint8_t root_key[VOLUME_DIGEST_SIZE];
    size_t size;
    bool computed = derive_root_key(root_key, key, volume_id) &&
                    EVP_Q_mac(NULL, "HMAC", NULL, "SHA384", NULL, root_key, sizeof(root_key),
                              sector, ROOT_OFFSET, root, VOLUME_DIGEST_SIZE, &size);

    OPENSSL_cleanse(root_key, sizeof(root_key));
    return computed;
}

enum superblock_verdict superblock_read(struct superblock *superblock,
                                        const uint8_t sector[SECTOR_SIZE],
                                        const uint8_t key[SECTOR_CIPHER_KEY_SIZE])
{
    struct reader fields = reader_over(sector, ROOT_OFFSET);
    struct superblock found;
    const uint8_t *found_magic;
    uint32_t version;
    uint32_t reserved;
    bool whole = reader_borrow(&fields, &found_magic, sizeof(magic)) &&
                 reader_le32(&fields, &version) && reader_le32(&fields, &reserved) &&
                 reader_copy(&fields, found.volume_id, VOLUME_ID_SIZE) &&
                 reader_le64(&fields, &found.counter) && reader_le64(&fields, &found.epoch) &&
                 reader_le64(&fields, &found.payload_size) &&
                 reader_copy(&fields, found.payload_digest, VOLUME_DIGEST_SIZE);

    if (!whole || memcmp(found_magic, magic, sizeof(magic)) != 0)
        return SUPERBLOCK_ABSENT;
    if (!compute_root(found.root, sector, found.volume_id, key))
        return SUPERBLOCK_CRYPTO_FAILED;
    if (CRYPTO_memcmp(found.root, sector + ROOT_OFFSET, VOLUME_DIGEST_SIZE) != 0)
        return SUPERBLOCK_FORGED;
    if (version != VERSION)
        return SUPERBLOCK_OTHER_VERSION;
    *superblock = found;
    return SUPERBLOCK_AUTHENTIC;
}

bool superblock_write(struct superblock *superblock, uint8_t sector[SECTOR_SIZE],
                      const uint8_t key[SECTOR_CIPHER_KEY_SIZE])
{
    struct writer fields = writer_over(sector, SECTOR_SIZE);

    return writer_put(&fields, magic, sizeof(magic)) && writer_le32(&fields, VERSION) &&
           writer_le32(&fields, 0) && writer_put(&fields, superblock->volume_id, VOLUME_ID_SIZE) &&
           writer_le64(&fields, superblock->counter) && writer_le64(&fields, superblock->epoch) &&
           writer_le64(&fields, superblock->payload_size) &&
           writer_put(&fields, superblock->payload_digest, VOLUME_DIGEST_SIZE) &&
           writer_zeros(&fields, ROOT_OFFSET - fields.used) &&
           compute_root(superblock->root, sector, superblock->volume_id, key) &&
           writer_put(&fields, superblock->root, VOLUME_DIGEST_SIZE);
}
