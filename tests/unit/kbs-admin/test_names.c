/* SPDX-License-Identifier: MIT */
/* The admin API about names that were given before, and about what the configuration names. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/kbs-admin/asking.h"
#include "tests/unit/registered.h"

#define DIGITS_32(x) x x x x x x x x x x x x x x x x
#define M11          DIGITS_32("11") DIGITS_32("11") DIGITS_32("11")
#define M22          DIGITS_32("22") DIGITS_32("22") DIGITS_32("22")

static json_t *done(unsigned status, const char *method, const char *path, const char *body)
{
    return ask_json(&admin, status, admin.owner, method, path, body);
}

/* Refused, with a message that says what to do. */
static void refused(const char *method, const char *path, const char *body, const char *code,
                    const char *advice)
{
    json_t *reply = ask_json(&admin, 409, admin.owner, method, path, body);

    assert_string_equal(text_of(reply, "error"), code);
    if (!strstr(text_of(reply, "message"), advice))
        fail_msg("%s", text_of(reply, "message"));
}

TEST(a_retired_images_name_stays_its_measurements)
{
    done(201, "POST", "/admin/v1/images", "{\"name\":\"web\",\"measurement\":\"" M11 "\"}");
    done(201, "POST", "/admin/v1/volumes", "{\"name\":\"vm\",\"image\":\"web\"}");
    done(200, "POST", "/admin/v1/images/web/retire", "{}");
    refused("POST", "/admin/v1/images", "{\"name\":\"web\",\"measurement\":\"" M22 "\"}",
            "name-used", "choose another name");
    assert_string_equal(text_of(done(200, "GET", "/admin/v1/images/web", NULL), "measurement"),
                        M11);
    assert_string_equal(
        text_of(done(200, "POST", "/admin/v1/explain", "{\"measurement\":\"" M22 "\"}"), "verdict"),
        "unknown");
    done(201, "POST", "/admin/v1/images", "{\"name\":\"web\",\"measurement\":\"" M11 "\"}");
    assert_true(
        json_is_null(json_object_get(done(200, "GET", "/admin/v1/images/web", NULL), "retired")));
}

TEST(a_retired_volumes_name_is_not_given_again)
{
    done(200, "POST", "/admin/v1/volumes/vm/retire", "{}");
    refused("POST", "/admin/v1/volumes", "{\"name\":\"vm\",\"image\":\"web\"}", "name-used",
            "choose another name");
}

TEST(a_revoked_tokens_name_is_not_given_again)
{
    done(201, "POST", "/admin/v1/tokens", "{\"name\":\"bob\",\"role\":\"auditor\"}");
    done(200, "POST", "/admin/v1/tokens/bob/revoke", "{}");
    refused("POST", "/admin/v1/tokens", "{\"name\":\"bob\",\"role\":\"owner\"}", "name-used",
            "choose another name");
}

TEST(what_was_removed_comes_back_on_demand_only)
{
    done(200, "PUT", "/admin/v1/policies/milan", "{\"text\":\"\"}");
    done(200, "PUT", "/admin/v1/secrets/a/b/c", "{\"value\":\"AAAA\",\"policy\":\"milan\"}");
    refused("DELETE", "/admin/v1/policies/milan", "{}", "in-use", "refers to it");
    done(200, "DELETE", "/admin/v1/secrets/a/b/c", "{}");
    done(200, "DELETE", "/admin/v1/policies/milan", "{}");
    refused("PUT", "/admin/v1/policies/milan", "{\"text\":\"\"}", "retired", "--replace");
    done(200, "PUT", "/admin/v1/policies/milan", "{\"text\":\"\",\"replace\":true}");
    refused("PUT", "/admin/v1/secrets/a/b/c", "{\"value\":\"AAAA\",\"policy\":\"milan\"}",
            "retired", "--replace");
    assert_int_equal(json_integer_value(json_object_get(
                         done(200, "PUT", "/admin/v1/secrets/a/b/c",
                              "{\"value\":\"AAAA\",\"policy\":\"milan\",\"replace\":true}"),
                         "version")),
                     2);
}

TEST(what_the_configuration_names_is_not_removed)
{
    refused("DELETE", "/admin/v1/policies/default", "{}", "configured", "attestation-policy");
    done(200, "PUT", "/admin/v1/policies/other", "{\"text\":\"\"}");
    admin.kbs.attestation_policy = "other";
    refused("DELETE", "/admin/v1/policies/other", "{}", "configured", "attestation-policy");
    done(200, "DELETE", "/admin/v1/policies/default", "{}");
}

TEST(what_is_missing_is_in_the_status)
{
    json_t *missing;

    admin.kbs.attestation_policy = "default"; /* which the test before removed */
    missing = json_object_get(done(200, "GET", "/admin/v1/status", NULL), "missing");
    assert_int_equal(json_array_size(missing), 1);
    assert_string_equal(text_of(json_array_get(missing, 0), "need"), "attestation-policy");
    assert_non_null(
        strstr(text_of(json_array_get(missing, 0), "message"), "kbsctl policy add default"));
    done(200, "PUT", "/admin/v1/policies/default", "{\"text\":\"\",\"replace\":true}");
    missing = json_object_get(done(200, "GET", "/admin/v1/status", NULL), "missing");
    assert_int_equal(json_array_size(missing), 0);
}

TEST_GROUP(admin_begin, admin_end)
