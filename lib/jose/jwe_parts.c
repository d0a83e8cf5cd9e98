/* SPDX-License-Identifier: MIT */
#include "lib/jose/jwe_parts.h"

#include <assert.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#define SHARED_MAX 66 /* bytes of a coordinate on P-521 */

/* RFC 7518 section 4.6.2: AlgorithmID is the "alg" value; no party information; 256-bit key. */
static const uint8_t other_info[] = "\0\0\0\x0e"
                                    "ECDH-ES+A256KW"
                                    "\0\0\0\0"
                                    "\0\0\0\0"
                                    "\0\0\1"; /* and the string's own NUL: u32be(256) */
static_assert(sizeof(other_info) == 30, "OtherInfo");

/* The Concat KDF of NIST SP 800-56A is what OpenSSL calls SSKDF with a hash. */
static bool concat_kdf(uint8_t *shared, size_t size, uint8_t kek[JWE_KEK_SIZE])
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SSKDF", NULL);
    EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, shared, size),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)other_info,
                                          sizeof(other_info)),
        OSSL_PARAM_construct_end(),
    };
    bool done = ctx && EVP_KDF_derive(ctx, kek, JWE_KEK_SIZE, params) == 1;

    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return done;
}

bool jwe_agree(EVP_PKEY *own, EVP_PKEY *peer, uint8_t kek[JWE_KEK_SIZE])
{
    EVP_PKEY_CTX *derive = EVP_PKEY_CTX_new(own, NULL);
    uint8_t shared[SHARED_MAX];
    size_t size = sizeof(shared);
    bool done = derive && EVP_PKEY_derive_init(derive) == 1 &&
                EVP_PKEY_derive_set_peer_ex(derive, peer, 0) == 1 &&
                EVP_PKEY_derive(derive, shared, &size) == 1 && concat_kdf(shared, size, kek);

    OPENSSL_cleanse(shared, sizeof(shared));
    EVP_PKEY_CTX_free(derive);
    return done;
}

/* With the default initial value; direction as of EVP_CipherInit_ex2: 1 wraps. */
static bool key_wrap(int direction, const uint8_t kek[JWE_KEK_SIZE], const uint8_t *in,
                     size_t in_size, uint8_t *out, size_t out_size)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int size = 0;
    bool done;

    if (!ctx)
        return false;
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    done = EVP_CipherInit_ex2(ctx, EVP_aes_256_wrap(), kek, NULL, direction, NULL) == 1 &&
           EVP_CipherUpdate(ctx, out, &size, in, (int)in_size) == 1 && size == (int)out_size;
    EVP_CIPHER_CTX_free(ctx);
    return done;
}

bool jwe_wrap_key(const uint8_t kek[JWE_KEK_SIZE], const uint8_t cek[JWE_CEK_SIZE],
                  uint8_t wrapped[JWE_WRAPPED_CEK_SIZE])
{
    return key_wrap(1, kek, cek, JWE_CEK_SIZE, wrapped, JWE_WRAPPED_CEK_SIZE);
}

bool jwe_unwrap_key(const uint8_t kek[JWE_KEK_SIZE], const uint8_t wrapped[JWE_WRAPPED_CEK_SIZE],
                    uint8_t cek[JWE_CEK_SIZE])
{
    return key_wrap(0, kek, wrapped, JWE_WRAPPED_CEK_SIZE, cek, JWE_CEK_SIZE);
}

bool jwe_encrypt_content(const uint8_t cek[JWE_CEK_SIZE], const uint8_t iv[JWE_IV_SIZE],
                         const char *aad, const void *plaintext, size_t size, uint8_t *ciphertext,
                         uint8_t tag[JWE_TAG_SIZE])
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int written;
    bool done =
        ctx && EVP_EncryptInit_ex2(ctx, EVP_aes_256_gcm(), cek, iv, NULL) == 1 &&
        EVP_EncryptUpdate(ctx, NULL, &written, (const uint8_t *)aad, (int)strlen(aad)) == 1 &&
        EVP_EncryptUpdate(ctx, ciphertext, &written, plaintext, (int)size) == 1 &&
        EVP_EncryptFinal_ex(ctx, ciphertext + written, &written) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, JWE_TAG_SIZE, tag) == 1;

    EVP_CIPHER_CTX_free(ctx);
    return done;
}

bool jwe_decrypt_content(const uint8_t cek[JWE_CEK_SIZE], const uint8_t iv[JWE_IV_SIZE],
                         const char *aad, const uint8_t *ciphertext, size_t size, void *plaintext,
                         const uint8_t tag[JWE_TAG_SIZE])
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t *out = plaintext;
    int written;
    bool done =
        ctx && EVP_DecryptInit_ex2(ctx, EVP_aes_256_gcm(), cek, iv, NULL) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, JWE_TAG_SIZE, (void *)tag) == 1 &&
        EVP_DecryptUpdate(ctx, NULL, &written, (const uint8_t *)aad, (int)strlen(aad)) == 1 &&
        EVP_DecryptUpdate(ctx, out, &written, ciphertext, (int)size) == 1 &&
        EVP_DecryptFinal_ex(ctx, out + written, &written) == 1;

    EVP_CIPHER_CTX_free(ctx);
    return done;
}
