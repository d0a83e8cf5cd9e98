/* SPDX-License-Identifier: MIT */
/* The body of /attest, and what a report has to bind for it: against vectors of other
 * implementations. */
#include <stdlib.h>
#include <string.h>

#include "kbs/protocol/binding.h"
#include "lib/jose/strict_json.h"
#include "tests/unit/kbs/hex.h"
#include "tests/unit/kbs/vectors.h"
#include "tests/unit/registered.h"

#define TV1_NONCE "oKGio6SlpqeoqaqrrK2ur7CxsrO0tba3uLm6u7y9vr8="
#define TV3_NONCE                                                                                  \
    "U1ZTTUtCUzEAB5mwZf+cv1NVMcOollbuihigoaKjpKWmp6ipqqusra6vsLGys7S1tre4ubq7vL2+v1NWWFEAGQABAAEB" \
    "AAIAEAARIjNEVWZ3iJmqu8zd7v8="
#define TV1_COCO_REPORT_DATA                                                                       \
    "84a92faf5768af5727e77c2d2f79f5674c88f89c8e44e40ae332a5be26febc14d2ac53db8f5bcb41"             \
    "3522c16fcccfec7700000000000000000000000000000000"

static json_t *coordinate(const char *hex)
{
    uint8_t bytes[P521_COORDINATE_SIZE];

    bytes_of_hex(hex, bytes, sizeof(bytes));
    return strict_json_encode(BASE64_URL, bytes, sizeof(bytes));
}

/* A request with TV1's key, as COCONUT-SVSM's proxy writes it. */
static json_t *request(const char *nonce)
{
    return json_pack("{s:n, s:{s:s, s:{s:s, s:s, s:s, s:o, s:o}}, s:{s:{s:s, s:n}, s:s}}",
                     "init-data", "runtime-data", "nonce", nonce, "tee-pubkey", "kty", "EC", "crv",
                     "P-521", "alg", "ECDH-ES+A256KW", "x", coordinate(tv1.own_x), "y",
                     coordinate(tv1.own_y), "tee-evidence", "primary_evidence", "snp-report",
                     "AAAA", "certs-buf", "additional_evidence", "");
}

/* Hands over json. */
static enum attest_request_status parse(json_t *json, struct attest_request *out)
{
    char *text = json_dumps(json, JSON_COMPACT);
    enum attest_request_status status = attest_request_parse(text, strlen(text), NULL, out);

    free(text);
    json_decref(json);
    return status;
}

static void expect(json_t *json, enum attest_request_status expected)
{
    struct attest_request parsed;

    assert_int_equal(parse(json, &parsed), expected);
    attest_request_free(&parsed);
}

static void expect_report_data(const struct attest_request *parsed, const char *hex)
{
    uint8_t expected[REPORT_DATA_SIZE], found[REPORT_DATA_SIZE];

    bytes_of_hex(hex, expected, sizeof(expected));
    assert_true(binding_report_data(parsed, found));
    assert_memory_equal(found, expected, sizeof(expected));
}

TEST(coconuts_recipe_hashes_the_key_and_then_the_challenge)
{
    struct attest_request parsed;
    uint8_t swapped[REPORT_DATA_SIZE], found[REPORT_DATA_SIZE];

    assert_int_equal(parse(request(TV1_NONCE), &parsed), ATTEST_REQUEST_OK);
    expect_report_data(&parsed, TV1_REPORT_DATA);
    bytes_of_hex(TV1_REPORT_DATA_SWAPPED, swapped, sizeof(swapped));
    assert_true(binding_report_data(&parsed, found));
    assert_memory_not_equal(found, swapped, sizeof(found));
    attest_request_free(&parsed);
}

TEST(what_follows_the_nonce_is_hashed_too)
{
    struct attest_request parsed;

    assert_int_equal(parse(request(TV3_NONCE), &parsed), ATTEST_REQUEST_OK);
    assert_int_equal(parsed.nonce_size, 58 + 31);
    expect_report_data(&parsed, TV3_REPORT_DATA);
    attest_request_free(&parsed);
}

TEST(trustees_recipe_hashes_canonical_json)
{
    struct attest_request parsed;

    assert_int_equal(parse(request(TV1_NONCE), &parsed), ATTEST_REQUEST_OK);
    parsed.form = ATTEST_FORM_COCO;
    expect_report_data(&parsed, TV1_COCO_REPORT_DATA);
    attest_request_free(&parsed);
}

/* The request with the value at a member's path replaced, or without it; hands over value. */
static json_t *with(const char *outer, const char *inner, const char *name, json_t *value)
{
    json_t *json = request(TV1_NONCE), *object = outer ? json_object_get(json, outer) : json;

    if (inner)
        object = json_object_get(object, inner);
    if (value)
        json_object_set_new(object, name, value);
    else
        json_object_del(object, name);
    return json;
}

TEST(refuses_what_is_malformed)
{
    expect(with(NULL, NULL, "runtime-data", NULL), ATTEST_REQUEST_MALFORMED);
    expect(with(NULL, NULL, "tee-evidence", json_array()), ATTEST_REQUEST_MALFORMED);
    expect(with(NULL, NULL, "init-data", json_object()), ATTEST_REQUEST_MALFORMED);
    expect(with("runtime-data", NULL, "nonce", json_integer(1)), ATTEST_REQUEST_MALFORMED);
    expect(with("runtime-data", NULL, "nonce", json_string("AAA")), ATTEST_REQUEST_MALFORMED);
    expect(with("runtime-data", NULL, "nonce", json_string("AA_-")), ATTEST_REQUEST_MALFORMED);
    expect(with("runtime-data", NULL, "tee-pubkey", json_string("")), ATTEST_REQUEST_MALFORMED);
    expect(with("runtime-data", "tee-pubkey", "x", json_string("AAAA")), ATTEST_REQUEST_MALFORMED);
    expect(with("tee-evidence", NULL, "additional_evidence", NULL), ATTEST_REQUEST_MALFORMED);
    expect(with("tee-evidence", NULL, "additional_evidence", json_null()),
           ATTEST_REQUEST_MALFORMED);
    expect(with("tee-evidence", "primary_evidence", "snp-report", NULL), ATTEST_REQUEST_MALFORMED);
    expect(with("tee-evidence", "primary_evidence", "snp-report", json_null()),
           ATTEST_REQUEST_MALFORMED);
    expect(with("tee-evidence", "primary_evidence", "snp-report", json_string("*")),
           ATTEST_REQUEST_MALFORMED);
    expect(with("tee-evidence", "primary_evidence", "certs-buf", json_integer(0)),
           ATTEST_REQUEST_MALFORMED);
}

TEST(refuses_what_would_be_ambiguous_or_unsafe)
{
    expect(with("tee-evidence", "primary_evidence", "attestation_report", json_object()),
           ATTEST_REQUEST_EVIDENCE_MIXED);
    expect(with("tee-evidence", "primary_evidence", "cert_chain", json_array()),
           ATTEST_REQUEST_EVIDENCE_MIXED);
    expect(with("runtime-data", "tee-pubkey", "e", json_string("AQAB")), ATTEST_REQUEST_KEY_MIXED);
    expect(with("runtime-data", "tee-pubkey", "kty", json_string("oct")),
           ATTEST_REQUEST_KEY_UNSUPPORTED);
    expect(with("tee-evidence", NULL, "additional_evidence", json_string("{\"tpm\":{}}")),
           ATTEST_REQUEST_ADDITIONAL);
    expect(with(NULL, NULL, "init-data", json_pack("{s:s, s:s}", "format", "json", "body", "{}")),
           ATTEST_REQUEST_INIT_DATA);
}

TEST(refuses_a_member_twice_and_nests_that_are_deep)
{
    static const char twice[] = "{\"runtime-data\":{\"nonce\":\"\",\"nonce\":\"\"}}";
    struct attest_request parsed;
    char deep[2000];

    memset(deep, '[', sizeof(deep));
    assert_int_equal(attest_request_parse(twice, strlen(twice), NULL, &parsed),
                     ATTEST_REQUEST_MALFORMED);
    assert_int_equal(attest_request_parse(deep, sizeof(deep), NULL, &parsed),
                     ATTEST_REQUEST_MALFORMED);
    assert_int_equal(attest_request_parse("", 0, NULL, &parsed), ATTEST_REQUEST_MALFORMED);
}

TEST(a_key_for_this_dialect_is_on_p521)
{
    json_t *json = request(TV1_NONCE);
    json_t *p256 = json_pack("{s:s, s:s, s:s, s:s, s:s}", "kty", "EC", "crv", "P-256", "alg",
                             "ECDH-ES+A256KW", "x", "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
                             "y", "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM");

    json_object_set_new(json_object_get(json, "runtime-data"), "tee-pubkey", p256);
    expect(json, ATTEST_REQUEST_KEY_UNSUPPORTED);
}

int main(void)
{
    int failed = tests_run();

    /* Again, with documents in memory of their own. */
    json_memory_use();
    return failed + tests_run();
}
