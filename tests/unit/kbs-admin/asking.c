/* SPDX-License-Identifier: MIT */
#include "tests/unit/kbs-admin/asking.h"

#include <stdio.h>
#include <string.h>

#include "kbs/admin/admin.h"
#include "kbs/audit/audit.h"
#include "tests/unit/kbs/scratch.h"
#include "tests/unit/registered.h"

struct admin_kbs admin;

int admin_begin(void **state)
{
    if (scratch_make(state) != 0)
        return -1;
    admin_kbs_start(&admin, scratch_folder);
    return 0;
}

int admin_begin_filled(void **state)
{
    if (admin_begin(state) != 0)
        return -1;
    admin_kbs_fill(&admin);
    return 0;
}

int admin_end(void **state)
{
    admin_kbs_stop(&admin);
    return scratch_remove(state);
}

struct connection {
    const struct asked *asked;
    char authorization[128];
};

static const char *lookup_header(struct connection *connection, const char *name)
{
    const struct asked *asked = connection->asked;

    if (strcmp(name, "Authorization") == 0)
        return connection->authorization[0] ? connection->authorization : NULL;
    if (strcmp(name, "Content-Type") == 0)
        return asked->content_type ? asked->content_type : "application/json";
    if (strcmp(name, "Sec-Fetch-Site") == 0)
        return asked->site;
    if (strcmp(name, "Origin") == 0)
        return asked->origin;
    return strcmp(name, "Host") == 0 ? "kbs.example:8443" : NULL;
}

static const char *lookup(void *context, enum http_value_kind kind, const char *name)
{
    struct connection *connection = context;
    const struct asked *asked = connection->asked;

    if (kind == HTTP_HEADER)
        return lookup_header(connection, name);
    for (size_t i = 0; kind == HTTP_QUERY && i < 4 && asked->query[i]; i += 2)
        if (strcmp(asked->query[i], name) == 0)
            return asked->query[i + 1];
    return NULL;
}

struct answer ask(struct admin_kbs *admin, const struct asked *asked)
{
    struct connection connection = {.asked = asked};
    struct http_request request = {
        .method = asked->method,
        .path = asked->path,
        .peer = "192.0.2.1",
        .body = asked->body ? asked->body : "",
        .body_size = asked->body ? strlen(asked->body) : 0,
        .now = ASKING_NOW,
        .lookup = lookup,
        .connection = &connection,
    };
    struct answer answer = {0};

    if (asked->authorization)
        snprintf(connection.authorization, sizeof(connection.authorization), "%s",
                 asked->authorization);
    else if (asked->token)
        snprintf(connection.authorization, sizeof(connection.authorization), "Bearer %s",
                 asked->token);
    admin_answer(&admin->kbs, &request, &answer.reply);
    assert_non_null(answer.reply.body);
    answer.json =
        json_loadb(answer.reply.body, answer.reply.body_size, JSON_REJECT_DUPLICATES, NULL);
    return answer;
}

void asking_done(struct answer *answer)
{
    json_decref(answer->json);
    http_reply_release(&answer->reply);
    *answer = (struct answer){0};
}

json_t *ask_json(struct admin_kbs *admin, unsigned status, const char *token, const char *method,
                 const char *path, const char *body)
{
    static struct answer answer;

    asking_done(&answer);
    answer =
        ask(admin, &(struct asked){.method = method, .path = path, .token = token, .body = body});
    if (answer.reply.status != status)
        fail_msg("%s %s: expected %u, found %u: %s", method, path, status, answer.reply.status,
                 answer.reply.body);
    return answer.json;
}

void assert_refused(struct admin_kbs *admin, const struct asked *asked, unsigned status,
                    const char *code)
{
    struct answer answer = ask(admin, asked);
    const char *found = json_string_value(json_object_get(answer.json, "error"));

    if (answer.reply.status != status || !found || strcmp(found, code) != 0)
        fail_msg("%s %s %s: expected %u %s, found %u: %s", asked->method, asked->path,
                 asked->body ? asked->body : "", status, code, answer.reply.status,
                 answer.reply.body);
    assert_non_null(json_string_value(json_object_get(answer.json, "message")));
    asking_done(&answer);
}

const char *text_of(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));

    if (!text)
        fail_msg("there is no text %s", member);
    return text;
}

static void keep_line(void *context, const struct audit_entry *entry)
{
    json_t **line = context;

    json_decref(*line);
    *line = json_loads(entry->line, 0, NULL);
}

json_t *last_audit_line(struct admin_kbs *admin)
{
    struct store_unit *unit;
    uint8_t hash[AUDIT_HASH_SIZE];
    uint64_t seq;
    json_t *line = NULL;

    assert_int_equal(store_begin_reading(admin->kbs.store, &unit), STORE_OK);
    assert_int_equal(audit_head(unit, &seq, hash), STORE_OK);
    assert_int_equal(audit_each(unit, seq, 1, keep_line, &line), STORE_OK);
    store_abandon(unit);
    assert_non_null(line);
    return line;
}

const char *header_of(const struct http_reply *reply, const char *name)
{
    for (size_t i = 0; i < reply->header_count; i++)
        if (strcmp(reply->headers[i].name, name) == 0)
            return reply->headers[i].value;
    return NULL;
}
