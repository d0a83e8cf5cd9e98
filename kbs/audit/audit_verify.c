/* SPDX-License-Identifier: MIT */
/* Verifying the chain. */
#include <string.h>

#include "kbs/audit/audit_line.h"
#include "kbs/audit/audit_segment.h"
#include "lib/base/utc.h"

#define VERIFIED_AT_ONCE 1000u

static void find_bad(struct audit_check *check, uint64_t seq, const char *problem)
{
    if (check->problem)
        return;
    check->first_bad = seq;
    check->problem = problem;
}

/* The number and time inside the line, which the hash covers; the columns beside it are only for
 * searching. */
static bool line_says(const struct audit_entry *entry)
{
    json_t *line = json_loads(entry->line, 0, NULL);
    const char *time = json_string_value(json_object_get(line, "time"));
    char when[UTC_TEXT_SIZE];
    bool says = json_integer_value(json_object_get(line, "seq")) == (json_int_t)entry->seq;

    utc_text(entry->time, when);
    says = says && time && strcmp(time, when) == 0;
    json_decref(line);
    return says;
}

struct step {
    struct audit_check *check;
    unsigned taken;
};

static void verify_row(void *context, const struct audit_row *row)
{
    struct step *step = context;
    struct audit_check *check = step->check;
    const struct audit_entry *entry = &row->entry;
    uint64_t next = audit_check_line(check) + 1;
    uint8_t hash[AUDIT_HASH_SIZE];

    step->taken++;
    if (check->problem)
        return;
    if (entry->seq != next) {
        find_bad(check, next, "the line is missing");
    } else if (row->broken) {
        find_bad(check, entry->seq, "the line is not as any line is written");
    } else if (!line_says(entry)) {
        find_bad(check, entry->seq, "the line has another number or time");
    } else if (!audit_hash(check->head, entry->line, row->length, hash)) {
        find_bad(check, entry->seq, "the line could not be hashed");
    } else if (memcmp(hash, entry->hash, sizeof(hash)) != 0) {
        find_bad(check, entry->seq, "the line does not follow from the one before");
    } else {
        memcpy(check->head, hash, sizeof(hash));
        check->entries++;
    }
}

/* Whether the chain ends here, at a line that the head names. */
static enum store_status compare_with_tail(struct store_unit *unit, struct audit_check *check)
{
    uint64_t line = audit_check_line(check);
    struct audit_tail tail;
    enum store_status status = audit_tail(unit, &tail);

    if (status != STORE_OK || check->problem)
        return status;
    if (tail.seq > line)
        find_bad(check, line + 1, "the lines from here to the head are missing");
    else if (tail.seq < line || memcmp(tail.hash, check->head, AUDIT_HASH_SIZE) != 0)
        find_bad(check, line, "the head names another line as the last one");
    return STORE_OK;
}

/* Begins behind what was pruned, or goes on there. */
static void begin_at(struct audit_check *check, const struct audit_tail *base)
{
    uint64_t line = audit_check_line(check);

    if (base->seq >= line) {
        check->entries = 0;
        memcpy(check->head, base->hash, sizeof(check->head));
    } else {
        check->entries = line - base->seq;
    }
    check->archived = base->seq;
}

/* Whether what was checked before is still in the log. */
static enum store_status look_back(struct store_unit *unit, struct audit_check *check)
{
    struct audit_tail base, last = {.seq = audit_check_line(check)};
    enum store_status status = audit_base(unit, &base);

    if (status != STORE_OK)
        return status;
    memcpy(last.hash, check->head, sizeof(last.hash));
    if (base.seq < check->archived ||
        (base.seq == last.seq && memcmp(base.hash, last.hash, sizeof(base.hash)) != 0)) {
        find_bad(check, base.seq, "what was archived is told otherwise than before");
        return STORE_OK;
    }
    begin_at(check, &base);
    if (check->entries > 0)
        status = audit_has(unit, &last);
    if (status == STORE_NOT_FOUND)
        find_bad(check, last.seq, "the line is another than was verified before, or gone");
    return status == STORE_NOT_FOUND ? STORE_OK : status;
}

/* In the first step lines from 0 on are looked at, where there must not be one. */
enum store_status audit_verify_step(struct store_unit *unit, struct audit_check *check,
                                    unsigned limit, bool *ended)
{
    struct step step = {.check = check};
    enum store_status status = look_back(unit, check);
    uint64_t line = audit_check_line(check);

    *ended = true;
    if (status == STORE_OK && !check->problem)
        status = audit_each_row(unit, line > 0 ? line + 1 : 0, limit, verify_row, &step);
    if (status != STORE_OK || check->problem)
        return status;
    *ended = step.taken < limit;
    return *ended ? compare_with_tail(unit, check) : STORE_OK;
}

enum store_status audit_verify(struct store_unit *unit, struct audit_check *check)
{
    enum store_status status = STORE_OK;
    bool ended = false;

    *check = (struct audit_check){0};
    while (status == STORE_OK && !ended)
        status = audit_verify_step(unit, check, VERIFIED_AT_ONCE, &ended);
    return status;
}
