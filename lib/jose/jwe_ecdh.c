/* SPDX-License-Identifier: MIT */
#include "lib/jose/jwe_ecdh.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "lib/base/reader.h"
#include "lib/jose/base64.h"
#include "lib/jose/jwe_parts.h"

#define COORDINATE_LENGTH BASE64_LENGTH(P521_COORDINATE_SIZE)
#define HEADER_MAX        (JWE_PROTECTED_MAX / 4 * 3)

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

static enum jwe_status derive_kek(EVP_PKEY *own, const struct p521_point *peer,
                                  uint8_t kek[JWE_KEK_SIZE])
{
    EVP_PKEY *peer_key = p521_from_point(peer);
    enum jwe_status status = JWE_BAD_POINT;

    if (peer_key)
        status = jwe_agree(own, peer_key, kek) ? JWE_OK : JWE_CRYPTO_FAILED;
    EVP_PKEY_free(peer_key);
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

bool jwe_header_is_canonical(const struct jwe *in)
{
    char header[HEADER_MAX];
    struct reader rest;

    return read_header(in, header, &rest) && (rest.next[0] == ',' || rest.left == 1) &&
           rest.next[rest.left - 1] == '}';
}

bool jwe_release_member(const struct jwe *in, uint8_t *record, size_t room, size_t *size)
{
    size_t start_length = strlen(RELEASE_START), end_length = strlen(RELEASE_END);
    char header[HEADER_MAX];
    const uint8_t *start, *text;
    struct reader rest;
    size_t length;

    if (!read_header(in, header, &rest))
        return false;
    *size = 0;
    if (!reader_borrow(&rest, &start, start_length) ||
        memcmp(start, RELEASE_START, start_length) != 0)
        return true;
    if (rest.left <= end_length)
        return false;
    length = rest.left - end_length;
    return reader_borrow(&rest, &text, length) && memcmp(rest.next, RELEASE_END, end_length) == 0 &&
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
    uint8_t kek[JWE_KEK_SIZE];
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
    if (!jwe_wrap_key(kek, fresh->cek, out->wrapped_cek) ||
        !jwe_encrypt_content(fresh->cek, out->iv, out->protected, plaintext, size, out->ciphertext,
                             out->tag))
        status = JWE_CRYPTO_FAILED;
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
    uint8_t kek[JWE_KEK_SIZE];
    enum jwe_status status;

    if (in->size == 0 || in->size > JWE_PLAINTEXT_MAX)
        return JWE_BAD_SIZE;
    if (!jwe_header_is_canonical(in))
        return JWE_BAD_HEADER;
    status = derive_kek(own, &in->epk, kek);
    if (status == JWE_OK && !jwe_unwrap_key(kek, in->wrapped_cek, cek))
        status = JWE_UNWRAP_FAILED;
    if (status != JWE_OK)
        OPENSSL_cleanse(cek, JWE_CEK_SIZE);
    OPENSSL_cleanse(kek, sizeof(kek));
    return status;
}

enum jwe_status jwe_open(const uint8_t cek[JWE_CEK_SIZE], const struct jwe *in, void *plaintext)
{
    if (jwe_decrypt_content(cek, in->iv, in->protected, in->ciphertext, in->size, plaintext,
                            in->tag))
        return JWE_OK;
    OPENSSL_cleanse(plaintext, in->size);
    return JWE_TAG_MISMATCH;
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
