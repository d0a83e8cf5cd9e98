/* SPDX-License-Identifier: MIT */
#include "lib/jose/jwe_ecdh.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "lib/jose/base64.h"

#define KEK_SIZE          32
#define COORDINATE_LENGTH BASE64_LENGTH(P521_COORDINATE_SIZE)
#define HEADER_MAX        (JWE_PROTECTED_MAX / 4 * 3)

/* RFC 7518 section 4.6.2: AlgorithmID is the "alg" value; no party information; 256-bit key. */
static const uint8_t other_info[] = "\0\0\0\x0e"
                                    "ECDH-ES+A256KW"
                                    "\0\0\0\0"
                                    "\0\0\0\0"
                                    "\0\0\1"; /* and the string's own NUL: u32be(256) */
static_assert(sizeof(other_info) == 30, "OtherInfo");

const char *jwe_status_text(enum jwe_status status)
{
    switch (status) {
    case JWE_OK:
        return "done";
    case JWE_BAD_SIZE:
        return "the secret has no acceptable size";
    case JWE_BAD_POINT:
        return "a public key is not on the curve P-521";
    case JWE_BAD_HEADER:
        return "the protected header is not the canonical one for its ephemeral key";
    case JWE_UNWRAP_FAILED:
        return "the content key does not unwrap: encrypted to another key, or altered";
    case JWE_TAG_MISMATCH:
        return "the ciphertext or its header was altered";
    case JWE_CRYPTO_FAILED:
        return "the cryptographic library failed";
    }
    return "unknown status";
}

/* Z: the x-coordinate of the shared point, with its leading zeros. */
static enum jwe_status agree(EVP_PKEY *own, const struct p521_point *peer,
                             uint8_t z[P521_COORDINATE_SIZE])
{
    EVP_PKEY *peer_key = p521_from_point(peer);
    EVP_PKEY_CTX *derive = NULL;
    size_t size = P521_COORDINATE_SIZE;
    enum jwe_status status = JWE_CRYPTO_FAILED;

    if (!peer_key) {
        status = JWE_BAD_POINT;
        goto out;
    }
    derive = EVP_PKEY_CTX_new(own, NULL);
    if (derive && EVP_PKEY_derive_init(derive) == 1 &&
        EVP_PKEY_derive_set_peer(derive, peer_key) == 1 && EVP_PKEY_derive(derive, z, &size) == 1 &&
        size == P521_COORDINATE_SIZE)
        status = JWE_OK;
out:
    EVP_PKEY_CTX_free(derive);
    EVP_PKEY_free(peer_key);
    return status;
}

/* The Concat KDF of NIST SP 800-56A is what OpenSSL calls SSKDF with a hash. */
static enum jwe_status concat_kdf(uint8_t z[P521_COORDINATE_SIZE], uint8_t kek[KEK_SIZE])
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SSKDF", NULL);
    EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, z, P521_COORDINATE_SIZE),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)other_info,
                                          sizeof(other_info)),
        OSSL_PARAM_construct_end(),
    };
    bool done = ctx && EVP_KDF_derive(ctx, kek, KEK_SIZE, params) == 1;

    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return done ? JWE_OK : JWE_CRYPTO_FAILED;
}

static enum jwe_status derive_kek(EVP_PKEY *own, const struct p521_point *peer,
                                  uint8_t kek[KEK_SIZE])
{
    uint8_t z[P521_COORDINATE_SIZE];
    enum jwe_status status = agree(own, peer, z);

    if (status == JWE_OK)
        status = concat_kdf(z, kek);
    OPENSSL_cleanse(z, sizeof(z));
    return status;
}

/* RFC 3394 with the default initial value; direction as EVP_CipherInit_ex2: 1 wraps. */
static bool aes_key_wrap(int direction, const uint8_t kek[KEK_SIZE], const uint8_t *in,
                         size_t in_size, uint8_t *out, size_t out_size)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int size = 0;
    bool done = false;

    if (!ctx)
        return false;
    EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    done = EVP_CipherInit_ex2(ctx, EVP_aes_256_wrap(), kek, NULL, direction, NULL) == 1 &&
           EVP_CipherUpdate(ctx, out, &size, in, (int)in_size) == 1 && size == (int)out_size;
    EVP_CIPHER_CTX_free(ctx);
    return done;
}

/* Encrypts (direction 1) or decrypts (0) and sets or checks tag. */
static enum jwe_status gcm(int direction, const uint8_t cek[JWE_CEK_SIZE], const struct jwe *jwe,
                           const uint8_t *in, uint8_t *out, uint8_t tag[JWE_TAG_SIZE])
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    enum jwe_status status = JWE_CRYPTO_FAILED;
    int size;

    if (!ctx || EVP_CipherInit_ex2(ctx, EVP_aes_256_gcm(), cek, jwe->iv, direction, NULL) != 1 ||
        (!direction && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, JWE_TAG_SIZE, tag) != 1) ||
        EVP_CipherUpdate(ctx, NULL, &size, (const uint8_t *)jwe->protected,
                         (int)strlen(jwe->protected)) != 1 ||
        EVP_CipherUpdate(ctx, out, &size, in, (int)jwe->size) != 1)
        goto out;
    if (EVP_CipherFinal_ex(ctx, out + size, &size) != 1) {
        status = JWE_TAG_MISMATCH;
        goto out;
    }
    if (direction && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, JWE_TAG_SIZE, tag) != 1)
        goto out;
    status = JWE_OK;
out:
    EVP_CIPHER_CTX_free(ctx);
    return status;
}

/* Everything of the canonical header but its final brace; returns the length. */
static size_t header_start(const struct p521_point *epk, char header[HEADER_MAX + 1])
{
    char x[COORDINATE_LENGTH + 1], y[COORDINATE_LENGTH + 1];

    base64_encode(BASE64_URL, epk->x, sizeof(epk->x), x);
    base64_encode(BASE64_URL, epk->y, sizeof(epk->y), y);
    return (size_t)snprintf(header, HEADER_MAX + 1,
                            "{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\","
                            "\"epk\":{\"crv\":\"P-521\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}",
                            x, y);
}

#define RELEASE_START ",\"svsm-rel\":\""
#define RELEASE_END   "\"}"

static_assert(2 * COORDINATE_LENGTH + JWE_RELEASE_MAX + 128 <= HEADER_MAX, "the header fits");

MUST_CHECK static bool set_header(struct jwe *jwe, const char *release)
{
    char header[HEADER_MAX + 1];
    size_t length = header_start(&jwe->epk, header);

    if (release && strnlen(release, JWE_RELEASE_MAX + 1) > JWE_RELEASE_MAX)
        return false;
    if (release)
        length += (size_t)sprintf(header + length, RELEASE_START "%s" RELEASE_END, release);
    else
        header[length++] = '}';
    base64_encode(BASE64_URL, header, length, jwe->protected);
    return true;
}

/* Decodes the header, which must begin as it has to; *rest is what follows "epk". */
MUST_CHECK static bool read_header(const struct jwe *jwe, char header[HEADER_MAX],
                                   struct reader *rest)
{
    char expected[HEADER_MAX + 1];
    size_t start = header_start(&jwe->epk, expected), size;

    if (!base64_decode(BASE64_URL, jwe->protected, strlen(jwe->protected), header, HEADER_MAX,
                       &size) ||
        size <= start || memcmp(header, expected, start) != 0)
        return false;
    *rest = reader_over(header + start, size - start);
    return true;
}

static bool header_matches(const struct jwe *jwe)
{
    char header[HEADER_MAX];
    struct reader rest;

    return read_header(jwe, header, &rest) && (rest.next[0] == ',' || rest.left == 1) &&
           rest.next[rest.left - 1] == '}';
}

bool jwe_release_member(const struct jwe *in, uint8_t *record, size_t room, size_t *size)
{
    const size_t start_length = strlen(RELEASE_START), end_length = strlen(RELEASE_END);
    char header[HEADER_MAX];
    const uint8_t *start, *text;
    struct reader rest;
    size_t length;

    if (!read_header(in, header, &rest) || rest.left <= start_length + end_length)
        return false;
    length = rest.left - start_length - end_length;
    return reader_borrow(&rest, &start, start_length) &&
           memcmp(start, RELEASE_START, start_length) == 0 && reader_borrow(&rest, &text, length) &&
           memcmp(rest.next, RELEASE_END, end_length) == 0 &&
           base64_decode(BASE64_URL, (const char *)text, length, record, room, size);
}

bool jwe_fresh_make(struct jwe_fresh *fresh)
{
    *fresh = (struct jwe_fresh){.ephemeral = p521_generate()};
    if (fresh->ephemeral && RAND_priv_bytes(fresh->cek, sizeof(fresh->cek)) == 1 &&
        RAND_bytes(fresh->iv, sizeof(fresh->iv)) == 1)
        return true;
    jwe_fresh_wipe(fresh);
    return false;
}

void jwe_fresh_wipe(struct jwe_fresh *fresh)
{
    EVP_PKEY_free(fresh->ephemeral);
    OPENSSL_cleanse(fresh, sizeof(*fresh));
}

enum jwe_status jwe_encrypt_with(const struct jwe_fresh *fresh, const struct p521_point *to,
                                 const char *release, const void *plaintext, size_t size,
                                 struct jwe *out)
{
    uint8_t kek[KEK_SIZE];
    enum jwe_status status = JWE_CRYPTO_FAILED;

    if (size == 0 || size > JWE_PLAINTEXT_MAX)
        return JWE_BAD_SIZE;
    *out = (struct jwe){.size = size};
    memcpy(out->iv, fresh->iv, sizeof(out->iv));
    if (!p521_point_of(fresh->ephemeral, &out->epk) || !set_header(out, release))
        goto out;
    status = derive_kek(fresh->ephemeral, to, kek);
    if (status != JWE_OK)
        goto out;
    if (!aes_key_wrap(1, kek, fresh->cek, sizeof(fresh->cek), out->wrapped_cek,
                      sizeof(out->wrapped_cek))) {
        status = JWE_CRYPTO_FAILED;
        goto out;
    }
    status = gcm(1, fresh->cek, out, plaintext, out->ciphertext, out->tag);
out:
    OPENSSL_cleanse(kek, sizeof(kek));
    return status;
}

enum jwe_status jwe_encrypt(const struct p521_point *to, const void *plaintext, size_t size,
                            struct jwe *out)
{
    struct jwe_fresh fresh;
    enum jwe_status status;

    if (!jwe_fresh_make(&fresh))
        return JWE_CRYPTO_FAILED;
    status = jwe_encrypt_with(&fresh, to, NULL, plaintext, size, out);
    jwe_fresh_wipe(&fresh);
    return status;
}

enum jwe_status jwe_unwrap(EVP_PKEY *own, const struct jwe *in, uint8_t cek[JWE_CEK_SIZE])
{
    uint8_t kek[KEK_SIZE];
    enum jwe_status status;

    if (in->size == 0 || in->size > JWE_PLAINTEXT_MAX)
        return JWE_BAD_SIZE;
    if (!header_matches(in))
        return JWE_BAD_HEADER;
    status = derive_kek(own, &in->epk, kek);
    if (status == JWE_OK &&
        !aes_key_wrap(0, kek, in->wrapped_cek, sizeof(in->wrapped_cek), cek, JWE_CEK_SIZE))
        status = JWE_UNWRAP_FAILED;
    if (status != JWE_OK)
        OPENSSL_cleanse(cek, JWE_CEK_SIZE);
    OPENSSL_cleanse(kek, sizeof(kek));
    return status;
}

enum jwe_status jwe_open(const uint8_t cek[JWE_CEK_SIZE], const struct jwe *in, void *plaintext)
{
    uint8_t tag[JWE_TAG_SIZE];
    enum jwe_status status;

    memcpy(tag, in->tag, sizeof(tag));
    status = gcm(0, cek, in, in->ciphertext, plaintext, tag);
    if (status != JWE_OK)
        OPENSSL_cleanse(plaintext, in->size);
    return status;
}

enum jwe_status jwe_decrypt(EVP_PKEY *own, const struct jwe *in, void *plaintext)
{
    uint8_t cek[JWE_CEK_SIZE];
    enum jwe_status status = jwe_unwrap(own, in, cek);

    if (status == JWE_OK)
        status = jwe_open(cek, in, plaintext);
    else if (status != JWE_BAD_SIZE)
        OPENSSL_cleanse(plaintext, in->size);
    OPENSSL_cleanse(cek, sizeof(cek));
    return status;
}
