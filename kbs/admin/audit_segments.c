/* SPDX-License-Identifier: MIT */
/* /admin/v1/audit/segments: closing segments of the log, and pruning what an owner has archived. */
#include "kbs/audit/audit_segment.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kbs/admin/audit_json.h"
#include "kbs/admin/json_values.h"
#include "kbs/admin/routes.h"
#include "kbs/admin/values.h"

#define AGE_MAX (100 * 366 * 86400LL) /* seconds */

static json_t *segment_json(const struct audit_segment *segment)
{
    const struct statement *closed = &segment->segment;

    return json_pack(
        "{s:I, s:I, s:o, s:o, s:o, s:o, s:s, s:o}", "first", (json_int_t)closed->first, "last",
        (json_int_t)closed->last, "before", json_hex(closed->before, sizeof(closed->before)),
        "head", json_hex(closed->head, sizeof(closed->head)), "closed", json_time(closed->time),
        "key", json_hex(segment->signer, sizeof(segment->signer)), "statement", segment->statement,
        "pruned", json_time(segment->pruned));
}

struct listing {
    json_t *list;
    struct audit_tail end; /* of the last one */
};

static void add_segment(void *context, const struct audit_segment *segment)
{
    struct listing *listing = context;

    json_array_append_new(listing->list, segment_json(segment));
    listing->end.seq = segment->segment.last;
    memcpy(listing->end.hash, segment->segment.head, sizeof(listing->end.hash));
}

/* The lines that are old enough, and in no segment yet; null when there are none. */
static json_t *candidate_json(const struct audit_tail *end, uint64_t last)
{
    return last ? json_pack("{s:I, s:I, s:o}", "first", (json_int_t)end->seq + 1, "last",
                            (json_int_t)last, "before", json_hex(end->hash, sizeof(end->hash)))
                : json_null();
}

bool audit_segments_list(struct call *call)
{
    struct listing listing = {.list = json_array()};
    uint64_t age, last = 0;
    enum store_status status;

    if (!call_query_number(call, "older-than", 0, AGE_MAX, &age)) {
        json_decref(listing.list);
        return false;
    }
    status = audit_segment_each(call->unit, add_segment, &listing);
    if (status == STORE_OK)
        status = audit_segment_candidate(call->unit, call->request->now - (time_t)age, &last);
    if (status != STORE_OK) {
        json_decref(listing.list);
        return call_refuse_status(call, status, "the audit log", "cannot be read");
    }
    return call_reply(call, HTTP_OK,
                      json_pack("{s:o, s:o}", "segments", listing.list, "next",
                                candidate_json(&listing.end, last)));
}

/* What the line about this call says of the segment. */
static void describe(struct call *call, const struct statement *segment)
{
    char head[2 * AUDIT_HASH_SIZE + 1];

    hex_text(segment->head, AUDIT_HASH_SIZE, head);
    snprintf(call->object, sizeof(call->object), "%" PRIu64, segment->last);
    snprintf(call->detail, sizeof(call->detail), "lines %" PRIu64 " to %" PRIu64 ", head %s",
             segment->first, segment->last, head);
}

MUST_CHECK static bool take_head(struct call *call, const char *text, uint8_t head[AUDIT_HASH_SIZE])
{
    return hex_bytes(text, head, AUDIT_HASH_SIZE) ||
           call_refuse(call, HTTP_BAD_REQUEST, "head-invalid",
                       "head: must be %d hexadecimal digits", 2 * AUDIT_HASH_SIZE);
}

/* Nothing is signed that was not seen to follow from the lines before it. */
MUST_CHECK static bool check_chain(struct call *call, uint64_t last)
{
    struct audit_state state;
    enum store_status status = audit_watch_look(call->kbs->watch, call->unit, &state);

    if (status != STORE_OK)
        return call_refuse_status(call, status, "the audit log", "cannot be read");
    if (state.problem)
        return call_refuse(call, HTTP_CONFLICT, "audit-broken",
                           "the audit log is broken at line %" PRIu64 ": %s", state.first_bad,
                           state.problem);
    return state.line >= last || state.last < last ||
           call_refuse(call, HTTP_UNAVAILABLE, "not-verified",
                       "the audit log is verified up to line %" PRIu64 " only; try again soon",
                       state.line);
}

bool audit_segments_close(struct call *call)
{
    struct audit_segment segment;
    uint8_t head[AUDIT_HASH_SIZE];
    enum store_status status;
    const char *text;
    json_int_t last;

    if (!call_unpack(call, "{s:I, s:s}", "last", &last, "head", &text) ||
        !take_head(call, text, head))
        return false;
    if (last < 1)
        return call_refuse(call, HTTP_BAD_REQUEST, "body-invalid", "last: must be a line's number");
    if (!check_chain(call, (uint64_t)last))
        return false;
    status = audit_segment_close(call->unit, call->kbs->keyring, (uint64_t)last, head,
                                 call->request->now, &segment);
    if (status == STORE_NOT_FOUND)
        return call_refuse(call, HTTP_CONFLICT, "head-mismatch",
                           "the audit log has no line %lld of this hash", (long long)last);
    if (status == STORE_EXISTS)
        return call_refuse(call, HTTP_CONFLICT, "exists",
                           "line %lld is in a segment that is closed already", (long long)last);
    if (status != STORE_OK)
        return call_refuse_status(call, status, "the segment", "cannot be closed");
    describe(call, &segment.segment);
    return call_reply(call, HTTP_CREATED, segment_json(&segment));
}

bool audit_segments_prune(struct call *call)
{
    uint64_t last = audit_line_number(call->object);
    struct audit_segment segment;
    uint8_t head[AUDIT_HASH_SIZE];
    enum store_status status;
    const char *text;

    if (!call_unpack(call, "{s:s}", "head", &text) || !take_head(call, text, head))
        return false;
    status = audit_segment_prune(call->unit, call->kbs->keyring, last, head, call->request->now,
                                 &segment);
    if (status == STORE_NOT_FOUND)
        return call_refuse(call, HTTP_CONFLICT, "head-mismatch",
                           "no segment ends with line %s and this head", call->object);
    if (status == STORE_RETIRED)
        return call_refuse(call, HTTP_CONFLICT, "archived", "the segment was pruned before");
    if (status == STORE_IN_USE)
        return call_refuse(call, HTTP_CONFLICT, "archive-order",
                           "an older segment has to be pruned first");
    if (status != STORE_OK)
        return call_refuse_status(call, status, "the segment", "cannot be pruned");
    describe(call, &segment.segment);
    return call_reply(call, HTTP_OK, segment_json(&segment));
}

void audit_segments_pruned(struct call *call)
{
    audit_watch_pruned(call->kbs->watch);
}
