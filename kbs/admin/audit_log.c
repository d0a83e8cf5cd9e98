/* SPDX-License-Identifier: MIT */
/* /admin/v1/audit: the log as it is, so that who reads it can verify its chain. */
#include <ctype.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kbs/admin/audit_json.h"
#include "kbs/admin/json_values.h"
#include "kbs/admin/routes.h"
#include "kbs/audit/audit_segment.h"

#define LIMIT_DEFAULT  100
#define LIMIT_MAX      1000
#define FOLLOW_MAX     20 /* seconds that a request may wait for new lines */
#define FOLLOWERS_MAX  8  /* requests that wait at once: each keeps a thread */
#define FOLLOW_POLL_MS 200
#define VERIFY_MAX     20 /* seconds that a request may wait for the log to be verified */

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

/* Reads a span, the head and the base in one unit, so that they fit together. Without from, the
 * span is made to begin so that it ends with the last line. */
MUST_CHECK static enum store_status read_span(struct store *store, struct span *span,
                                              json_t **reply)
{
    struct store_unit *unit = NULL;
    enum store_status status = store_begin_reading(store, &unit);
    uint8_t hash[AUDIT_HASH_SIZE];
    json_t *list = json_array();
    struct audit_tail base;
    uint64_t head = 0;

    *reply = NULL;
    if (status == STORE_OK)
        status = audit_head(unit, &head, hash);
    if (status == STORE_OK)
        status = audit_base(unit, &base);
    if (span->from == 0)
        span->from = head >= span->limit ? head - span->limit + 1 : 1;
    if (status == STORE_OK)
        status = audit_each(unit, span->from, (unsigned)span->limit, add_entry, list);
    store_abandon(unit);
    if (status == STORE_OK)
        *reply = json_pack("{s:O, s:{s:I, s:o}, s:{s:I, s:o}}", "entries", list, "head", "seq",
                           (json_int_t)head, "hash", json_hex(hash, sizeof(hash)), "base", "seq",
                           (json_int_t)base.seq, "hash", json_hex(base.hash, sizeof(base.hash)));
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

uint64_t audit_line_number(const char *text)
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

/* There is no such line in the log: perhaps because an owner has it. */
static bool refuse_line(struct call *call, uint64_t seq)
{
    struct audit_tail base;
    enum store_status status = audit_base(call->unit, &base);

    if (status == STORE_OK && seq > 0 && seq <= base.seq)
        return call_refuse(call, HTTP_NOT_FOUND, "archived",
                           "audit line %s was archived: the log begins with line %" PRIu64,
                           call->object, base.seq + 1);
    return call_refuse_status(call, status == STORE_OK ? STORE_NOT_FOUND : status, "audit line",
                              call->object);
}

bool audit_show(struct call *call)
{
    uint64_t seq = audit_line_number(call->object);
    json_t *reply = NULL;
    enum store_status status =
        seq > 0 ? audit_each(call->unit, seq, 1, take_entry, &reply) : STORE_OK;

    if (status == STORE_OK && reply &&
        (uint64_t)json_integer_value(json_object_get(reply, "seq")) == seq)
        return call_reply(call, HTTP_OK, reply);
    json_decref(reply);
    return status == STORE_OK ? refuse_line(call, seq)
                              : call_refuse_status(call, status, "audit line", call->object);
}

/* The state of the chain */

const char *audit_state_name(const struct audit_state *state)
{
    if (state->problem)
        return "broken";
    return state->whole ? "whole" : "verifying";
}

static json_t *number_or_null(uint64_t number)
{
    return number ? json_integer((json_int_t)number) : json_null();
}

json_t *audit_state_json(const struct audit_state *state)
{
    const char *name = audit_state_name(state);

    return json_pack("{s:s, s:b, s:I, s:I, s:I, s:o, s:s*, s:o, s:{s:I, s:o, s:o, s:o}}", "state",
                     name, "whole", strcmp(name, "whole") == 0, "entries",
                     (json_int_t)(state->last - state->archived), "last", (json_int_t)state->last,
                     "archived", (json_int_t)state->archived, "first_bad",
                     number_or_null(state->first_bad), "problem", state->problem, "head",
                     json_hex(state->head, sizeof(state->head)), "verified", "line",
                     (json_int_t)state->line, "time", json_time(state->seen), "whole_time",
                     json_time(state->whole), "again", number_or_null(state->again));
}

/* With now=1, when all has been verified once more: so that who asks need not wait for the next
 * time. */
bool audit_check_chain(struct call *call)
{
    struct audit_state state;
    enum store_status status;
    uint64_t now;

    if (!call_query_number(call, "now", 0, 1, &now))
        return false;
    if (now && !audit_watch_verify(call->kbs->watch, VERIFY_MAX))
        return call_refuse(call, HTTP_UNAVAILABLE, "busy",
                           "the log was not verified within %d seconds; it goes on, ask for its "
                           "state later",
                           VERIFY_MAX);
    status = store_begin_reading(call->kbs->store, &call->unit);
    if (status == STORE_OK)
        status = audit_watch_look(call->kbs->watch, call->unit, &state);
    store_abandon(call->unit);
    if (status != STORE_OK)
        return call_refuse_status(call, status, "the audit log", "cannot be read");
    return call_reply(call, HTTP_OK, audit_state_json(&state));
}
