/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "lib/jose/base64.h"
#include "services/attest/attestation_protocol.h"
#include "services/attest/fetch_key.h"
#include "services/attest/report_data.h"
#include "tests/unit/attest/tv1_frames.h"
#include "tests/unit/attest/unsigned.h"
#include "tests/unit/kbs/hex.h"
#include "tests/unit/kbs/vectors.h"
#include "tests/unit/registered.h"

#define RECIPE "[\"EcPublicKeyBytes\",\"Challenge\"]"
#define NONCE  "oKGio6SlpqeoqaqrrK2ur7CxsrO0tba3uLm6u7y9vr8="

static enum attest_error negotiate(const char *json, struct challenge *challenge)
{
    return negotiation_response_parse(json, strlen(json), challenge);
}

static EVP_PKEY *own_key(const struct jwe_vector *vector, struct p521_point *point)
{
    uint8_t scalar[P521_COORDINATE_SIZE];
    EVP_PKEY *key;

    bytes_of_hex(vector->own_d, scalar, sizeof(scalar));
    bytes_of_hex(vector->own_x, point->x, sizeof(point->x));
    bytes_of_hex(vector->own_y, point->y, sizeof(point->y));
    key = p521_from_scalar(point, scalar);
    assert_non_null(key);
    return key;
}

TEST(tv1_frames_have_the_lengths_of_the_vector)
{
    assert_int_equal(strlen(NEGOTIATION_REQUEST), TV1_NEGOTIATION_REQUEST_LENGTH);
    assert_int_equal(strlen(TV1_NEGOTIATION_RESPONSE), TV1_NEGOTIATION_RESPONSE_LENGTH);
    assert_int_equal(strlen(TV1_ATTESTATION_RESPONSE), TV1_ATTESTATION_RESPONSE_LENGTH);
}

TEST(tv1_negotiation_yields_the_challenge)
{
    struct challenge challenge;

    assert_int_equal(negotiate(TV1_NEGOTIATION_RESPONSE, &challenge), ATTEST_OK);
    assert_int_equal(challenge.size, 32);
    for (unsigned int i = 0; i < 32; i++)
        assert_int_equal(challenge.bytes[i], 0xA0 + i);
}

TEST(report_data_is_own_key_then_challenge)
{
    struct challenge challenge;
    struct p521_point point;
    uint8_t expected[REPORT_DATA_SIZE], report_data[REPORT_DATA_SIZE];

    EVP_PKEY_free(own_key(&tv1, &point));
    bytes_of_hex(TV1_REPORT_DATA, expected, sizeof(expected));
    assert_int_equal(negotiate(TV1_NEGOTIATION_RESPONSE, &challenge), ATTEST_OK);
    assert_int_equal(report_data_for_key(&point, &challenge, report_data), ATTEST_OK);
    assert_memory_equal(report_data, expected, sizeof(expected));
}

/* As challenge, so many zero bytes. */
static enum attest_error negotiate_size(size_t size)
{
    static const uint8_t zeros[1024];
    char text[BASE64_LENGTH(sizeof(zeros)) + 1], json[2048];
    struct challenge challenge;
    enum attest_error error;

    base64_encode(BASE64_STANDARD, zeros, size, text);
    snprintf(json, sizeof(json), "{\"challenge\":\"%s\",\"params\":" RECIPE "}", text);
    error = negotiate(json, &challenge);
    if (!error)
        assert_int_equal(challenge.size, size);
    return error;
}

TEST(a_challenge_has_16_to_128_bytes)
{
    assert_int_equal(negotiate_size(16), ATTEST_OK);
    assert_int_equal(negotiate_size(128), ATTEST_OK);
    for (size_t size = 1; size < 16; size++)
        assert_int_equal(negotiate_size(size), ATTEST_ERR_CHALLENGE_SIZE);
    for (size_t size = 129; size <= 1024; size++)
        assert_int_equal(negotiate_size(size), ATTEST_ERR_CHALLENGE_SIZE);
}

TEST(no_recipe_but_own_key_then_challenge_is_accepted)
{
    static const char *const others[] = {
        "[\"Challenge\"]",
        "[\"EcPublicKeyBytes\"]",
        "[\"Challenge\",\"EcPublicKeyBytes\"]",
        "[\"Challenge\",\"Challenge\"]",
        "[\"EcPublicKeyBytes\",\"EcPublicKeyBytes\"]",
        "[\"EcPublicKeyBytes\",\"Challenge\",\"Challenge\"]",
        "[\"EcPublicKeyBytes\",\"EcPublicKeyBytes\",\"Challenge\"]",
        "[\"EcPublicKeyBytes\",\"challenge\"]",
        "[\"EcPublicKeyBytes\",\"Nonce\"]",
        "[\"EcPublicKeyBytes\",\"Challenge\\u0020\"]",
        "[\"EcPublicKeyBytes\",1]",
        "[[\"EcPublicKeyBytes\",\"Challenge\"]]",
        "[]",
        "null",
        "{}",
        "\"EcPublicKeyBytes\"",
    };
    struct challenge challenge;
    char json[512];

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        snprintf(json, sizeof(json), "{\"challenge\":\"" NONCE "\",\"params\":%s}", others[i]);
        assert_int_equal(negotiate(json, &challenge), ATTEST_ERR_RECIPE);
    }
    assert_int_equal(negotiate("{\"challenge\":\"" NONCE "\"}", &challenge), ATTEST_ERR_RECIPE);
}

TEST(a_malformed_negotiation_response_is_refused)
{
    static const struct {
        const char *json;
        enum attest_error error;
    } cases[] = {
        {"", ATTEST_ERR_JSON},
        {"{", ATTEST_ERR_JSON},
        {"[]", ATTEST_ERR_JSON},
        {"null", ATTEST_ERR_JSON},
        {"\"text\"", ATTEST_ERR_JSON},
        {TV1_NEGOTIATION_RESPONSE "{}", ATTEST_ERR_JSON},
        {"{\"challenge\":\"" NONCE "\",\"challenge\":\"" NONCE "\",\"params\":" RECIPE "}",
         ATTEST_ERR_JSON},
        {"{\"challenge\":\"\xff\",\"params\":" RECIPE "}", ATTEST_ERR_JSON},
        {"{\"challenge\":\"\\u0000\",\"params\":" RECIPE "}", ATTEST_ERR_JSON},
        {"{\"params\":" RECIPE "}", ATTEST_ERR_NEGOTIATION},
        {"{\"challenge\":null,\"params\":" RECIPE "}", ATTEST_ERR_NEGOTIATION},
        {"{\"challenge\":[1],\"params\":" RECIPE "}", ATTEST_ERR_NEGOTIATION},
        {"{\"challenge\":\"oKGio6SlpqeoqaqrrK2ur7CxsrO0tba3uLm6u7y9vr8\",\"params\":" RECIPE "}",
         ATTEST_ERR_NEGOTIATION}, /* no padding */
        {"{\"challenge\":\"oKGio6SlpqeoqaqrrK2ur7CxsrO0tba3uLm6u7y9vr9=\",\"params\":" RECIPE "}",
         ATTEST_ERR_NEGOTIATION}, /* stray bits */
        {"{\"challenge\":\"oKGio6SlpqeoqaqrrK2ur7CxsrO0tba3-_m6u7y9vr8=\",\"params\":" RECIPE "}",
         ATTEST_ERR_NEGOTIATION}, /* URL-safe digits */
        {"{\"challenge\":\"oKGio6SlpqeoqaqrrK2u\\nr7CxsrO0tba3uLm6u7y9vr8=\",\"params\":" RECIPE
         "}",
         ATTEST_ERR_NEGOTIATION},
    };
    struct challenge challenge;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(negotiate(cases[i].json, &challenge), cases[i].error);
}

TEST(nesting_is_bounded)
{
    static char deep[60000];
    struct challenge challenge;

    memset(deep, '[', sizeof(deep));
    memcpy(deep, "{\"a\":", 5);
    assert_int_equal(negotiation_response_parse(deep, sizeof(deep), &challenge), ATTEST_ERR_JSON);
}

/* The reasons there are; a hostile proxy may choose among them, and no more. */
static const struct {
    const char *reason; /* as JSON */
    enum attest_error error;
    enum attest_status status;
} reasons[] = {
    {"\"kbs-unreachable\"", ATTEST_ERR_KBS_UNREACHABLE, ATTEST_STATUS_KBS_UNREACHABLE},
    {"\"kbs-tls\"", ATTEST_ERR_KBS_TLS, ATTEST_STATUS_KBS_UNREACHABLE},
    {"\"kbs-refused\"", ATTEST_ERR_KBS_REFUSED, ATTEST_STATUS_KBS_REFUSED},
    {"\"kbs-protocol\"", ATTEST_ERR_KBS_PROTOCOL, ATTEST_STATUS_PROTOCOL},
    {"\"kbs-busy\"", ATTEST_ERR_KBS_BUSY, ATTEST_STATUS_KBS_BUSY},
    {"\"kbs-error\"", ATTEST_ERR_KBS_ERROR, ATTEST_STATUS_KBS_ERROR},
    {"\"kbs-gateway\"", ATTEST_ERR_KBS_GATEWAY, ATTEST_STATUS_KBS_GATEWAY},
    {"\"kbs-redirect\"", ATTEST_ERR_KBS_REDIRECT, ATTEST_STATUS_KBS_REDIRECT},
    {"\"kbs-version\"", ATTEST_ERR_KBS_VERSION, ATTEST_STATUS_VERSION},
    {"\"protocol-version\"", ATTEST_ERR_VERSION, ATTEST_STATUS_VERSION},
    {"\"message-malformed\"", ATTEST_ERR_MESSAGE, ATTEST_STATUS_PROTOCOL},
    {"\"\"", ATTEST_ERR_UNEXPLAINED, ATTEST_STATUS_UNEXPLAINED},
    {"\"ok\"", ATTEST_ERR_UNEXPLAINED, ATTEST_STATUS_UNEXPLAINED},
    {"\"\\u001b[31mgotcha\"", ATTEST_ERR_UNEXPLAINED, ATTEST_STATUS_UNEXPLAINED},
    {"\"%s%n\"", ATTEST_ERR_UNEXPLAINED, ATTEST_STATUS_UNEXPLAINED},
    {"5", ATTEST_ERR_UNEXPLAINED, ATTEST_STATUS_UNEXPLAINED},
    {"{}", ATTEST_ERR_UNEXPLAINED, ATTEST_STATUS_UNEXPLAINED},
    {"null", ATTEST_ERR_UNEXPLAINED, ATTEST_STATUS_UNEXPLAINED},
};

#define REASONS (sizeof(reasons) / sizeof(reasons[0]))

TEST(an_empty_challenge_may_come_with_a_reason)
{
    struct challenge challenge;
    char json[128];

    for (size_t i = 0; i < REASONS; i++) {
        snprintf(json, sizeof(json), "{\"challenge\":\"\",\"params\":[],\"reason\":%s}",
                 reasons[i].reason);
        assert_int_equal(negotiate(json, &challenge), reasons[i].error);
        assert_int_equal(attest_error_status(reasons[i].error), reasons[i].status);
    }
    assert_int_equal(negotiate("{\"challenge\":\"\",\"params\":" RECIPE "}", &challenge),
                     ATTEST_ERR_UNEXPLAINED);
}

TEST(only_a_refusal_by_the_kbs_asks_about_the_image)
{
    for (size_t i = 0; i < REASONS; i++)
        assert_int_equal(strstr(attest_error_words(reasons[i].error), "measurement") != NULL,
                         reasons[i].error == ATTEST_ERR_KBS_REFUSED);
}

/* The console's line has an end, and so must the sentence. */
TEST(the_words_for_an_error_fit_on_a_line)
{
    for (int error = 0; error < ATTEST_ERROR_COUNT; error++) {
        const char *words = attest_error_words((enum attest_error)error);

        assert_in_range(strlen(words), 1, 200);
        for (; *words; words++)
            assert_in_range(*words, ' ', '~');
    }
}

/* Compares with JSON built by hand, member by member and not text by text. */
static void assert_request_is(char *json, const char *expected)
{
    json_t *got = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
    json_t *wanted = json_loads(expected, JSON_REJECT_DUPLICATES, NULL);

    assert_non_null(got);
    assert_non_null(wanted);
    assert_true(json_equal(got, wanted));
    json_decref(got);
    json_decref(wanted);
    free(json);
}

TEST(the_attestation_request_has_the_members_of_the_protocol)
{
    static struct attestation_evidence evidence = {.report = {0xFF}};
    struct challenge challenge;
    struct p521_point point;
    char report[BASE64_LENGTH(REPORT_SIZE) + 1], expected[4096];

    EVP_PKEY_free(own_key(&tv1, &point));
    assert_int_equal(negotiate(TV1_NEGOTIATION_RESPONSE, &challenge), ATTEST_OK);
    base64_encode(BASE64_STANDARD, evidence.report, REPORT_SIZE, report);

#define REQUEST(certificates)                                                                      \
    "{\"tee\":\"snp\",\"evidence\":{\"Snp\":{\"report\":\"%s\"" certificates "}},"                 \
    "\"challenge\":\"" NONCE "\",\"key\":{"                                                        \
    "\"x\":\"ARpQ5Ko98jrLFyorEuV1Q5x3DvBZJU5tF0vLguOSvwyUE8RMOlVVJk0kXzreApY0W7YdQgMx6CzPpU/"      \
    "bPAU9mET/\","                                                                                 \
    "\"y\":\"AUz3DSVmqIT9H0OrMAqXJavd5KkfrnHtpC/uHzRTt5lntoXQ+OYCB82hZBUt/1jzaVMzx/nG+o1dGn0QK"    \
    "VqQbtBm\"}}"
    snprintf(expected, sizeof(expected), REQUEST(""), report);
    assert_request_is(attestation_request_format(&evidence, &challenge, &point), expected);

    evidence.certificates_size = 3;
    memcpy(evidence.certificates, "\x00\x01\x02", 3);
    snprintf(expected, sizeof(expected), REQUEST(",\"certs_buf\":\"AAEC\""), report);
    assert_request_is(attestation_request_format(&evidence, &challenge, &point), expected);
}

TEST(the_largest_attestation_request_fits_in_a_frame)
{
    static struct attestation_evidence evidence = {.certificates_size = AMD_SP_CERTIFICATES_SIZE};
    static const struct challenge challenge = {.size = CHALLENGE_SIZE_MAX};
    static const struct p521_point point;
    char *json = attestation_request_format(&evidence, &challenge, &point);

    assert_non_null(json);
    assert_true(strlen(json) <= 65536);
    free(json);
}

/* Parses an AttestationResponse and decrypts it with TV1's key. */
static enum attest_error open_with_tv1(const char *json, size_t size, uint8_t key[STATE_KEY_SIZE])
{
    struct p521_point point;
    EVP_PKEY *own = own_key(&tv1, &point);
    static struct jwe reply;
    enum attest_error error;

    memset(&reply, 0, sizeof(reply));
    error = attestation_response_parse(json, size, &reply);
    if (!error)
        error = open_unsigned(own, &reply, key);
    EVP_PKEY_free(own);
    return error;
}

TEST(the_tv1_reply_decrypts_to_its_secret)
{
    uint8_t key[STATE_KEY_SIZE] = {0};

    assert_int_equal(open_with_tv1(TV1_ATTESTATION_RESPONSE, strlen(TV1_ATTESTATION_RESPONSE), key),
                     ATTEST_OK);
    for (unsigned int i = 0; i < sizeof(key); i++)
        assert_int_equal(key[i], i);
}

TEST(the_tv2_reply_decrypts_but_is_no_state_key)
{
    static struct jwe reply;
    struct p521_point point;
    EVP_PKEY *own = own_key(&tv2, &point);
    uint8_t key[STATE_KEY_SIZE];
    char plaintext[sizeof("hello, world")] = {0};

    reply = (struct jwe){.size = 12};
    bytes_of_hex(tv2.epk_x, reply.epk.x, sizeof(reply.epk.x));
    bytes_of_hex(tv2.epk_y, reply.epk.y, sizeof(reply.epk.y));
    bytes_of_hex(tv2.wrapped_cek, reply.wrapped_cek, sizeof(reply.wrapped_cek));
    bytes_of_hex(tv2.iv, reply.iv, sizeof(reply.iv));
    bytes_of_hex(tv2.tag, reply.tag, sizeof(reply.tag));
    bytes_of_hex(tv2.ciphertext, reply.ciphertext, reply.size);
    strcpy(reply.protected, tv2.protected);

    assert_int_equal(jwe_decrypt(own, &reply, plaintext), JWE_OK);
    assert_string_equal(plaintext, "hello, world");
    assert_int_equal(open_unsigned(own, &reply, key), ATTEST_ERR_SECRET_SIZE);
    EVP_PKEY_free(own);
}

TEST(a_failure_names_the_proxys_reason_if_it_is_a_known_one)
{
    static const char *const unexplained[] = {
        "{\"success\":false,\"decryption\":null,\"token\":null}", /* COCONUT-SVSM's proxy */
        "{\"success\":false}",
    };
    uint8_t key[STATE_KEY_SIZE];
    char json[128];

    for (size_t i = 0; i < REASONS; i++) {
        snprintf(json, sizeof(json), "{\"success\":false,\"reason\":%s}", reasons[i].reason);
        assert_int_equal(open_with_tv1(json, strlen(json), key), reasons[i].error);
    }
    for (size_t i = 0; i < sizeof(unexplained) / sizeof(unexplained[0]); i++)
        assert_int_equal(open_with_tv1(unexplained[i], strlen(unexplained[i]), key),
                         ATTEST_ERR_UNEXPLAINED);
}

/* The TV1 reply with one member, named by a path of at most two names, replaced or taken away. */
static enum attest_error open_altered(const char *object, const char *inner, const char *name,
                                      json_t *value)
{
    json_t *root = json_loads(TV1_ATTESTATION_RESPONSE, 0, NULL);
    json_t *parent = object ? json_object_get(root, object) : root;
    uint8_t key[STATE_KEY_SIZE];
    enum attest_error error;
    char *json;

    if (inner)
        parent = json_object_get(parent, inner);
    assert_non_null(json_object_get(parent, name));
    if (value)
        json_object_set_new(parent, name, value);
    else
        json_object_del(parent, name);
    json = json_dumps(root, JSON_COMPACT);
    error = open_with_tv1(json, strlen(json), key);
    free(json);
    json_decref(root);
    return error;
}

static const struct {
    const char *object, *inner, *name;
    size_t size;
    enum attest_error altered; /* what a flipped bit leads to */
} binary_members[] = {
    {NULL, NULL, "secret", 64, ATTEST_ERR_DECRYPT},
    {"decryption", "epk", "x", 66, ATTEST_ERR_HEADER},
    {"decryption", "epk", "y", 66, ATTEST_ERR_HEADER},
    {"decryption", NULL, "wrapped_cek", 40, ATTEST_ERR_DECRYPT},
    {"decryption", NULL, "iv", 12, ATTEST_ERR_DECRYPT},
    {"decryption", NULL, "tag", 16, ATTEST_ERR_DECRYPT},
};

#define BINARY_MEMBERS (sizeof(binary_members) / sizeof(binary_members[0]))

static enum attest_error open_with_binary(size_t member, const uint8_t *bytes, size_t size)
{
    char text[BASE64_LENGTH(5000) + 1];

    base64_encode(BASE64_STANDARD, bytes, size, text);
    return open_altered(binary_members[member].object, binary_members[member].inner,
                        binary_members[member].name, json_string(text));
}

TEST(every_length_in_a_reply_counts)
{
    static const uint8_t bytes[5000];

    for (size_t m = 0; m < BINARY_MEMBERS; m++) {
        bool is_secret = m == 0;

        for (size_t size = 0; size < 100; size++)
            if (size != binary_members[m].size && !(is_secret && size > 0))
                assert_int_equal(open_with_binary(m, bytes, size), ATTEST_ERR_ATTESTATION);
    }
    /* A secret may have 1 to 4096 bytes; its tag is then wrong. */
    assert_int_equal(open_with_binary(0, bytes, 1), ATTEST_ERR_DECRYPT);
    assert_int_equal(open_with_binary(0, bytes, 4096), ATTEST_ERR_DECRYPT);
    assert_int_equal(open_with_binary(0, bytes, 4097), ATTEST_ERR_ATTESTATION);
}

/* The bytes of a binary member of TV1. */
static void original_of(size_t member, uint8_t *bytes)
{
    json_t *root = json_loads(TV1_ATTESTATION_RESPONSE, 0, NULL);
    json_t *parent = root;
    const char *text;

    if (binary_members[member].object)
        parent = json_object_get(parent, binary_members[member].object);
    if (binary_members[member].inner)
        parent = json_object_get(parent, binary_members[member].inner);
    text = json_string_value(json_object_get(parent, binary_members[member].name));
    assert_true(base64_decode_exact(BASE64_STANDARD, text, strlen(text), bytes,
                                    binary_members[member].size));
    json_decref(root);
}

TEST(every_byte_of_a_reply_counts)
{
    uint8_t bytes[128];

    for (size_t m = 0; m < BINARY_MEMBERS; m++) {
        original_of(m, bytes);
        for (size_t i = 0; i < binary_members[m].size; i++) {
            bytes[i] ^= 0x01;
            assert_int_equal(open_with_binary(m, bytes, binary_members[m].size),
                             binary_members[m].altered);
            bytes[i] ^= 0x01;
        }
    }
}

TEST(every_type_in_a_reply_counts)
{
    static const struct {
        const char *object, *inner, *name;
    } members[] = {
        {NULL, NULL, "success"},     {NULL, NULL, "secret"},
        {NULL, NULL, "decryption"},  {"decryption", NULL, "epk"},
        {"decryption", "epk", "x"},  {"decryption", "epk", "y"},
        {"decryption", NULL, "aad"}, {"decryption", NULL, "wrapped_cek"},
        {"decryption", NULL, "iv"},  {"decryption", NULL, "tag"},
    };

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        json_t *const values[] = {NULL,         json_null(),   json_integer(1),
                                  json_array(), json_object(), json_string("!")};

        for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++)
            assert_int_equal(
                open_altered(members[i].object, members[i].inner, members[i].name, values[v]),
                ATTEST_ERR_ATTESTATION);
    }
}

TEST(the_token_has_a_shape_but_its_content_does_not_matter)
{
    assert_int_equal(open_altered(NULL, NULL, "token", NULL), ATTEST_OK);
    assert_int_equal(open_altered(NULL, NULL, "token", json_null()), ATTEST_OK);
    assert_int_equal(open_altered(NULL, NULL, "token", json_pack("{s:s}", "Cwt", "")), ATTEST_OK);
    assert_int_equal(open_altered(NULL, NULL, "token", json_string("x")), ATTEST_ERR_ATTESTATION);
    assert_int_equal(open_altered(NULL, NULL, "token", json_pack("{s:i}", "Jwt", 1)),
                     ATTEST_ERR_ATTESTATION);
}

/* TV1 with this text as protected header. */
static enum attest_error open_with_header(const char *header)
{
    char url[4096], text[8192];

    base64_encode(BASE64_URL, header, strlen(header), url);
    base64_encode(BASE64_STANDARD, url, strlen(url), text);
    return open_altered("decryption", NULL, "aad", json_string(text));
}

TEST(the_protected_header_must_be_the_canonical_one_for_our_algorithms)
{
#define X "AUgTAtsJxjoAq7-1gA2Pv7MDyMeRaHYRCLj8bhM4Ou0en6B6cHoS3L9MSDnBeTEmAsPDOdaSp0riiGhVh5E513Xp"
#define Y "ABY1nZqIXTw7vjoq-2PZ9eb5vmbQEmtqn0uLWAVc2CSYDU1kBEPLswZKoMf5X_7zhvR0iYbYt1cmWDCAR1eyjbyZ"
#define EPK(crv, kty, x, y)                                                                        \
    "{\"crv\":\"" crv "\",\"kty\":\"" kty "\",\"x\":\"" x "\",\"y\":\"" y "\"}"
#define HEADER(alg, enc, epk) "{\"alg\":\"" alg "\",\"enc\":\"" enc "\",\"epk\":" epk "}"
    static const char *const headers[] = {
        "",
        "{}",
        "null",
        HEADER("ECDH-ES", "A256GCM", EPK("P-521", "EC", X, Y)),
        HEADER("dir", "A256GCM", EPK("P-521", "EC", X, Y)),
        HEADER("ECDH-ES+A128KW", "A256GCM", EPK("P-521", "EC", X, Y)),
        HEADER("ECDH-ES+A256KW", "A128GCM", EPK("P-521", "EC", X, Y)),
        HEADER("ECDH-ES+A256KW", "A256CBC-HS512", EPK("P-521", "EC", X, Y)),
        HEADER("ECDH-ES+A256KW", "A256GCM", EPK("P-256", "EC", X, Y)),
        HEADER("ECDH-ES+A256KW", "A256GCM", EPK("P-521", "OKP", X, Y)),
        HEADER("ECDH-ES+A256KW", "A256GCM", EPK("P-521", "EC", Y, X)),
        HEADER("ECDH-ES+A256KW", "A256GCM", EPK("P-521", "EC", X, "")),
        HEADER("ECDH-ES+A256KW", "A256GCM", "null"),
        "{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\"}",
        "{\"enc\":\"A256GCM\",\"alg\":\"ECDH-ES+A256KW\",\"epk\":" EPK("P-521", "EC", X, Y) "}",
        "{ \"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\",\"epk\":" EPK("P-521", "EC", X, Y) "}",
        "{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\",\"crit\":[],\"epk\":" EPK("P-521", "EC", X,
                                                                                   Y) "}",
    };

    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        assert_int_equal(open_with_header(headers[i]), ATTEST_ERR_HEADER);
    assert_int_equal(
        open_with_header(HEADER("ECDH-ES+A256KW", "A256GCM", EPK("P-521", "EC", X, Y))), ATTEST_OK);
    /* The right beginning does not help: the header is authenticated as a whole. */
    assert_int_equal(
        open_with_header("{\"alg\":\"ECDH-ES+A256KW\",\"enc\":\"A256GCM\",\"epk\":" EPK(
            "P-521", "EC", X, Y) ",\"x\":1}"),
        ATTEST_ERR_DECRYPT);
    /* Not base64url, and a NUL within. */
    assert_int_equal(open_altered("decryption", NULL, "aad", json_string("ISEh")),
                     ATTEST_ERR_HEADER);
    assert_int_equal(open_altered("decryption", NULL, "aad", json_string("ZXkASg==")),
                     ATTEST_ERR_ATTESTATION);
}

/* Both places of the ephemeral key altered alike, so that only the curve can tell. */
TEST(an_ephemeral_key_off_the_curve_is_refused)
{
    static struct jwe reply;
    struct p521_point point;
    EVP_PKEY *own = own_key(&tv1, &point);
    char header[1024], x[BASE64_LENGTH(66) + 1], y[BASE64_LENGTH(66) + 1];
    uint8_t key[STATE_KEY_SIZE];

    for (unsigned int wrong = 0; wrong < 3; wrong++) {
        assert_int_equal(attestation_response_parse(TV1_ATTESTATION_RESPONSE,
                                                    strlen(TV1_ATTESTATION_RESPONSE), &reply),
                         ATTEST_OK);
        if (wrong == 0)
            reply.epk.y[65] ^= 1;
        else
            memset(&reply.epk, wrong == 1 ? 0x00 : 0xFF, sizeof(reply.epk));
        base64_encode(BASE64_URL, reply.epk.x, 66, x);
        base64_encode(BASE64_URL, reply.epk.y, 66, y);
        snprintf(header, sizeof(header),
                 HEADER("ECDH-ES+A256KW", "A256GCM", EPK("P-521", "EC", "%s", "%s")), x, y);
        base64_encode(BASE64_URL, header, strlen(header), reply.protected);
        assert_int_equal(open_unsigned(own, &reply, key), ATTEST_ERR_EPK);
    }
    EVP_PKEY_free(own);
}

TEST(a_reply_cut_anywhere_is_refused)
{
    uint8_t key[STATE_KEY_SIZE];

    for (size_t size = 0; size < strlen(TV1_ATTESTATION_RESPONSE); size++)
        assert_int_equal(open_with_tv1(TV1_ATTESTATION_RESPONSE, size, key), ATTEST_ERR_JSON);
    assert_int_equal(open_with_tv1(TV1_ATTESTATION_RESPONSE,
                                   strlen(TV1_ATTESTATION_RESPONSE) + 1 /* the NUL */, key),
                     ATTEST_ERR_JSON);
}

TEST(a_reply_encrypted_to_another_key_is_refused)
{
    static struct jwe reply;
    struct p521_point point;
    EVP_PKEY *other = own_key(&tv2, &point);
    uint8_t key[STATE_KEY_SIZE] = {0};
    static const uint8_t untouched[STATE_KEY_SIZE];

    assert_int_equal(attestation_response_parse(TV1_ATTESTATION_RESPONSE,
                                                strlen(TV1_ATTESTATION_RESPONSE), &reply),
                     ATTEST_OK);
    assert_int_equal(open_unsigned(other, &reply, key), ATTEST_ERR_DECRYPT);
    assert_memory_equal(key, untouched, sizeof(key));
    EVP_PKEY_free(other);
}

TEST(a_secret_of_another_size_than_64_bytes_is_refused)
{
    static const size_t sizes[] = {1, 32, 63, 65, 128, 4096};
    static const uint8_t secret[4096];
    static struct jwe reply;
    struct p521_point point;
    EVP_PKEY *own = own_key(&tv1, &point);
    uint8_t key[STATE_KEY_SIZE];

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_int_equal(jwe_encrypt(&point, secret, sizes[i], &reply), JWE_OK);
        assert_int_equal(open_unsigned(own, &reply, key), ATTEST_ERR_SECRET_SIZE);
    }
    EVP_PKEY_free(own);
}
