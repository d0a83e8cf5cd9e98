/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/jose/base64.h"
#include "proxy/frame.h"
#include "proxy/messages.h"
#include "tests/unit/proxy/frames.h"
#include "tests/unit/registered.h"

static json_t *parse(const char *text)
{
    json_t *value = json_loads(text, 0, NULL);

    assert_non_null(value);
    return value;
}

/* Compares the text of value, handed over, with expected, byte by byte. */
static void assert_json_text(json_t *value, const char *expected)
{
    char *text = json_dumps(value, JSON_COMPACT);

    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
    json_decref(value);
}

TEST(tells_the_messages_apart)
{
    static const struct {
        const char *text;
        enum message_kind kind;
    } cases[] = {
        {NEGOTIATION_REQUEST, MESSAGE_NEGOTIATION},
        {ATTESTATION_REQUEST, MESSAGE_ATTESTATION},
        {"{}", MESSAGE_UNKNOWN},
        {"[]", MESSAGE_UNKNOWN},
        {"{", MESSAGE_UNKNOWN},
        {"", MESSAGE_UNKNOWN},
        {"{\"version\":1,\"version\":1}", MESSAGE_UNKNOWN},
        {NEGOTIATION_REQUEST "x", MESSAGE_UNKNOWN},
    };
    json_t *message;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(message_parse(cases[i].text, strlen(cases[i].text), &message),
                         cases[i].kind);
        json_decref(message);
    }
}

static bool supports(const char *text)
{
    json_t *message = parse(text);
    bool supported = negotiation_is_supported(message);

    json_decref(message);
    return supported;
}

TEST(supports_version_0_1_0_on_snp_only)
{
    assert_true(supports(NEGOTIATION_REQUEST));
    assert_false(supports("{\"version\":[0,2,0],\"tee\":\"snp\"}"));
    assert_false(supports("{\"version\":[0,1],\"tee\":\"snp\"}"));
    assert_false(supports("{\"version\":[0,1,0,0],\"tee\":\"snp\"}"));
    assert_false(supports("{\"version\":\"0.1.0\",\"tee\":\"snp\"}"));
    assert_false(supports("{\"version\":[0,1,0],\"tee\":\"tdx\"}"));
    assert_false(supports("{\"version\":[0,1,0]}"));
}

TEST(greets_the_kbs_as_its_protocol_says)
{
    assert_json_text(auth_request(),
                     "{\"version\":\"0.4.0\",\"tee\":\"snp\",\"extra-params\":\"\"}");
}

TEST(translates_a_challenge)
{
    json_t *challenge = parse(CHALLENGE_REPLY);

    assert_json_text(negotiation_response(challenge), NEGOTIATION_RESPONSE);
    json_decref(challenge);
}

TEST(translates_evidence)
{
    json_t *message = parse(ATTESTATION_REQUEST);

    assert_json_text(attest_request(message), ATTEST_BODY);
    json_object_del(json_object_get(json_object_get(message, "evidence"), "Snp"), "certs_buf");
    json_t *request = attest_request(message);
    assert_true(json_is_null(json_object_get(
        json_object_get(json_object_get(request, "tee-evidence"), "primary_evidence"),
        "certs-buf")));
    json_decref(request);
    json_decref(message);
}

TEST(translates_a_released_secret)
{
    json_t *token = parse(TOKEN_REPLY), *jwe = parse(RESOURCE_REPLY);

    assert_json_text(attestation_response(token, jwe), ATTESTATION_RESPONSE);
    json_decref(token);
    json_decref(jwe);
}

/* The text of a base64 string of size bytes, to be freed. */
static char *long_text(enum base64_variant variant, size_t size)
{
    uint8_t *bytes = malloc(size);
    char *text = malloc(BASE64_LENGTH(size) + 1);

    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 151);
    base64_encode(variant, bytes, size, text);
    free(bytes);
    return text;
}

TEST(challenges_pass_verbatim_whatever_their_size)
{
    static const size_t sizes[] = {16, 32, 58, 89, 1024, 4096};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char *text = long_text(BASE64_STANDARD, sizes[i]);
        json_t *challenge = json_pack("{s:s, s:{}}", "nonce", text, "extra-params");
        json_t *message = parse(ATTESTATION_REQUEST), *down = negotiation_response(challenge), *up;

        json_object_set_new(message, "challenge", json_string(text));
        up = attest_request(message);
        assert_string_equal(json_string_value(json_object_get(down, "challenge")), text);
        assert_string_equal(
            json_string_value(json_object_get(json_object_get(up, "runtime-data"), "nonce")), text);
        json_decref(up);
        json_decref(down);
        json_decref(message);
        json_decref(challenge);
        free(text);
    }
}

/* A signed release record travels there; what the KBS authenticated are these very characters. */
TEST(the_protected_header_passes_byte_for_byte)
{
    static const char format[] =
        " {\"svsm-rel\":\"%s\",\"enc\":\"A256GCM\", \"alg\":\"ECDH-ES+A256KW\""
        ",\"epk\":{\"crv\":\"P-521\",\"x\":\"eA\",\"y\":\"_-8\"},\"z\":[1]}\n";
    char *record = long_text(BASE64_URL, 600), header[2048], text[4096], aad[8192];
    json_t *token = parse(TOKEN_REPLY), *jwe = parse(RESOURCE_REPLY), *response;
    size_t size;

    size = (size_t)sprintf(header, format, record);
    base64_encode(BASE64_URL, header, size, text);
    base64_encode(BASE64_STANDARD, text, strlen(text), aad);
    json_object_set_new(jwe, "protected", json_string(text));
    response = attestation_response(token, jwe);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(response, "decryption"), "aad")), aad);
    json_decref(response);
    json_decref(token);
    json_decref(jwe);
    free(record);
}

TEST(nesting_is_bounded)
{
    char text[FRAME_MAX];
    json_t *message;

    memset(text, '[', sizeof(text));
    assert_int_equal(message_parse(text, sizeof(text), &message), MESSAGE_UNKNOWN);
    assert_null(message);
    strcpy(text, "{\"version\":");
    memset(text + strlen(text), '[', 255);
    memset(text + 11 + 255, ']', 255);
    strcpy(text + 11 + 510, "}");
    assert_int_equal(message_parse(text, strlen(text), &message), MESSAGE_NEGOTIATION);
    json_decref(message);
}

TEST(failures_say_why)
{
    assert_json_text(attestation_failure("kbs-refused"),
                     "{\"success\":false,\"decryption\":null,\"token\":null,"
                     "\"reason\":\"kbs-refused\"}");
    assert_json_text(negotiation_failure("kbs-unreachable"),
                     "{\"challenge\":\"\",\"params\":[],\"reason\":\"kbs-unreachable\"}");
}

TEST(refuses_challenges_that_lack_something)
{
    static const char *const bad[] = {
        "{}",
        "{\"nonce\":\"AAAA\"}",
        "{\"extra-params\":\"\"}",
        "{\"nonce\":\"AAA\",\"extra-params\":\"\"}",
        "{\"nonce\":7,\"extra-params\":\"\"}",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        json_t *challenge = parse(bad[i]);

        assert_null(negotiation_response(challenge));
        json_decref(challenge);
    }
}

/* Each member in turn replaced by a number: none may be missed. */
TEST(refuses_evidence_of_another_shape)
{
    static const char *const paths[][3] = {
        {"tee"}, {"evidence"}, {"evidence", "Snp"}, {"evidence", "Snp", "report"},    {"challenge"},
        {"key"}, {"key", "x"}, {"key", "y"},        {"evidence", "Snp", "certs_buf"},
    };

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        json_t *message = parse(ATTESTATION_REQUEST), *object = message;
        int last = paths[i][2] ? 2 : paths[i][1] ? 1 : 0;

        for (int step = 0; step < last; step++)
            object = json_object_get(object, paths[i][step]);
        json_object_set_new(object, paths[i][last], json_integer(1));
        assert_null(attest_request(message));
        json_decref(message);
    }
}

TEST(refuses_a_resource_of_another_shape)
{
    static const char *const members[] = {"protected", "encrypted_key", "iv", "ciphertext", "tag"};
    json_t *token = parse(TOKEN_REPLY), *no_token = parse("{\"token\":1}"),
           *whole = parse(RESOURCE_REPLY);

    assert_null(attestation_response(no_token, whole));
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        json_t *jwe = parse(RESOURCE_REPLY);

        json_object_set_new(jwe, members[i], json_string("=not base64="));
        assert_null(attestation_response(token, jwe));
        json_object_del(jwe, members[i]);
        assert_null(attestation_response(token, jwe));
        json_decref(jwe);
    }
    json_object_set_new(whole, "protected", json_string("e30")); /* {} */
    assert_null(attestation_response(token, whole));
    json_decref(token);
    json_decref(no_token);
    json_decref(whole);
}
