/* SPDX-License-Identifier: MIT */
/* /admin/v1/audit/segments, and what the rest of the API says of lines that are archived. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kbs/audit/audit_watch.h"
#include "tests/unit/kbs-admin/asking.h"
#include "tests/unit/registered.h"

#define SEGMENTS "/admin/v1/audit/segments"

static void change_database(const char *sql)
{
    sqlite3 *database;

    assert_int_equal(sqlite3_open(admin.path, &database), SQLITE_OK);
    sqlite3_busy_timeout(database, 10000);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
}

static void refused(const char *token, const char *path, const char *body, unsigned status,
                    const char *code)
{
    assert_refused(&admin,
                   &(struct asked){.method = "POST", .path = path, .body = body, .token = token},
                   status, code);
}

/* The hash of a line, until the next call. */
static const char *hash_of(unsigned seq)
{
    static char hash[65];
    char path[64];

    snprintf(path, sizeof(path), "/admin/v1/audit/%u", seq);
    snprintf(hash, sizeof(hash), "%s",
             text_of(ask_json(&admin, 200, admin.auditor, "GET", path, NULL), "hash"));
    return hash;
}

static const char *body_about(unsigned last, const char *head)
{
    static char body[128];

    snprintf(body, sizeof(body), "{\"last\":%u,\"head\":\"%s\"}", last, head);
    return body;
}

static const char *body_with(const char *head)
{
    static char body[128];

    snprintf(body, sizeof(body), "{\"head\":\"%s\"}", head);
    return body;
}

static json_t *list(const char *age)
{
    static struct answer answer;

    asking_done(&answer);
    answer = ask(&admin, &(struct asked){.method = "GET",
                                         .path = SEGMENTS,
                                         .token = admin.auditor,
                                         .query = {"older-than", age}});
    assert_int_equal(answer.reply.status, 200);
    return answer.json;
}

static json_int_t number_of(const json_t *object, const char *member)
{
    return json_integer_value(json_object_get(object, member));
}

static void assert_logged(const char *operation, const char *object, const char *detail)
{
    json_t *line = last_audit_line(&admin);

    assert_string_equal(text_of(line, "op"), operation);
    assert_string_equal(text_of(line, "object"), object);
    assert_string_equal(text_of(line, "result"), "done");
    assert_non_null(strstr(text_of(line, "detail"), detail));
    json_decref(line);
}

TEST(what_can_be_archived_is_told_by_age)
{
    json_t *reply = list("0");

    assert_int_equal(json_array_size(json_object_get(reply, "segments")), 0);
    assert_int_equal(number_of(json_object_get(reply, "next"), "first"), 1);
    assert_int_equal(number_of(json_object_get(reply, "next"), "last"), 5);
    assert_true(json_is_null(json_object_get(list("3000000000"), "next")));
    assert_refused(&admin,
                   &(struct asked){.method = "GET",
                                   .path = SEGMENTS,
                                   .token = admin.auditor,
                                   .query = {"older-than", "x"}},
                   400, "query-invalid");
}

TEST(only_an_owner_closes_and_prunes)
{
    refused(admin.auditor, SEGMENTS, body_about(3, hash_of(3)), 403, "role-insufficient");
    refused(admin.auditor, SEGMENTS "/3/prune", body_with(hash_of(3)), 403, "role-insufficient");
}

TEST(only_what_is_in_the_log_is_closed)
{
    refused(admin.owner, SEGMENTS, body_about(3, hash_of(2)), 409, "head-mismatch");
    refused(admin.owner, SEGMENTS, body_about(100000, hash_of(2)), 409, "head-mismatch");
    refused(admin.owner, SEGMENTS, body_about(0, hash_of(2)), 400, "body-invalid");
    refused(admin.owner, SEGMENTS, body_about(3, "00"), 400, "head-invalid");
    refused(admin.owner, SEGMENTS, "{\"last\":3}", 400, "body-invalid");
    refused(admin.owner, SEGMENTS "/3/prune", body_with(hash_of(3)), 409, "head-mismatch");
}

/* Not even if only a line that nobody looks at any more was changed. */
TEST(a_broken_log_is_not_closed)
{
    change_database("UPDATE audit SET line = line || ' ' WHERE seq = 1");
    assert_true(audit_watch_verify(admin.kbs.watch, 60));
    refused(admin.owner, SEGMENTS, body_about(3, hash_of(3)), 409, "audit-broken");
    change_database("UPDATE audit SET line = substr(line, 1, length(line) - 1) WHERE seq = 1");
    assert_true(audit_watch_verify(admin.kbs.watch, 60));
}

TEST(a_segment_is_closed_listed_and_pruned)
{
    char head[65], other[65];
    json_t *reply, *segment;

    strcpy(head, hash_of(3));
    strcpy(other, hash_of(2));
    reply = ask_json(&admin, 201, admin.owner, "POST", SEGMENTS, body_about(3, head));
    assert_int_equal(number_of(reply, "first"), 1);
    assert_int_equal(number_of(reply, "last"), 3);
    assert_true(json_is_null(json_object_get(reply, "pruned")));
    assert_logged("audit-close", "3", head);
    refused(admin.owner, SEGMENTS, body_about(3, head), 409, "exists");

    segment = json_array_get(json_object_get(list("0"), "segments"), 0);
    assert_string_equal(text_of(segment, "head"), head);
    assert_int_equal(strlen(text_of(segment, "key")), 32);
    assert_non_null(strchr(text_of(segment, "statement"), '.'));

    refused(admin.owner, SEGMENTS "/3/prune", body_with(other), 409, "head-mismatch");
    refused(admin.owner, SEGMENTS "/x/prune", body_with(head), 409, "head-mismatch");
    ask_json(&admin, 200, admin.owner, "POST", SEGMENTS "/3/prune", body_with(head));
    assert_logged("audit-prune", "3", head);
    refused(admin.owner, SEGMENTS "/3/prune", body_with(head), 409, "archived");
    assert_refused(
        &admin,
        &(struct asked){.method = "GET", .path = "/admin/v1/audit/3", .token = admin.auditor}, 404,
        "archived");
    assert_int_equal(strlen(hash_of(4)), 64);
}

TEST(the_log_says_where_it_begins)
{
    struct answer answer = ask(&admin, &(struct asked){.method = "GET",
                                                       .path = "/admin/v1/audit",
                                                       .token = admin.auditor,
                                                       .query = {"from", "1"}});
    json_t *status;

    assert_int_equal(number_of(json_object_get(answer.json, "base"), "seq"), 3);
    assert_int_equal(number_of(json_array_get(json_object_get(answer.json, "entries"), 0), "seq"),
                     4);
    asking_done(&answer);
    status = json_object_get(ask_json(&admin, 200, admin.auditor, "GET", "/admin/v1/status", NULL),
                             "audit");
    assert_string_equal(text_of(status, "state"), "whole");
    assert_int_equal(number_of(status, "archived"), 3);
    assert_int_equal(number_of(status, "entries"), number_of(status, "last") - 3);
    assert_int_equal(number_of(json_object_get(status, "verified"), "line"),
                     number_of(status, "last"));
    answer = ask(&admin, &(struct asked){.method = "GET", .path = "/", .token = admin.auditor});
    assert_non_null(strstr(answer.reply.body, "from 4 on; those before are archived"));
    assert_non_null(strstr(answer.reply.body, "Verified up to line"));
    asking_done(&answer);
}

TEST(all_is_verified_again_for_who_asks)
{
    struct answer answer = ask(&admin, &(struct asked){.method = "GET",
                                                       .path = "/admin/v1/audit/verify",
                                                       .token = admin.auditor,
                                                       .query = {"now", "1"}});

    assert_int_equal(answer.reply.status, 200);
    assert_true(json_is_true(json_object_get(answer.json, "whole")));
    asking_done(&answer);
}

TEST(an_older_segment_is_pruned_first)
{
    char first[65], second[65];

    strcpy(first, hash_of(5));
    strcpy(second, hash_of(6));
    ask_json(&admin, 201, admin.owner, "POST", SEGMENTS, body_about(5, first));
    ask_json(&admin, 201, admin.owner, "POST", SEGMENTS, body_about(6, second));
    refused(admin.owner, SEGMENTS "/6/prune", body_with(second), 409, "archive-order");
    ask_json(&admin, 200, admin.owner, "POST", SEGMENTS "/5/prune", body_with(first));
    ask_json(&admin, 200, admin.owner, "POST", SEGMENTS "/6/prune", body_with(second));
}

TEST(the_key_that_signed_where_the_log_begins_stays)
{
    char path[128];
    json_t *segments = json_object_get(list("0"), "segments");

    snprintf(path, sizeof(path), "/admin/v1/keys/%s/retire",
             text_of(json_array_get(segments, 0), "key"));
    refused(admin.owner, path, "{}", 409, "key-active");
    ask_json(&admin, 201, admin.owner, "POST", "/admin/v1/keys/rotate", "{\"use\":\"audit\"}");
    refused(admin.owner, path, "{}", 409, "in-use");
    ask_json(&admin, 201, admin.owner, "POST", SEGMENTS, body_about(7, hash_of(7)));
    ask_json(&admin, 200, admin.owner, "POST", SEGMENTS "/7/prune", body_with(hash_of(7)));
    ask_json(&admin, 200, admin.owner, "POST", path, "{}");
}

TEST_GROUP(admin_begin_filled, admin_end)
