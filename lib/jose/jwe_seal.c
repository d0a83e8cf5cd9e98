/* SPDX-License-Identifier: MIT */
#include "lib/jose/jwe_seal.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "lib/jose/jwe_parts.h"
#include "lib/jose/strict_json.h"

/* Who may open it: the content key, encrypted, and the header that says how. */
struct envelope {
    uint8_t cek[JWE_CEK_SIZE];
    uint8_t encrypted_key[JWK_MODULUS_MAX];
    size_t encrypted_key_size;
    json_t *header;
};

/* "alg" and "enc" come first as they are put in first; jansson keeps that order. */
static json_t *header_of(const struct jwk *to, json_t *epk)
{
    json_t *header = json_pack("{s:s, s:s}", "alg", jwk_algorithm(to), "enc", "A256GCM");

    if (epk && json_object_set_new(header, "epk", epk) != 0) {
        json_decref(header);
        return NULL;
    }
    return header;
}

static bool wrap_for_ec(const struct jwk *to, EVP_PKEY *recipient, struct envelope *envelope)
{
    EVP_PKEY *ephemeral = to->kind == JWK_P256 ? EVP_EC_gen("P-256") : p521_generate();
    json_t *epk = ephemeral ? jwk_of_ec_key(ephemeral) : NULL;
    uint8_t kek[JWE_KEK_SIZE];
    bool wrapped;

    envelope->header = epk ? header_of(to, epk) : NULL;
    envelope->encrypted_key_size = JWE_WRAPPED_CEK_SIZE;
    wrapped = envelope->header && jwe_agree(ephemeral, recipient, kek) &&
              jwe_wrap_key(kek, envelope->cek, envelope->encrypted_key);
    OPENSSL_cleanse(kek, sizeof(kek));
    EVP_PKEY_free(ephemeral);
    return wrapped;
}

static bool wrap_for_rsa(const struct jwk *to, EVP_PKEY *recipient, struct envelope *envelope)
{
    EVP_PKEY_CTX *encrypt = EVP_PKEY_CTX_new(recipient, NULL);
    bool wrapped;

    envelope->header = header_of(to, NULL);
    envelope->encrypted_key_size = sizeof(envelope->encrypted_key);
    wrapped = envelope->header && encrypt && EVP_PKEY_encrypt_init(encrypt) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(encrypt, RSA_PKCS1_OAEP_PADDING) == 1 &&
              EVP_PKEY_CTX_set_rsa_oaep_md(encrypt, EVP_sha256()) == 1 &&
              EVP_PKEY_CTX_set_rsa_mgf1_md(encrypt, EVP_sha256()) == 1 &&
              EVP_PKEY_encrypt(encrypt, envelope->encrypted_key, &envelope->encrypted_key_size,
                               envelope->cek, JWE_CEK_SIZE) == 1;
    EVP_PKEY_CTX_free(encrypt);
    return wrapped;
}

static bool wrap_for(const struct jwk *to, struct envelope *envelope)
{
    EVP_PKEY *recipient = jwk_to_key(to);
    bool wrapped = recipient && RAND_priv_bytes(envelope->cek, JWE_CEK_SIZE) == 1 &&
                   (to->kind == JWK_RSA ? wrap_for_rsa(to, recipient, envelope)
                                        : wrap_for_ec(to, recipient, envelope));

    EVP_PKEY_free(recipient);
    return wrapped;
}

/* The base64url of the header, which is also what is authenticated. */
static json_t *protected_of(const json_t *header)
{
    char *text = json_dumps(header, JSON_COMPACT);
    json_t *protected = text ? strict_json_encode(BASE64_URL, text, strlen(text)) : NULL;

    free(text);
    return protected;
}

static json_t *seal_content(const struct envelope *envelope, const void *plaintext, size_t size)
{
    json_t *protected = protected_of(envelope->header), *jwe = NULL;
    uint8_t *ciphertext = malloc(size);
    uint8_t iv[JWE_IV_SIZE], tag[JWE_TAG_SIZE];

    if (protected && ciphertext && RAND_bytes(iv, JWE_IV_SIZE) == 1 &&
        jwe_encrypt_content(envelope->cek, iv, json_string_value(protected), plaintext, size,
                            ciphertext, tag))
        jwe = json_pack(
            "{s:O, s:o, s:o, s:o, s:o}", "protected", protected, "encrypted_key",
            strict_json_encode(BASE64_URL, envelope->encrypted_key, envelope->encrypted_key_size),
            "iv", strict_json_encode(BASE64_URL, iv, JWE_IV_SIZE), "ciphertext",
            strict_json_encode(BASE64_URL, ciphertext, size), "tag",
            strict_json_encode(BASE64_URL, tag, JWE_TAG_SIZE));
    json_decref(protected);
    free(ciphertext);
    return jwe;
}

json_t *jwe_seal(const struct jwk *to, const void *plaintext, size_t size)
{
    struct envelope envelope = {0};
    json_t *jwe = NULL;

    if (size > 0 && size <= JWE_SEAL_MAX && wrap_for(to, &envelope))
        jwe = seal_content(&envelope, plaintext, size);
    json_decref(envelope.header);
    OPENSSL_cleanse(&envelope, sizeof(envelope));
    return jwe;
}
