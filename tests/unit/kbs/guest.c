/* SPDX-License-Identifier: MIT */
#include "tests/unit/kbs/guest.h"

#include <string.h>

#include <openssl/evp.h>

#include "lib/jose/base64.h"
#include "lib/jose/jwe_ecdh.h"

void guest_start(struct guest *guest, const struct chip *chip)
{
    *guest = (struct guest){.chip = chip, .key = p521_generate()};
    if (!p521_point_of(guest->key, &guest->point))
        abort();
}

void guest_stop(struct guest *guest)
{
    EVP_PKEY_free(guest->key);
}

struct snp_report guest_report(const struct guest *guest, const uint8_t *nonce, size_t size)
{
    uint8_t report_data[REPORT_DATA_SIZE];
    struct snp_report report;

    chip_report_data(&guest->point, nonce, size, report_data);
    report = chip_report(guest->chip, report_data);
    chip_sign(guest->chip, &report);
    return report;
}

static json_t *base64(enum base64_variant variant, const void *bytes, size_t size)
{
    char *text = malloc(BASE64_LENGTH(size) + 1);
    json_t *value;

    base64_encode(variant, bytes, size, text);
    value = json_string(text);
    free(text);
    return value;
}

json_t *guest_attestation(const struct guest *guest, const char *nonce,
                          const struct snp_report *report, const uint8_t *table, size_t size)
{
    return json_pack(
        "{s:n, s:{s:s, s:{s:s, s:s, s:s, s:o, s:o}}, s:{s:{s:o, s:o}, s:s}}", "init-data",
        "runtime-data", "nonce", nonce, "tee-pubkey", "kty", "EC", "crv", "P-521", "alg",
        "ECDH-ES+A256KW", "x", base64(BASE64_URL, guest->point.x, sizeof(guest->point.x)), "y",
        base64(BASE64_URL, guest->point.y, sizeof(guest->point.y)), "tee-evidence",
        "primary_evidence", "snp-report", base64(BASE64_STANDARD, report, sizeof(*report)),
        "certs-buf", table ? base64(BASE64_STANDARD, table, size) : json_null(),
        "additional_evidence", "");
}

static bool decode(const json_t *object, const char *name, void *out, size_t size)
{
    const json_t *value = json_object_get(object, name);

    return json_is_string(value) && base64_decode_exact(BASE64_URL, json_string_value(value),
                                                        json_string_length(value), out, size);
}

static bool decode_epk(struct jwe *jwe)
{
    char text[JWE_PROTECTED_MAX];
    size_t size;
    json_t *header = NULL;
    const json_t *epk;
    bool decoded;

    if (base64_decode(BASE64_URL, jwe->protected, strlen(jwe->protected), text, sizeof(text),
                      &size))
        header = json_loadb(text, size, 0, NULL);
    epk = json_object_get(header, "epk");
    decoded = decode(epk, "x", jwe->epk.x, sizeof(jwe->epk.x)) &&
              decode(epk, "y", jwe->epk.y, sizeof(jwe->epk.y));
    json_decref(header);
    return decoded;
}

bool guest_open(const struct guest *guest, const json_t *json, uint8_t secret[STATE_KEY_SIZE])
{
    const char *protected = json_string_value(json_object_get(json, "protected"));
    struct jwe jwe = {.size = STATE_KEY_SIZE};

    if (!protected || strlen(protected) > JWE_PROTECTED_MAX)
        return false;
    strcpy(jwe.protected, protected);
    return decode_epk(&jwe) &&
           decode(json, "encrypted_key", jwe.wrapped_cek, sizeof(jwe.wrapped_cek)) &&
           decode(json, "iv", jwe.iv, sizeof(jwe.iv)) &&
           decode(json, "tag", jwe.tag, sizeof(jwe.tag)) &&
           decode(json, "ciphertext", jwe.ciphertext, STATE_KEY_SIZE) &&
           jwe_decrypt(guest->key, &jwe, secret) == JWE_OK;
}
