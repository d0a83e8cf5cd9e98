/* SPDX-License-Identifier: MIT */
#include "proxy/messages.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/jose/base64.h"

#define BRACKETS_MAX 256 /* no message has 10 */

json_t *json_bounded(struct reader text)
{
    const char *start = (const char *)text.next;
    size_t size = text.left, brackets = 0;
    uint8_t byte;

    while (reader_u8(&text, &byte))
        brackets += byte == '[' || byte == '{';
    return brackets <= BRACKETS_MAX ? json_loadb(start, size, JSON_REJECT_DUPLICATES, NULL) : NULL;
}

enum message_kind message_parse(const void *bytes, size_t size, json_t **message)
{
    *message = json_bounded(reader_over(bytes, size));
    if (!json_is_object(*message)) {
        json_decref(*message);
        *message = NULL;
        return MESSAGE_UNKNOWN;
    }
    if (json_object_get(*message, "version"))
        return MESSAGE_NEGOTIATION;
    return json_object_get(*message, "evidence") ? MESSAGE_ATTESTATION : MESSAGE_UNKNOWN;
}

static bool is_snp(const json_t *message)
{
    const char *tee = json_string_value(json_object_get(message, "tee"));

    return tee && strcmp(tee, "snp") == 0;
}

bool negotiation_is_supported(const json_t *message)
{
    json_t *expected = json_pack("[i,i,i]", 0, 1, 0);
    bool supported =
        expected && json_equal(json_object_get(message, "version"), expected) && is_snp(message);

    json_decref(expected);
    return supported;
}

/* A string in base64 from one variant to the other, or NULL. */
static json_t *transcode(const json_t *value, enum base64_variant from, enum base64_variant to)
{
    size_t length = json_string_length(value), size;
    uint8_t *bytes = malloc(length + 1);
    char *text = malloc(BASE64_LENGTH(length) + 1);
    json_t *result = NULL;

    if (bytes && text && json_is_string(value) &&
        base64_decode(from, json_string_value(value), length, bytes, length, &size)) {
        base64_encode(to, bytes, size, text);
        result = json_string(text);
    }
    free(text);
    free(bytes);
    return result;
}

static json_t *to_url(const json_t *value)
{
    return transcode(value, BASE64_STANDARD, BASE64_URL);
}

static json_t *to_standard(const json_t *value)
{
    return transcode(value, BASE64_URL, BASE64_STANDARD);
}

/* The same string, if it is proper padded base64. */
static json_t *checked(const json_t *value)
{
    return transcode(value, BASE64_STANDARD, BASE64_STANDARD);
}

json_t *auth_request(void)
{
    return json_pack("{s:s, s:s, s:s}", "version", "0.4.0", "tee", "snp", "extra-params", "");
}

json_t *negotiation_response(const json_t *challenge)
{
    if (!json_object_get(challenge, "extra-params"))
        return NULL;
    return json_pack("{s:o, s:[s,s]}", "challenge", checked(json_object_get(challenge, "nonce")),
                     "params", "EcPublicKeyBytes", "Challenge");
}

json_t *negotiation_failure(const char *reason)
{
    return json_pack("{s:s, s:[], s:s}", "challenge", "", "params", "reason", reason);
}

static json_t *public_key(const json_t *key)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:o}", "kty", "EC", "crv", "P-521", "alg",
                     "ECDH-ES+A256KW", "x", to_url(json_object_get(key, "x")), "y",
                     to_url(json_object_get(key, "y")));
}

/* certs_buf may be absent; then the KBS gets null. */
static json_t *certificates(const json_t *snp)
{
    const json_t *table = json_object_get(snp, "certs_buf");

    return table ? checked(table) : json_null();
}

json_t *attest_request(const json_t *message)
{
    const json_t *snp = json_object_get(json_object_get(message, "evidence"), "Snp");

    if (!is_snp(message))
        return NULL;
    return json_pack("{s:n, s:{s:o, s:o}, s:{s:{s:o, s:o}, s:s}}", "init-data", "runtime-data",
                     "nonce", checked(json_object_get(message, "challenge")), "tee-pubkey",
                     public_key(json_object_get(message, "key")), "tee-evidence",
                     "primary_evidence", "snp-report", checked(json_object_get(snp, "report")),
                     "certs-buf", certificates(snp), "additional_evidence", "");
}

/* The header of a JWE, decoded from base64url of JSON. */
static json_t *protected_header(const json_t *protected)
{
    size_t length = json_string_length(protected), size;
    char *text = malloc(length + 1);
    json_t *header = NULL;

    if (text && json_is_string(protected) &&
        base64_decode(BASE64_URL, json_string_value(protected), length, text, length, &size))
        header = json_bounded(reader_over(text, size));
    free(text);
    return header;
}

/* The bytes that the KBS authenticated are the characters of the header as it sent them. */
static json_t *authenticated_data(const json_t *protected)
{
    size_t length = json_string_length(protected);
    char *text = malloc(BASE64_LENGTH(length) + 1);
    json_t *result = NULL;

    if (text && json_is_string(protected)) {
        base64_encode(BASE64_STANDARD, json_string_value(protected), length, text);
        result = json_string(text);
    }
    free(text);
    return result;
}

static json_t *decryption(const json_t *jwe)
{
    const json_t *protected = json_object_get(jwe, "protected");
    json_t *header = protected_header(protected);
    const json_t *epk = json_object_get(header, "epk");
    json_t *result = json_pack(
        "{s:{s:o, s:o}, s:o, s:o, s:o, s:o}", "epk", "x", to_standard(json_object_get(epk, "x")),
        "y", to_standard(json_object_get(epk, "y")), "wrapped_cek",
        to_standard(json_object_get(jwe, "encrypted_key")), "aad", authenticated_data(protected),
        "iv", to_standard(json_object_get(jwe, "iv")), "tag",
        to_standard(json_object_get(jwe, "tag")));

    json_decref(header);
    return result;
}

json_t *attestation_response(const json_t *attested, const json_t *jwe)
{
    return json_pack("{s:b, s:o, s:o, s:{s:s}}", "success", 1, "secret",
                     to_standard(json_object_get(jwe, "ciphertext")), "decryption", decryption(jwe),
                     "token", "Jwt", json_string_value(json_object_get(attested, "token")));
}

json_t *attestation_failure(const char *reason)
{
    return json_pack("{s:b, s:n, s:n, s:s}", "success", 0, "decryption", "token", "reason", reason);
}
