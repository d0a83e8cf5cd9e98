/* SPDX-License-Identifier: MIT */
#include "lib/volume/keys.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#include "lib/base/writer.h"

#define ROOT_KEY_LABEL    "svsm state root v1" /* the same in every version */
#define CONTENT_KEY_LABEL "svsm state content v2"

static bool derive(uint8_t *out, size_t size, const uint8_t key[SECTOR_CIPHER_KEY_SIZE],
                   const uint8_t volume_id[VOLUME_ID_SIZE], const struct writer *info)
{
    EVP_KDF *hkdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(hkdf);
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA512", 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key, SECTOR_CIPHER_KEY_SIZE),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)volume_id, VOLUME_ID_SIZE),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info->start, info->used),
        OSSL_PARAM_construct_end(),
    };
    bool derived = context && EVP_KDF_derive(context, out, size, parameters) == 1;

    EVP_KDF_CTX_free(context);
    EVP_KDF_free(hkdf);
    return derived;
}

bool derive_root_key(uint8_t root_key[ROOT_KEY_SIZE], const uint8_t key[SECTOR_CIPHER_KEY_SIZE],
                     const uint8_t volume_id[VOLUME_ID_SIZE])
{
    uint8_t bytes[sizeof(ROOT_KEY_LABEL)];
    struct writer info = writer_over(bytes, sizeof(bytes));

    return writer_put(&info, ROOT_KEY_LABEL, strlen(ROOT_KEY_LABEL)) &&
           derive(root_key, ROOT_KEY_SIZE, key, volume_id, &info);
}

bool derive_content_key(uint8_t content_key[CONTENT_KEY_SIZE],
                        const uint8_t key[SECTOR_CIPHER_KEY_SIZE],
                        const uint8_t volume_id[VOLUME_ID_SIZE],
                        const uint8_t nonce[VOLUME_NONCE_SIZE])
{
    uint8_t bytes[sizeof(CONTENT_KEY_LABEL) + VOLUME_NONCE_SIZE];
    struct writer info = writer_over(bytes, sizeof(bytes));

    return writer_put(&info, CONTENT_KEY_LABEL, strlen(CONTENT_KEY_LABEL)) &&
           writer_put(&info, nonce, VOLUME_NONCE_SIZE) &&
           derive(content_key, CONTENT_KEY_SIZE, key, volume_id, &info);
}
