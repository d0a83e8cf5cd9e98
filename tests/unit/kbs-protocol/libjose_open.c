/* SPDX-License-Identifier: MIT */
#include "tests/unit/kbs-protocol/libjose_open.h"

#include <jose/jwe.h>
#include <jose/openssl.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include "lib/jose/strict_json.h"

#ifndef __has_feature
#define __has_feature(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/lsan_interface.h>
#define IGNORE_LEAKS() __lsan_disable()
#define HEED_LEAKS()   __lsan_enable()
#else
#define IGNORE_LEAKS() (void)0
#define HEED_LEAKS()   (void)0
#endif

/* libjose 11 cannot do RSA-OAEP-256: the content key is OpenSSL's matter. */
static json_t *content_key_of_rsa(const json_t *pair, const json_t *jwe)
{
    EVP_PKEY *key = jose_openssl_jwk_to_EVP_PKEY(NULL, pair);
    EVP_PKEY_CTX *decrypt = EVP_PKEY_CTX_new(key, NULL);
    uint8_t *wrapped = NULL, cek[512];
    size_t wrapped_size, size = sizeof(cek);
    bool done = strict_json_decode_new(BASE64_URL, json_object_get(jwe, "encrypted_key"), &wrapped,
                                       &wrapped_size) &&
                EVP_PKEY_decrypt_init(decrypt) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(decrypt, RSA_PKCS1_OAEP_PADDING) == 1 &&
                EVP_PKEY_CTX_set_rsa_oaep_md(decrypt, EVP_sha256()) == 1 &&
                EVP_PKEY_CTX_set_rsa_mgf1_md(decrypt, EVP_sha256()) == 1 &&
                EVP_PKEY_decrypt(decrypt, cek, &size, wrapped, wrapped_size) == 1;

    free(wrapped);
    EVP_PKEY_CTX_free(decrypt);
    EVP_PKEY_free(key);
    return done ? json_pack("{s:s, s:o}", "kty", "oct", "k",
                            strict_json_encode(BASE64_URL, cek, size))
                : NULL;
}

static char *open_with(const json_t *pair, const json_t *jwe, json_t *cek, size_t *size)
{
    char *opened;

    *size = 0;      /* libjose appends to so many bytes */
    IGNORE_LEAKS(); /* libjose 14 loses the protected header that it decodes */
    opened =
        cek ? jose_jwe_dec_cek(NULL, jwe, cek, size) : jose_jwe_dec(NULL, jwe, NULL, pair, size);
    HEED_LEAKS();
    return opened;
}

char *libjose_open(const json_t *pair, const json_t *jwe, size_t *size)
{
    json_t *cek;
    char *opened;

    if (!strict_json_is(json_object_get(pair, "kty"), "RSA"))
        return open_with(pair, jwe, NULL, size);
    cek = content_key_of_rsa(pair, jwe);
    opened = cek ? open_with(pair, jwe, cek, size) : NULL;
    json_decref(cek);
    return opened;
}
