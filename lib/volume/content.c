/* SPDX-License-Identifier: MIT */
#include "lib/volume/content.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

uint64_t content_sectors(uint64_t size)
{
    return size / SECTOR_SIZE + (size % SECTOR_SIZE != 0);
}

/* The buffer of a content: whole sectors, and at least one byte, for an empty one is one, too. */
static size_t buffer_size(uint64_t size)
{
    return content_sectors(size) * SECTOR_SIZE + (size == 0);
}

/* AES-256-CTR from block 0 on, in place: both directions. No nonce is used twice, so no key is. */
MUST_CHECK static bool apply_keystream(const struct device *device,
                                       const uint8_t volume_id[VOLUME_ID_SIZE],
                                       const struct content *content, uint8_t *bytes, size_t size)
{
    static const uint8_t first_block[16];
    uint8_t key[CONTENT_KEY_SIZE];
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int done;
    bool applied = size <= INT32_MAX && context &&
                   derive_content_key(key, device->key, volume_id, content->nonce) &&
                   EVP_EncryptInit_ex2(context, EVP_aes_256_ctr(), key, first_block, NULL) == 1 &&
                   EVP_EncryptUpdate(context, bytes, &done, bytes, (int)size) == 1;

    EVP_CIPHER_CTX_free(context);
    OPENSSL_cleanse(key, sizeof(key));
    return applied;
}

MUST_CHECK static bool digest(uint8_t out[VOLUME_DIGEST_SIZE], const uint8_t *bytes, size_t size)
{
    return EVP_Q_digest(NULL, "SHA384", NULL, bytes, size, out, NULL) == 1;
}

enum volume_status content_write(struct device *device, const uint8_t volume_id[VOLUME_ID_SIZE],
                                 struct content *content, const uint8_t *bytes, size_t size)
{
    size_t padded = content_sectors(size) * SECTOR_SIZE;
    uint8_t *buffer = OPENSSL_zalloc(buffer_size(size));
    enum volume_status status = VOLUME_NO_RESOURCES;

    content->size = size;
    content->version_1 = false;
    if (!buffer)
        return status;
    if (size > 0)
        memcpy(buffer, bytes, size);
    if (RAND_bytes(content->nonce, VOLUME_NONCE_SIZE) == 1 &&
        apply_keystream(device, volume_id, content, buffer, padded) &&
        digest(content->digest, buffer, padded))
        status = padded == 0 ? VOLUME_OK
                             : device_write(device, content->sector, buffer, padded / SECTOR_SIZE);
    content_free(content, buffer);
    return status;
}

/* Version 1 has the bytes themselves below the encryption of the sectors, and their digest. */
static enum volume_status check(struct device *device, const uint8_t volume_id[VOLUME_ID_SIZE],
                                const struct content *content, uint8_t *buffer)
{
    size_t padded = content_sectors(content->size) * SECTOR_SIZE;
    uint8_t found[VOLUME_DIGEST_SIZE];

    if (!digest(found, buffer, content->version_1 ? content->size : padded))
        return VOLUME_NO_RESOURCES;
    if (CRYPTO_memcmp(found, content->digest, sizeof(found)) != 0)
        return VOLUME_DAMAGED;
    return content->version_1 || apply_keystream(device, volume_id, content, buffer, padded)
               ? VOLUME_OK
               : VOLUME_NO_RESOURCES;
}

enum volume_status content_read(struct device *device, const uint8_t volume_id[VOLUME_ID_SIZE],
                                const struct content *content, uint8_t **bytes)
{
    uint8_t *buffer = OPENSSL_zalloc(buffer_size(content->size));
    enum volume_status status = VOLUME_OK;

    if (!buffer)
        return VOLUME_NO_RESOURCES;
    if (content->size > 0)
        status = device_read(device, content->sector, buffer, content_sectors(content->size));
    if (status == VOLUME_OK)
        status = check(device, volume_id, content, buffer);
    if (status == VOLUME_OK)
        *bytes = buffer;
    else
        content_free(content, buffer);
    return status;
}

void content_free(const struct content *content, uint8_t *bytes)
{
    OPENSSL_clear_free(bytes, buffer_size(content->size));
}
