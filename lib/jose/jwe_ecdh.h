/* SPDX-License-Identifier: MIT */
/*
 * One secret encrypted to one P-521 key: JWE with alg ECDH-ES+A256KW and enc A256GCM
 * (RFC 7516, RFC 7518 section 4.6).
 *
 * The protected header has a single accepted spelling, because proxies parse it and write it anew:
 * no white space, "alg", "enc" and "epk" first, members sorted. A release record
 * (lib/release/record.h) may follow as "svsm-rel". Used by the KBS to encrypt and by the SVSM's
 * attestation client to decrypt.
 */
#ifndef SNPVTPM_LIB_JOSE_JWE_ECDH_H
#define SNPVTPM_LIB_JOSE_JWE_ECDH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "lib/base/must_check.h"
#include "lib/jose/jwe_parts.h"
#include "lib/jose/p521.h"

#define JWE_PLAINTEXT_MAX 4096
#define JWE_PROTECTED_MAX 3072 /* characters */
#define JWE_RELEASE_MAX   1536 /* characters of a release record in base64url */

enum jwe_status {
    JWE_OK,
    JWE_BAD_SIZE,      /* no plaintext, or more than JWE_PLAINTEXT_MAX */
    JWE_BAD_POINT,     /* a public key is not a point of P-521 */
    JWE_BAD_HEADER,    /* not the canonical header for this epk */
    JWE_UNWRAP_FAILED, /* encrypted for another key, or altered */
    JWE_TAG_MISMATCH,  /* ciphertext or header altered */
    JWE_CRYPTO_FAILED, /* OpenSSL could not work, e.g. no memory */
};

/* The members of a JWE, decoded. */
struct jwe {
    struct p521_point epk;
    char protected[JWE_PROTECTED_MAX + 1]; /* base64url of the header, NUL-terminated: the AAD */
    uint8_t wrapped_cek[JWE_WRAPPED_CEK_SIZE];
    uint8_t iv[JWE_IV_SIZE];
    uint8_t tag[JWE_TAG_SIZE];
    uint8_t ciphertext[JWE_PLAINTEXT_MAX];
    size_t size; /* of the ciphertext and of the plaintext, 1..JWE_PLAINTEXT_MAX */
};

/* What must be fresh and secret in each encryption. */
struct jwe_fresh {
    EVP_PKEY *ephemeral; /* P-521 key pair */
    uint8_t cek[JWE_CEK_SIZE];
    uint8_t iv[JWE_IV_SIZE];
};

/* Encrypts size bytes to the key at point. */
MUST_CHECK enum jwe_status jwe_encrypt(const struct p521_point *to, const void *plaintext,
                                       size_t size, struct jwe *out);

/* Makes what jwe_encrypt_with needs; false when OpenSSL fails. */
MUST_CHECK bool jwe_fresh_make(struct jwe_fresh *fresh);

/* Frees and wipes it. */
void jwe_fresh_wipe(struct jwe_fresh *fresh);

/*
 * jwe_encrypt with randomness that the caller knows, to commit to it or to test. release is NULL,
 * or the base64url text, at most JWE_RELEASE_MAX characters, of a release record for the header.
 */
MUST_CHECK enum jwe_status jwe_encrypt_with(const struct jwe_fresh *fresh,
                                            const struct p521_point *to, const char *release,
                                            const void *plaintext, size_t size, struct jwe *out);

/*
 * Decrypts in with own, a P-521 key pair; plaintext has room for in->size bytes and is wiped on
 * failure. Checks that in->protected is the canonical header for in->epk; further members after
 * "epk" are authenticated but not looked at. The caller has checked that in->protected holds a NUL.
 */
MUST_CHECK enum jwe_status jwe_decrypt(EVP_PKEY *own, const struct jwe *in, void *plaintext);

/* The two halves of jwe_decrypt, for callers that must look at the content key in between. */
MUST_CHECK enum jwe_status jwe_unwrap(EVP_PKEY *own, const struct jwe *in,
                                      uint8_t cek[JWE_CEK_SIZE]);
MUST_CHECK enum jwe_status jwe_open(const uint8_t cek[JWE_CEK_SIZE], const struct jwe *in,
                                    void *plaintext);

/*
 * Whether the header begins as it has to for in->epk. Other members may follow; they are
 * authenticated by jwe_open, but not looked at.
 */
MUST_CHECK bool jwe_header_is_canonical(const struct jwe *in);

/*
 * The release record in the header, decoded to at most room bytes; *size is 0 when none follows
 * "epk". False when the header does not begin as it has to for in->epk, or does not end with the
 * record, or the record is no base64url or too long.
 */
MUST_CHECK bool jwe_release_member(const struct jwe *in, uint8_t *record, size_t room,
                                   size_t *size);

/* The reason in words, without a full stop. */
const char *jwe_status_text(enum jwe_status status);

#endif
