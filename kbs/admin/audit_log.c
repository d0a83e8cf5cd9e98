/* SPDX-License-Identifier: MIT */
/* /admin/v1/audit: the log as it is, so that who reads it can verify its chain. */
#include <ctype.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "kbs/admin/audit_json.h"
#include "kbs/admin/json_values.h"
#include "kbs/admin/routes.h"
#include "kbs/audit/audit.h"

#define LIMIT_DEFAULT  100
#define LIMIT_MAX      1000
#define FOLLOW_MAX     20 /* seconds that a request may wait for new lines */
#define FOLLOWERS_MAX  8  /* requests that wait at once: each keeps a thread */
#define FOLLOW_POLL_MS 200

static json_t *entry_json(const struct audit_entry *entry)
{
    return json_pack("{s:I, s:o, s:s}", "seq", (json_int_t)entry->seq, "hash",
                     json_hex(entry->hash, sizeof(entry->hash)), "line", entry->line);
}

static void add_entry(void *list, const struct audit_entry *entry)
{
    json_array_append_new(list, entry_json(entry));
}

struct span {
    uint64_t from; /* 0: the last ones */
    uint64_t limit;
    uint64_t follow; /* seconds */
};

MUST_CHECK static bool take_span(struct call *call, struct span *span)
{
    return call_query_number(call, "from", 0, INT64_MAX, &span->from) &&
           call_query_number(call, "limit", LIMIT_DEFAULT, LIMIT_MAX, &span->limit) &&
           call_query_number(call, "follow", 0, FOLLOW_MAX, &span->follow) &&
           (span->limit > 0 || call_refuse(call, HTTP_BAD_REQUEST, "query-invalid",
                                           "limit must be 1 to %d", LIMIT_MAX));
}

/* Reads a span and the head in one unit, so that they fit together. Without from, the span is made
 * to begin so that it ends with the last line. */
MUST_CHECK static enum store_status read_span(struct store *store, struct span *span,
                                              json_t **reply)
{
    struct store_unit *unit = NULL;
    enum store_status status = store_begin_reading(store, &unit);
    uint8_t hash[AUDIT_HASH_SIZE];
    json_t *list = json_array();
    uint64_t head = 0;

    *reply = NULL;
    if (status == STORE_OK)
        status = audit_head(unit, &head, hash);
    if (span->from == 0)
        span->from = head >= span->limit ? head - span->limit + 1 : 1;
    if (status == STORE_OK)
        status = audit_each(unit, span->from, (unsigned)span->limit, add_entry, list);
    store_abandon(unit);
    if (status == STORE_OK)
        *reply = json_pack("{s:O, s:{s:I, s:o}}", "entries", list, "head", "seq", (json_int_t)head,
                           "hash", json_hex(hash, sizeof(hash)));
    json_decref(list);
    return status;
}

static bool is_empty(const json_t *reply)
{
    return json_array_size(json_object_get(reply, "entries")) == 0;
}

/* Reads until there is something, or the time is over. Who comes when many wait does not wait. */
MUST_CHECK static enum store_status follow_span(struct store *store, struct span *span,
                                                json_t **reply)
{
    static const struct timespec pause = {.tv_nsec = FOLLOW_POLL_MS * 1000000L};
    static atomic_int followers;
    uint64_t polls = span->follow * 1000 / FOLLOW_POLL_MS;
    enum store_status status = read_span(store, span, reply);

    if (atomic_fetch_add(&followers, 1) >= FOLLOWERS_MAX)
        polls = 0;
    for (; polls > 0 && status == STORE_OK && is_empty(*reply); polls--) {
        json_decref(*reply);
        nanosleep(&pause, NULL);
        status = read_span(store, span, reply);
    }
    atomic_fetch_sub(&followers, 1);
    return status;
}

bool audit_list(struct call *call)
{
    struct span span;
    enum store_status status;
    json_t *reply;

    if (!take_span(call, &span))
        return false;
    status = follow_span(call->kbs->store, &span, &reply);
    if (status != STORE_OK)
        return call_refuse_status(call, status, "the audit log", "cannot be read");
    return call_reply(call, HTTP_OK, reply);
}

/* The number in the path; 0 for what is none, which no line has. */
static uint64_t seq_of(const char *text)
{
    char *end;
    uint64_t seq = strtoull(text, &end, 10);

    return isdigit((unsigned char)text[0]) && *end == '\0' && seq <= INT64_MAX ? seq : 0;
}

static void take_entry(void *found, const struct audit_entry *entry)
{
    json_t **reply = found;

    if (!*reply)
        *reply = entry_json(entry);
}

bool audit_show(struct call *call)
{
    uint64_t seq = seq_of(call->object);
    json_t *reply = NULL;
    enum store_status status =
        seq > 0 ? audit_each(call->unit, seq, 1, take_entry, &reply) : STORE_OK;

    if (status == STORE_OK &&
        (!reply || (uint64_t)json_integer_value(json_object_get(reply, "seq")) != seq))
        status = STORE_NOT_FOUND;
    if (status == STORE_OK)
        return call_reply(call, HTTP_OK, reply);
    json_decref(reply);
    return call_refuse_status(call, status, "audit line", call->object);
}

json_t *audit_check_json(const struct audit_check *check)
{
    return json_pack("{s:b, s:I, s:o, s:o, s:s*}", "whole", check->problem == NULL, "entries",
                     (json_int_t)check->entries, "first_bad",
                     check->first_bad ? json_integer((json_int_t)check->first_bad) : json_null(),
                     "head", json_hex(check->head, sizeof(check->head)), "problem", check->problem);
}

bool audit_check_chain(struct call *call)
{
    struct audit_check check;
    enum store_status status = audit_verify(call->unit, &check);

    if (status != STORE_OK)
        return call_refuse_status(call, status, "the audit log", "cannot be read");
    return call_reply(call, HTTP_OK, audit_check_json(&check));
}
