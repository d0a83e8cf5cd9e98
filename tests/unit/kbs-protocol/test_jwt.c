/* SPDX-License-Identifier: MIT */
#include <jose/jws.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/jose/jwt.h"
#include "lib/jose/strict_json.h"
#include "tests/unit/registered.h"

static EVP_PKEY *key;
static char *token;

static int make_token(void **state)
{
    json_t *claims = json_pack("{s:s, s:i}", "iss", "test", "exp", 5);

    (void)state;
    key = EVP_EC_gen("P-256");
    token = jwt_sign(key, "one", claims);
    json_decref(claims);
    return token ? 0 : -1;
}

static int free_token(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    free(token);
    return 0;
}

static EVP_PKEY *find(void *context, const char *kid)
{
    (void)context;
    return strcmp(kid, "one") == 0 && EVP_PKEY_up_ref(key) == 1 ? key : NULL;
}

static enum jwt_status verify(const char *text)
{
    json_t *claims;
    enum jwt_status status = jwt_verify(text, strlen(text), find, NULL, &claims);

    assert_true((status == JWT_OK) == (claims != NULL));
    json_decref(claims);
    return status;
}

/* The token with another header in front of the rest. */
static enum jwt_status verify_with_header(const char *header)
{
    char text[JWT_MAX + 1];
    size_t length = base64_encode(BASE64_URL, header, strlen(header), text);

    snprintf(text + length, sizeof(text) - length, "%s", strchr(token, '.'));
    return verify(text);
}

TEST(what_it_signed_it_verifies)
{
    json_t *claims;

    assert_int_equal(jwt_verify(token, strlen(token), find, NULL, &claims), JWT_OK);
    assert_string_equal(json_string_value(json_object_get(claims, "iss")), "test");
    json_decref(claims);
}

TEST(others_verify_it_with_the_key_of_the_set)
{
    json_t *jwk = jwt_key_to_jwk(key, "one"), *jws;
    char *copy = strdup(token), *claims = strchr(copy, '.'), *signature;

    *claims++ = '\0';
    signature = strchr(claims, '.');
    *signature++ = '\0';
    jws =
        json_pack("{s:s, s:s, s:s}", "protected", copy, "payload", claims, "signature", signature);
    assert_true(jose_jws_ver(NULL, jws, NULL, jwk, false));
    assert_string_equal(json_string_value(json_object_get(jwk, "kid")), "one");
    assert_string_equal(json_string_value(json_object_get(jwk, "alg")), "ES256");
    assert_null(json_object_get(jwk, "d"));
    json_decref(jws);
    json_decref(jwk);
    free(copy);
}

TEST(no_character_of_it_may_change)
{
    char *altered = strdup(token);

    for (size_t i = 0; i < strlen(token); i++) {
        altered[i] = token[i] == 'A' ? 'B' : 'A';
        assert_int_not_equal(verify(altered), JWT_OK);
        altered[i] = token[i];
    }
    assert_int_equal(verify(altered), JWT_OK);
    free(altered);
}

TEST(other_algorithms_are_refused)
{
    assert_int_equal(verify_with_header("{\"alg\":\"none\",\"kid\":\"one\"}"), JWT_ALGORITHM);
    assert_int_equal(verify_with_header("{\"alg\":\"HS256\",\"kid\":\"one\"}"), JWT_ALGORITHM);
    assert_int_equal(verify_with_header("{\"alg\":\"es256\",\"kid\":\"one\"}"), JWT_ALGORITHM);
    assert_int_equal(verify_with_header("{\"kid\":\"one\"}"), JWT_ALGORITHM);
    assert_int_equal(
        verify_with_header("{\"alg\":\"ES256\",\"kid\":\"one\",\"crit\":[\"b64\"],\"b64\":false}"),
        JWT_ALGORITHM);
}

TEST(a_key_that_it_brings_along_is_not_believed)
{
    EVP_PKEY *own = key, *thief = EVP_EC_gen("P-256");
    json_t *claims = json_object();
    char *unknown = jwt_sign(thief, "thief", claims), *forged = jwt_sign(thief, "one", claims);

    assert_ptr_equal(own, key);
    assert_int_equal(verify(unknown), JWT_KEY_UNKNOWN);
    assert_int_equal(verify(forged), JWT_FORGED);
    assert_int_equal(verify_with_header("{\"alg\":\"ES256\"}"), JWT_KEY_UNKNOWN);
    assert_int_equal(verify_with_header("{\"alg\":\"ES256\",\"kid\":7}"), JWT_KEY_UNKNOWN);
    free(unknown);
    free(forged);
    json_decref(claims);
    EVP_PKEY_free(thief);
}

TEST(what_is_no_token_is_refused)
{
    static const char *const bad[] = {"",      ".",        "..",          "...",         "a.b",
                                      "a.b.c", "e30.e30.", "e30.e30.e30", "W10.e30.AAAA"};
    char *cut = strdup(token), *longer = malloc(JWT_MAX + 2);

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_not_equal(verify(bad[i]), JWT_OK);
    cut[strlen(cut) - 1] = '\0';
    assert_int_equal(verify(cut), JWT_MALFORMED);
    memset(longer, 'A', JWT_MAX + 1);
    longer[JWT_MAX + 1] = '\0';
    assert_int_equal(verify(longer), JWT_MALFORMED);
    free(cut);
    free(longer);
}

TEST(claims_that_are_too_long_are_not_signed)
{
    char *text = malloc(JWT_MAX + 1);
    json_t *claims;

    memset(text, 'a', JWT_MAX);
    text[JWT_MAX] = '\0';
    claims = json_pack("{s:s}", "text", text);
    assert_null(jwt_sign(key, "one", claims));
    json_decref(claims);
    free(text);
}

TEST_GROUP(make_token, free_token)
