/* SPDX-License-Identifier: MIT */
#include "kbs/attestation_request.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "lib/jose/base64.h"

static bool is_string(const json_t *value, const char *expected)
{
    const char *text = json_string_value(value);

    return text && strcmp(text, expected) == 0;
}

MUST_CHECK static bool decode_exact(enum base64_variant variant, const json_t *value, void *out,
                                    size_t size)
{
    return json_is_string(value) && base64_decode_exact(variant, json_string_value(value),
                                                        json_string_length(value), out, size);
}

/* Decodes to new memory. */
MUST_CHECK static bool decode(const json_t *value, uint8_t **out, size_t *size)
{
    size_t length = json_string_length(value);

    if (!json_is_string(value))
        return false;
    *out = malloc(length + 1);
    return *out &&
           base64_decode(BASE64_STANDARD, json_string_value(value), length, *out, length, size);
}

MUST_CHECK static bool parse_key(const json_t *jwk, struct p521_point *key)
{
    return is_string(json_object_get(jwk, "kty"), "EC") &&
           is_string(json_object_get(jwk, "crv"), "P-521") &&
           is_string(json_object_get(jwk, "alg"), "ECDH-ES+A256KW") &&
           decode_exact(BASE64_URL, json_object_get(jwk, "x"), key->x, sizeof(key->x)) &&
           decode_exact(BASE64_URL, json_object_get(jwk, "y"), key->y, sizeof(key->y));
}

MUST_CHECK static bool parse_evidence(const json_t *primary, struct attestation_request *out)
{
    const json_t *table = json_object_get(primary, "certs-buf");

    /* Two dialects in one request would leave open which evidence counts. */
    if (json_object_get(primary, "attestation_report") ||
        !decode(json_object_get(primary, "snp-report"), &out->report, &out->report_size))
        return false;
    return !table || json_is_null(table) ||
           decode(table, &out->certificate_table, &out->certificate_table_size);
}

MUST_CHECK static bool parse_root(const json_t *root, struct attestation_request *out)
{
    const json_t *runtime = json_object_get(root, "runtime-data");
    const json_t *evidence = json_object_get(root, "tee-evidence");
    const json_t *init = json_object_get(root, "init-data");

    return (!init || json_is_null(init)) &&
           is_string(json_object_get(evidence, "additional_evidence"), "") &&
           decode_exact(BASE64_STANDARD, json_object_get(runtime, "nonce"), out->nonce,
                        sizeof(out->nonce)) &&
           parse_key(json_object_get(runtime, "tee-pubkey"), &out->key) &&
           parse_evidence(json_object_get(evidence, "primary_evidence"), out);
}

bool attestation_request_parse(const void *body, size_t size, struct attestation_request *out)
{
    json_t *root = json_loadb(body, size, JSON_REJECT_DUPLICATES, NULL);
    bool valid;

    *out = (struct attestation_request){0};
    valid = root && parse_root(root, out);
    json_decref(root);
    if (!valid)
        attestation_request_free(out);
    return valid;
}

void attestation_request_free(struct attestation_request *request)
{
    free(request->report);
    free(request->certificate_table);
    *request = (struct attestation_request){0};
}
