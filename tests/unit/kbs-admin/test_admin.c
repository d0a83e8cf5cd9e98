/* SPDX-License-Identifier: MIT */
/* The admin API: who may do what, what it takes and what it refuses, and what the log says. */
#include <stdio.h>
#include <string.h>

#include "kbs/audit/audit.h"
#include "kbs/store/secrets.h"
#include "kbs/store/volumes.h"
#include "lib/igvm/launch_pages.h"
#include "lib/jose/base64.h"
#include "lib/jose/strict_json.h"
#include "tests/unit/kbs-admin/asking.h"
#include "tests/unit/registered.h"

#define M11                                                                                        \
    "11111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111" \
    "1"                                                                                            \
    "111"
#define M22                                                                                        \
    "22222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222" \
    "2"                                                                                            \
    "222"
#define ZERO_ID "00000000-0000-4000-8000-000000000001"

static json_t *as_owner(unsigned status, const char *method, const char *path, const char *body)
{
    return ask_json(&admin, status, admin.owner, method, path, body);
}

static void refused(const char *method, const char *path, const char *body, unsigned status,
                    const char *code)
{
    assert_refused(
        &admin, &(struct asked){.method = method, .path = path, .body = body, .token = admin.owner},
        status, code);
}

/* Asserts that the last line of the log is about this. */
static void assert_logged(const char *operation, const char *object, const char *result,
                          const char *actor)
{
    json_t *line = last_audit_line(&admin);

    assert_string_equal(text_of(line, "event"), "admin");
    assert_string_equal(text_of(line, "op"), operation);
    assert_string_equal(text_of(line, "result"), result);
    if (object)
        assert_string_equal(text_of(line, "object"), object);
    if (actor)
        assert_string_equal(text_of(line, "actor"), actor);
    assert_string_equal(text_of(line, "peer"), "192.0.2.1");
    json_decref(line);
}

/* Who may do what */

static const char *basic(const char *user, const char *token)
{
    static char value[256];
    char plain[128];
    size_t length = (size_t)snprintf(plain, sizeof(plain), "%s:%s", user, token);

    strcpy(value, "Basic ");
    base64_encode(BASE64_STANDARD, plain, length, value + strlen(value));
    return value;
}

TEST(without_a_token_there_is_only_a_challenge)
{
    static const char *const paths[] = {"/", "/status", "/metrics", "/admin/v1/images",
                                        "/admin/v1/nothing"};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct answer answer = ask(&admin, &(struct asked){.method = "GET", .path = paths[i]});

        assert_int_equal(answer.reply.status, 401);
        assert_string_equal(header_of(&answer.reply, "WWW-Authenticate"),
                            "Basic realm=\"KBS administration\", charset=\"UTF-8\"");
        assert_string_equal(text_of(answer.json, "error"), "token-missing");
        asking_done(&answer);
    }
}

TEST(a_change_without_a_token_is_logged)
{
    assert_refused(&admin,
                   &(struct asked){.method = "POST", .path = "/admin/v1/images", .body = "{}"}, 401,
                   "token-missing");
    assert_logged("request", NULL, "refused", NULL);
}

TEST(what_is_no_valid_token_is_refused_and_logged_without_it)
{
    char expired[TOKEN_TEXT_MAX + 1], flipped[TOKEN_TEXT_MAX + 1];
    json_t *line;
    char *text;

    admin_kbs_add_token(&admin, "expired", ROLE_OWNER, ASKING_NOW, expired);
    strcpy(flipped, admin.owner);
    flipped[10] = flipped[10] == 'x' ? 'y' : 'x';
    const char *const values[] = {"Bearer",   "Bearer ", "Bearer kbs_",
                                  "Digest x", "Basic !", basic("owner", flipped),
                                  admin.owner};

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        assert_refused(&admin,
                       &(struct asked){
                           .method = "GET", .path = "/admin/v1/images", .authorization = values[i]},
                       401, "token-invalid");
    assert_refused(&admin,
                   &(struct asked){.method = "GET", .path = "/admin/v1/images", .token = expired},
                   401, "token-invalid");
    assert_refused(&admin,
                   &(struct asked){.method = "GET", .path = "/admin/v1/images", .token = flipped},
                   401, "token-invalid");
    line = last_audit_line(&admin);
    text = json_dumps(line, 0);
    assert_null(strstr(text, flipped));
    assert_null(strstr(text, flipped + 4));
    free(text);
    json_decref(line);
}

TEST(a_token_may_come_as_the_password_of_basic_authentication)
{
    struct answer answer = ask(&admin, &(struct asked){.method = "GET",
                                                       .path = "/admin/v1/images",
                                                       .authorization = basic("", admin.auditor)});

    assert_int_equal(answer.reply.status, 200);

    asking_done(&answer);
    answer = ask(&admin, &(struct asked){.method = "GET",
                                         .path = "/admin/v1/images",
                                         .authorization = basic("anybody", admin.owner)});
    assert_int_equal(answer.reply.status, 200);
    asking_done(&answer);
}

TEST(an_auditor_sees_everything_and_changes_nothing)
{
    static const char *const looks[] = {"/admin/v1/images",
                                        "/admin/v1/policies",
                                        "/admin/v1/policies/default",
                                        "/admin/v1/secrets",
                                        "/admin/v1/volumes",
                                        "/admin/v1/default-policy",
                                        "/admin/v1/tokens",
                                        "/admin/v1/keys",
                                        "/admin/v1/audit",
                                        "/admin/v1/status",
                                        "/metrics",
                                        "/admin/v1/audit/verify",
                                        "/",
                                        "/status"};
    static const struct {
        const char *method, *path;
    } changes[] = {
        {"POST", "/admin/v1/images"},          {"POST", "/admin/v1/images/x/retire"},
        {"PUT", "/admin/v1/policies/x"},       {"DELETE", "/admin/v1/policies/x"},
        {"PUT", "/admin/v1/secrets/a/b/c"},    {"DELETE", "/admin/v1/secrets/a/b/c"},
        {"POST", "/admin/v1/volumes"},         {"POST", "/admin/v1/volumes/x/key"},
        {"POST", "/admin/v1/volumes/x/image"}, {"POST", "/admin/v1/volumes/x/retire"},
        {"POST", "/admin/v1/tokens"},          {"POST", "/admin/v1/tokens/owner/revoke"},
        {"POST", "/admin/v1/keys/rotate"},     {"POST", "/admin/v1/keys/00/retire"},
    };

    for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++)
        ask_json(&admin, 200, admin.auditor, "GET", looks[i], NULL);
    ask_json(&admin, 200, admin.auditor, "POST", "/admin/v1/policies/validate", "{\"text\":\"\"}");
    ask_json(&admin, 200, admin.auditor, "POST", "/admin/v1/explain",
             "{\"measurement\":\"" M11 "\"}");
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        assert_refused(&admin,
                       &(struct asked){.method = changes[i].method,
                                       .path = changes[i].path,
                                       .token = admin.auditor,
                                       .body = "{}"},
                       403, "role-insufficient");
        assert_refused(
            &admin,
            &(struct asked){.method = changes[i].method, .path = changes[i].path, .body = "{}"},
            401, "token-missing");
    }
    ask_json(&admin, 403, admin.auditor, "POST", "/admin/v1/images", "{}");
    assert_logged("image-add", NULL, "refused", "auditor");
}

/* Requests that a browser is made to send */

TEST(changes_that_another_site_asks_for_are_refused)
{
    struct asked asked = {.method = "POST",
                          .path = "/admin/v1/tokens",
                          .token = admin.owner,
                          .body = "{\"name\":\"mine\",\"role\":\"owner\"}"};

    asked.content_type = "text/plain";
    assert_refused(&admin, &asked, 400, "content-type");
    asked.content_type = "application/x-www-form-urlencoded";
    assert_refused(&admin, &asked, 400, "content-type");
    asked.content_type = "application/jsonx";
    assert_refused(&admin, &asked, 400, "content-type");
    asked.content_type = "application/json; charset=utf-8";
    asked.site = "cross-site";
    assert_refused(&admin, &asked, 403, "cross-site");
    asked.site = "same-site";
    assert_refused(&admin, &asked, 403, "cross-site");
    asked.site = "same-origin";
    asked.origin = "https://evil.example";
    assert_refused(&admin, &asked, 403, "cross-site");
    asked.origin = "null";
    assert_refused(&admin, &asked, 403, "cross-site");
    asked.origin = "http://kbs.example:8443";
    assert_refused(&admin, &asked, 403, "cross-site");
    assert_int_equal(
        json_array_size(json_object_get(as_owner(200, "GET", "/admin/v1/tokens", NULL), "tokens")),
        3); /* with the expired one of another test */
}

TEST(changes_from_the_own_origin_are_done)
{
    struct answer answer =
        ask(&admin, &(struct asked){.method = "POST",
                                    .path = "/admin/v1/policies/validate",
                                    .token = admin.owner,
                                    .site = "same-origin",
                                    .origin = "https://kbs.example:8443",
                                    .content_type = "application/json;charset=utf-8",
                                    .body = "{\"text\":\"\"}"});

    assert_int_equal(answer.reply.status, 200);
    asking_done(&answer);
}

/* Paths, methods, bodies */

TEST(unknown_paths_and_methods_are_told_apart)
{
    struct answer answer;

    refused("GET", "/admin/v1/nothing", NULL, 404, "path-unknown");
    refused("GET", "/admin/v1/images/", NULL, 404, "path-unknown");
    refused("GET", "/admin/v1/images/a/b", NULL, 404, "path-unknown");
    refused("GET", "/admin/v1/images/\xff\xfe", NULL, 404, "path-unknown");
    refused("GET", "/admin/v1/images/a b", NULL, 404, "path-unknown");
    refused("GET", "/favicon.ico", NULL, 404, "path-unknown");
    answer = ask(
        &admin,
        &(struct asked){.method = "PATCH", .path = "/admin/v1/policies/x", .token = admin.owner});
    assert_int_equal(answer.reply.status, 405);
    assert_string_equal(header_of(&answer.reply, "Allow"), "GET, HEAD, PUT, DELETE");
    asking_done(&answer);
}

TEST(bodies_must_be_strict_json)
{
    static const struct {
        const char *body, *code;
    } bodies[] = {
        {"", "json-invalid"},
        {"{", "json-invalid"},
        {"[]", "json-invalid"},
        {"\"x\"", "json-invalid"},
        {"{\"name\":\"a\",\"name\":\"b\",\"measurement\":\"" M11 "\"}", "json-invalid"},
        {"{\"name\":\"a\",\"measurement\":\"" M11 "\"} x", "json-invalid"},
        {"{}", "body-invalid"},
        {"{\"name\":\"a\"}", "body-invalid"},
        {"{\"name\":7,\"measurement\":\"" M11 "\"}", "body-invalid"},
        {"{\"name\":\"a\",\"measurement\":\"" M11 "\",\"extra\":1}", "body-invalid"},
        {"{\"name\":\"a\\u0000b\",\"measurement\":\"" M11 "\"}", "json-invalid"},
        {"{\"name\":\"<script>\",\"measurement\":\"" M11 "\"}", "name-invalid"},
        {"{\"name\":\"\",\"measurement\":\"" M11 "\"}", "name-invalid"},
        {"{\"name\":\".a\",\"measurement\":\"" M11 "\"}", "name-invalid"},
        {"{\"name\":\"a/b\",\"measurement\":\"" M11 "\"}", "name-invalid"},
        {"{\"name\":\"a\",\"measurement\":\"11\"}", "measurement-invalid"},
        {"{\"name\":\"a\",\"measurement\":\"" M11 "\",\"pages\":\"?\"}", "base64-invalid"},
        {"{\"name\":\"a\",\"measurement\":\"" M11 "\",\"pages\":\"AAAA\"}", "pages-invalid"},
    };

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        refused("POST", "/admin/v1/images", bodies[i].body, 400, bodies[i].code);
    assert_logged("image-add", "a", "refused", "owner");
}

/* What strict_json bounds for strangers is bounded for administrators, too. */
TEST(bodies_are_bounded_as_those_of_strangers)
{
    static char many[3 * STRICT_JSON_VALUES_MAX + 64];
    char deep[64] = "{\"name\":";
    int used = sprintf(many, "{\"name\":[0");

    memset(deep + 8, '[', STRICT_JSON_DEPTH_MAX);
    memset(deep + 8 + STRICT_JSON_DEPTH_MAX, ']', STRICT_JSON_DEPTH_MAX);
    strcpy(deep + 8 + 2 * STRICT_JSON_DEPTH_MAX, "}");
    refused("POST", "/admin/v1/images", deep, 400, "json-excessive");
    for (int i = 0; i < STRICT_JSON_VALUES_MAX; i++)
        used += sprintf(many + used, ",0");
    sprintf(many + used, "]}");
    refused("POST", "/admin/v1/images", many, 400, "json-excessive");
    refused("PUT", "/admin/v1/secrets/a/b/c", many, 400, "json-excessive");
    refused("POST", "/admin/v1/explain", many, 400, "json-excessive");
    refused("POST", "/admin/v1/policies/validate", many, 400, "json-excessive");
}

TEST(numbers_in_the_address_are_checked)
{
    static const char *const values[] = {"-1", "x", "", " 1", "+1", "99999999999999999999", "1e3"};

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        assert_refused(&admin,
                       &(struct asked){.method = "GET",
                                       .path = "/admin/v1/audit",
                                       .token = admin.auditor,
                                       .query = {"from", values[i]}},
                       400, "query-invalid");
    assert_refused(&admin,
                   &(struct asked){.method = "GET",
                                   .path = "/admin/v1/audit",
                                   .token = admin.auditor,
                                   .query = {"follow", "3600"}},
                   400, "query-invalid");
}

/* Images */

static void encode_pages(const struct launch_pages *pages, char *text, size_t room)
{
    uint8_t *bytes;
    size_t size;

    assert_int_equal(launch_pages_encode(pages, &bytes, &size), LAUNCH_PAGES_OK);
    assert_true(BASE64_LENGTH(size) < room);
    base64_encode(BASE64_STANDARD, bytes, size, text);
    free(bytes);
}

TEST(images_are_added_listed_and_retired)
{
    json_t *image;

    as_owner(201, "POST", "/admin/v1/images", "{\"name\":\"one\",\"measurement\":\"" M11 "\"}");
    assert_logged("image-add", "one", "done", "owner");
    refused("POST", "/admin/v1/images", "{\"name\":\"one\",\"measurement\":\"" M22 "\"}", 409,
            "exists");
    refused("POST", "/admin/v1/images", "{\"name\":\"two\",\"measurement\":\"" M11 "\"}", 409,
            "exists");
    image = as_owner(200, "GET", "/admin/v1/images/one", NULL);
    assert_string_equal(text_of(image, "measurement"), M11);
    assert_string_equal(text_of(image, "added"), "2026-09-21T14:13:20Z");
    assert_true(json_is_null(json_object_get(image, "retired")));
    refused("GET", "/admin/v1/images/none", NULL, 404, "not-found");
    refused("POST", "/admin/v1/images/none/retire", "{}", 404, "not-found");
    refused("POST", "/admin/v1/images/one/retire", "{\"x\":1}", 400, "body-invalid");
    as_owner(200, "POST", "/admin/v1/images/one/retire", "{}");
    assert_logged("image-retire", "one", "done", "owner");
    image = as_owner(200, "GET", "/admin/v1/images/one", NULL);
    assert_true(json_is_string(json_object_get(image, "retired")));
}

TEST(pages_of_an_image_must_give_its_measurement)
{
    static const uint8_t contents[PAGE_SIZE] = {1};
    struct launch_pages pages = {0};
    struct launch_digest digest;
    char text[1024], body[2048], measurement[2 * LAUNCH_DIGEST_SIZE + 1];
    json_t *parts;

    assert_int_equal(launch_pages_add(&pages, SNP_PAGE_NORMAL, 0x1000, contents, "firmware"),
                     LAUNCH_PAGES_OK);
    assert_true(launch_pages_digest(&pages, &digest));
    for (size_t i = 0; i < sizeof(digest.ld); i++)
        sprintf(measurement + 2 * i, "%02X", digest.ld[i]);
    encode_pages(&pages, text, sizeof(text));
    snprintf(body, sizeof(body),
             "{\"name\":\"paged\",\"measurement\":\"" M22 "\",\"pages\":\"%s\"}", text);
    refused("POST", "/admin/v1/images", body, 400, "pages-mismatch");
    snprintf(body, sizeof(body), "{\"name\":\"paged\",\"measurement\":\"%s\",\"pages\":\"%s\"}",
             measurement, text);
    parts = json_object_get(as_owner(201, "POST", "/admin/v1/images", body), "parts");
    assert_int_equal(json_array_size(parts), 1);
    assert_string_equal(text_of(json_array_get(parts, 0), "part"), "firmware");
    launch_pages_free(&pages);
}

/* Policies */

TEST(policies_are_validated_as_they_are_stored)
{
    json_t *reply;

    refused("PUT", "/admin/v1/policies/odd", "{\"text\":\"nonsense = 1;\"}", 400, "policy-invalid");
    refused("PUT", "/admin/v1/policies/odd", "{\"text\":\"guest = {\"}", 400, "policy-invalid");
    refused("PUT", "/admin/v1/policies/<b>", "{\"text\":\"\"}", 400, "name-invalid");
    reply = as_owner(200, "PUT", "/admin/v1/policies/strict",
                     "{\"text\":\"images = [ \\\"later\\\" ];\"}");
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(reply, "unknown_images"), 0)), "later");
    assert_logged("policy-put", "strict", "done", "owner");
    refused("PUT", "/admin/v1/policies/strict", "{\"text\":\"\"}", 409, "exists");
    as_owner(200, "PUT", "/admin/v1/policies/strict", "{\"text\":\"# new\",\"replace\":true}");
    assert_string_equal(text_of(as_owner(200, "GET", "/admin/v1/policies/strict", NULL), "text"),
                        "# new");
    as_owner(200, "DELETE", "/admin/v1/policies/strict", "{}");
    refused("GET", "/admin/v1/policies/strict", NULL, 404, "not-found");
}

TEST(a_dry_run_says_what_is_wrong_and_stores_nothing)
{
    json_t *reply =
        as_owner(200, "POST", "/admin/v1/policies/validate", "{\"text\":\"\\nnonsense = 1;\"}");

    assert_true(json_is_false(json_object_get(reply, "valid")));
    assert_non_null(strstr(text_of(reply, "problem"), "2"));
    reply = as_owner(200, "GET", "/admin/v1/default-policy", NULL);
    assert_true(strlen(text_of(reply, "text")) > 100);
}

/* Secrets */

TEST(secrets_go_in_and_never_come_out)
{
    json_t *reply;
    char *text;

    refused("PUT", "/admin/v1/secrets/a/b", "{\"value\":\"AAAA\",\"policy\":\"default\"}", 400,
            "path-invalid");
    refused("PUT", "/admin/v1/secrets/a/b/c", "{\"value\":\"AAAA\",\"policy\":\"none\"}", 409,
            "policy-unknown");
    refused("PUT", "/admin/v1/secrets/a/b/c", "{\"value\":\"\",\"policy\":\"default\"}", 400,
            "value-empty");
    refused("PUT", "/admin/v1/secrets/a/b/c", "{\"value\":\"AA\",\"policy\":\"default\"}", 400,
            "base64-invalid");
    reply = as_owner(200, "PUT", "/admin/v1/secrets/a/b/c",
                     "{\"value\":\"c2VjcmV0\",\"policy\":\"default\"}");
    assert_int_equal(json_integer_value(json_object_get(reply, "size")), 6);
    assert_logged("secret-put", "a/b/c", "done", "owner");
    refused("PUT", "/admin/v1/secrets/a/b/c", "{\"value\":\"AAAA\",\"policy\":\"default\"}", 409,
            "exists");
    as_owner(200, "PUT", "/admin/v1/secrets/a/b/c",
             "{\"value\":\"c2VjcmV0Mg==\",\"policy\":\"default\",\"replace\":true}");
    reply = as_owner(200, "GET", "/admin/v1/secrets/a/b/c", NULL);
    assert_int_equal(json_integer_value(json_object_get(reply, "version")), 2);
    text = json_dumps(as_owner(200, "GET", "/admin/v1/secrets", NULL), 0);
    assert_null(strstr(text, "c2VjcmV0"));
    assert_null(strstr(text, "secret2"));
    free(text);
    as_owner(200, "DELETE", "/admin/v1/secrets/a/b/c", "{}");
    refused("GET", "/admin/v1/secrets/a/b/c", NULL, 404, "not-found");
}

TEST(a_secret_that_is_too_large_is_refused)
{
    static char body[BASE64_LENGTH(SECRET_SIZE_MAX) + 128];
    size_t length = BASE64_LENGTH(SECRET_SIZE_MAX) + 4;
    size_t used = (size_t)sprintf(body, "{\"policy\":\"default\",\"value\":\"");

    memset(body + used, 'A', length);
    strcpy(body + used + length, "\"}");
    refused("PUT", "/admin/v1/secrets/a/b/large", body, 413, "too-large");
}

/* Volumes */

#define KEY_TEXT                                                                                   \
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="

TEST(volumes_are_made_moved_and_retired)
{
    struct store_unit *unit;
    struct volume volume;
    uint8_t key[STATE_KEY_SIZE];
    json_t *reply;

    as_owner(201, "POST", "/admin/v1/images", "{\"name\":\"base\",\"measurement\":\"" M22 "\"}");
    reply = as_owner(201, "POST", "/admin/v1/volumes",
                     "{\"name\":\"web\",\"image\":\"base\",\"id\":\"" ZERO_ID
                     "\",\"key\":\"" KEY_TEXT "\"}");
    assert_string_equal(text_of(reply, "id"), ZERO_ID);
    assert_string_equal(text_of(reply, "release"), "signed");
    assert_string_equal(text_of(reply, "policy"), "default");
    assert_null(json_object_get(reply, "key"));
    assert_logged("volume-create", "web", "done", "owner");

    assert_int_equal(store_begin_reading(admin.kbs.store, &unit), STORE_OK);
    assert_int_equal(volume_by_name(unit, "web", &volume), STORE_OK);
    assert_int_equal(volume_key(unit, volume.id, key), STORE_OK);
    store_abandon(unit);
    for (size_t i = 0; i < sizeof(key); i++)
        assert_int_equal(key[i], i);

    reply = as_owner(200, "POST", "/admin/v1/volumes/web/key", "{}");
    assert_int_equal(json_integer_value(json_object_get(reply, "key_version")), 2);
    reply = as_owner(201, "POST", "/admin/v1/volumes",
                     "{\"name\":\"any\",\"image\":\"base\",\"release\":\"any\"}");
    assert_string_equal(text_of(reply, "release"), "any");
    refused("POST", "/admin/v1/volumes/web/image", "{\"image\":\"one\"}", 409, "image-retired");
    refused("POST", "/admin/v1/volumes/web/image", "{\"image\":\"none\"}", 409, "image-unknown");
    as_owner(200, "POST", "/admin/v1/volumes/web/image", "{\"image\":\"paged\"}");
    assert_logged("volume-set-image", "web", "done", "owner");
    as_owner(200, "POST", "/admin/v1/volumes/web/retire", "{}");
    refused("POST", "/admin/v1/volumes/web/key", "{}", 409, "retired");
    refused("POST", "/admin/v1/volumes/none/key", "{}", 404, "not-found");
}

TEST(volumes_that_make_no_sense_are_refused)
{
    static const struct {
        const char *body;
        unsigned status;
        const char *code;
    } bodies[] = {
        {"{\"name\":\"v\",\"image\":\"none\"}", 409, "image-unknown"},
        {"{\"name\":\"v\",\"image\":\"<b>\"}", 409, "image-unknown"},
        {"{\"name\":\"v\",\"image\":\"base\",\"policy\":\"none\"}", 409, "policy-unknown"},
        {"{\"name\":\"v\",\"image\":\"base\",\"id\":\"7\"}", 400, "id-invalid"},
        {"{\"name\":\"v\",\"image\":\"base\",\"id\":\"00000000-0000-4000-8000-00000000000g\"}", 400,
         "id-invalid"},
        {"{\"name\":\"v\",\"image\":\"base\",\"release\":\"none\"}", 400, "release-invalid"},
        {"{\"name\":\"v\",\"image\":\"base\",\"key\":\"AAAA\"}", 400, "key-invalid"},
        {"{\"name\":\"v\",\"image\":\"base\",\"key\":\""
         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="
         "\"}",
         400, "key-weak"},
        {"{\"name\":\"any\",\"image\":\"base\"}", 409, "exists"},
        {"{\"name\":\"v\",\"image\":\"base\",\"id\":\"" ZERO_ID "\"}", 409, "exists"},
    };

    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        refused("POST", "/admin/v1/volumes", bodies[i].body, bodies[i].status, bodies[i].code);
}

/* Tokens */

TEST(a_new_token_is_shown_once_and_works_until_it_is_revoked)
{
    char token[TOKEN_TEXT_MAX + 1];
    char *text;

    strcpy(token, text_of(as_owner(201, "POST", "/admin/v1/tokens",
                                   "{\"name\":\"new\",\"role\":\"auditor\",\"lifetime\":60}"),
                          "token"));
    assert_logged("token-create", "new", "done", "owner");
    text = json_dumps(as_owner(200, "GET", "/admin/v1/tokens", NULL), 0);
    assert_null(strstr(text, token));
    free(text);
    ask_json(&admin, 200, token, "GET", "/admin/v1/images", NULL);
    as_owner(200, "POST", "/admin/v1/tokens/new/revoke", "{}");
    ask_json(&admin, 401, token, "GET", "/admin/v1/images", NULL);
    refused("POST", "/admin/v1/tokens", "{\"name\":\"new\",\"role\":\"king\"}", 400,
            "role-invalid");
    refused("POST", "/admin/v1/tokens", "{\"name\":\"t\",\"role\":\"owner\",\"lifetime\":0}", 400,
            "lifetime-invalid");
    refused("POST", "/admin/v1/tokens", "{\"name\":\"owner\",\"role\":\"owner\"}", 409, "exists");
    refused("POST", "/admin/v1/tokens/none/revoke", "{}", 404, "not-found");
}

TEST(the_last_owner_cannot_be_revoked)
{
    refused("POST", "/admin/v1/tokens/owner/revoke", "{}", 409, "last-owner");
    assert_logged("token-revoke", "owner", "refused", "owner");
    as_owner(201, "POST", "/admin/v1/tokens", "{\"name\":\"heir\",\"role\":\"owner\"}");
    as_owner(200, "POST", "/admin/v1/tokens/heir/revoke", "{}");
    refused("POST", "/admin/v1/tokens/owner/revoke", "{}", 409, "last-owner");
}

/* Keys */

TEST(keys_are_rotated_and_only_older_ones_retired)
{
    char old[64], new[64], path[128];
    json_t *keys, *key;
    size_t i;

    keys = json_object_get(as_owner(200, "GET", "/admin/v1/keys", NULL), "keys");
    assert_int_equal(json_array_size(keys), 3);
    json_array_foreach(keys, i, key)
    {
        assert_true(json_is_true(json_object_get(key, "active")));
        if (strcmp(text_of(key, "use"), "release") == 0)
            strcpy(old, text_of(key, "id"));
    }
    snprintf(path, sizeof(path), "/admin/v1/keys/%s/retire", old);
    refused("POST", path, "{}", 409, "key-active");
    strcpy(new,
           text_of(as_owner(201, "POST", "/admin/v1/keys/rotate", "{\"use\":\"release\"}"), "id"));
    assert_logged("key-rotate", new, "done", "owner");
    as_owner(200, "POST", path, "{}");
    snprintf(path, sizeof(path), "/admin/v1/keys/%s", new);
    assert_non_null(strstr(text_of(as_owner(200, "GET", path, NULL), "public_key"),
                           "-----BEGIN PUBLIC KEY-----"));
    snprintf(path, sizeof(path), "/admin/v1/keys/%s", old);
    assert_null(json_object_get(as_owner(200, "GET", path, NULL), "public_key"));
    refused("POST", "/admin/v1/keys/rotate", "{\"use\":\"all\"}", 400, "use-invalid");
    refused("POST", "/admin/v1/keys/zz/retire", "{}", 404, "not-found");
    refused("GET", "/admin/v1/keys/zz", NULL, 404, "not-found");
}

/* The audit log */

TEST(the_log_is_given_in_spans_and_verifies)
{
    struct answer answer;
    json_t *reply, *entries;

    reply = as_owner(200, "GET", "/admin/v1/audit/verify", NULL);
    assert_true(json_is_true(json_object_get(reply, "whole")));
    assert_true(json_integer_value(json_object_get(reply, "entries")) > 10);
    answer = ask(&admin, &(struct asked){.method = "GET",
                                         .path = "/admin/v1/audit",
                                         .token = admin.auditor,
                                         .query = {"from", "2", "limit", "3"}});
    entries = json_object_get(answer.json, "entries");
    assert_int_equal(json_array_size(entries), 3);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(entries, 0), "seq")), 2);
    asking_done(&answer);
    answer = ask(&admin, &(struct asked){.method = "GET",
                                         .path = "/admin/v1/audit",
                                         .token = admin.auditor,
                                         .query = {"limit", "1"}});
    entries = json_object_get(answer.json, "entries");
    assert_int_equal(json_array_size(entries), 1);
    assert_string_equal(text_of(json_array_get(entries, 0), "hash"),
                        text_of(json_object_get(answer.json, "head"), "hash"));
    asking_done(&answer);
    reply = as_owner(200, "GET", "/admin/v1/audit/2", NULL);
    assert_non_null(strstr(text_of(reply, "line"), "\"seq\":2"));
    refused("GET", "/admin/v1/audit/99999", NULL, 404, "not-found");
    refused("GET", "/admin/v1/audit/x", NULL, 404, "not-found");
}

TEST(who_follows_the_log_waits_for_new_lines)
{
    struct answer answer = ask(&admin, &(struct asked){.method = "GET",
                                                       .path = "/admin/v1/audit",
                                                       .token = admin.auditor,
                                                       .query = {"from", "99999", "follow", "1"}});

    assert_int_equal(answer.reply.status, 200);
    assert_int_equal(json_array_size(json_object_get(answer.json, "entries")), 0);
    asking_done(&answer);
}

TEST(a_measurement_in_the_log_is_explained)
{
    char body[64];
    json_t *line, *lines;

    admin_kbs_log(&admin, "attest",
                  json_pack("{s:s, s:s, s:s, s:s, s:s}", "result", "refused", "reason", "vmpl",
                            "text", "not at VMPL 0", "detail", "expected 0, found 1", "measurement",
                            M11),
                  ASKING_NOW);
    line = last_audit_line(&admin);
    snprintf(body, sizeof(body), "{\"audit\":%lld}",
             (long long)json_integer_value(json_object_get(line, "seq")));
    json_decref(line);
    lines = as_owner(200, "POST", "/admin/v1/explain", body);
    assert_string_equal(text_of(lines, "verdict"), "retired");
    assert_non_null(strstr(json_string_value(json_array_get(json_object_get(lines, "lines"), 0)),
                           "expected 0, found 1"));
    refused("POST", "/admin/v1/explain", "{\"audit\":1}", 404, "not-found");
    refused("POST", "/admin/v1/explain", "{\"audit\":-1}", 404, "not-found");
    refused("POST", "/admin/v1/explain", "{}", 400, "body-invalid");
    refused("POST", "/admin/v1/explain", "{\"audit\":1,\"measurement\":\"" M11 "\"}", 400,
            "body-invalid");
    refused("POST", "/admin/v1/explain", "{\"measurement\":\"zz\"}", 400, "measurement-invalid");
    refused("POST", "/admin/v1/explain", "{\"pages\":\"AAAA\"}", 400, "pages-invalid");
}

TEST(the_log_never_has_a_secret)
{
    struct answer answer = ask(&admin, &(struct asked){.method = "GET",
                                                       .path = "/admin/v1/audit",
                                                       .token = admin.auditor,
                                                       .query = {"from", "1", "limit", "1000"}});

    assert_null(strstr(answer.reply.body, "c2VjcmV0"));
    assert_null(strstr(answer.reply.body, "AAECAwQF"));
    assert_null(strstr(answer.reply.body, admin.owner));
    assert_null(strstr(answer.reply.body, admin.auditor));
    asking_done(&answer);
}

TEST_GROUP(admin_begin, admin_end)
