/* SPDX-License-Identifier: MIT */
#include "lib/igvm/launch_difference.h"

#include <stdio.h>
#include <string.h>

/* Differences on their way to the visitor, of which the last may still grow. */
struct report {
    void (*visit)(void *context, const struct launch_difference *difference);
    void *context;
    struct launch_difference last; /* pages 0: none */
    size_t visits;
};

/* The pages of one part of one image, in their order. */
struct part_cursor {
    const struct launch_pages *pages;
    const char *part;
    size_t next;
};

static void flush(struct report *report)
{
    if (report->last.pages > 0) {
        report->visit(report->context, &report->last);
        report->visits++;
    }
    report->last = (struct launch_difference){0};
}

/* Whether a difference in the next pages is the last one going on. */
static bool continues(const struct launch_difference *last, const struct launch_difference *next)
{
    uint64_t size = last->pages * PAGE_SIZE;

    return last->pages > 0 && next->kind == last->kind && next->part == last->part &&
           (next->kind == LAUNCH_ADDED || next->first_gpa == last->first_gpa + size) &&
           (next->kind == LAUNCH_REMOVED || next->second_gpa == last->second_gpa + size);
}

static void add(struct report *report, enum launch_difference_kind kind, const char *part,
                uint64_t first_gpa, uint64_t second_gpa)
{
    struct launch_difference next = {kind, part, first_gpa, second_gpa, 1};

    if (continues(&report->last, &next)) {
        report->last.pages++;
        return;
    }
    flush(report);
    report->last = next;
}

static const struct launch_page *take(struct part_cursor *cursor)
{
    while (cursor->next < cursor->pages->count) {
        const struct launch_page *page = &cursor->pages->pages[cursor->next++];

        if (strcmp(launch_pages_part(cursor->pages, page), cursor->part) == 0)
            return page;
    }
    return NULL;
}

static void compare_pages(struct report *report, const char *part, const struct launch_page *first,
                          const struct launch_page *second)
{
    if (first->type != second->type || memcmp(first->vmpl_permissions, second->vmpl_permissions,
                                              sizeof(first->vmpl_permissions)) != 0)
        add(report, LAUNCH_TYPE, part, first->gpa, second->gpa);
    else if (memcmp(first->contents, second->contents, sizeof(first->contents)) != 0)
        add(report, LAUNCH_CONTENTS, part, first->gpa, second->gpa);
    else if (first->gpa != second->gpa)
        add(report, LAUNCH_MOVED, part, first->gpa, second->gpa);
}

static void compare_parts(struct report *report, const struct launch_pages *first,
                          const struct launch_pages *second, const char *part)
{
    struct part_cursor in_first = {.pages = first, .part = part};
    struct part_cursor in_second = {.pages = second, .part = part};
    const struct launch_page *a = take(&in_first), *b = take(&in_second);

    for (; a && b; a = take(&in_first), b = take(&in_second))
        compare_pages(report, part, a, b);
    for (; a; a = take(&in_first))
        add(report, LAUNCH_REMOVED, part, a->gpa, 0);
    for (; b; b = take(&in_second))
        add(report, LAUNCH_ADDED, part, 0, b->gpa);
    flush(report);
}

static bool has_part(const struct launch_pages *pages, const char *part)
{
    for (size_t i = 0; i < pages->part_count; i++) {
        if (strcmp(pages->parts[i], part) == 0)
            return true;
    }
    return false;
}

/* With the same pages in each part, the parts can still be interleaved in another way. */
static bool is_order_same(const struct launch_pages *first, const struct launch_pages *second)
{
    for (size_t i = 0; i < first->count; i++) {
        const struct launch_page *a = &first->pages[i], *b = &second->pages[i];

        if (strcmp(launch_pages_part(first, a), launch_pages_part(second, b)) != 0)
            return false;
    }
    return true;
}

size_t launch_difference_each(const struct launch_pages *first, const struct launch_pages *second,
                              void (*visit)(void *context,
                                            const struct launch_difference *difference),
                              void *context)
{
    struct report report = {.visit = visit, .context = context};

    for (size_t i = 0; i < first->part_count; i++)
        compare_parts(&report, first, second, first->parts[i]);
    for (size_t i = 0; i < second->part_count; i++) {
        if (!has_part(first, second->parts[i]))
            compare_parts(&report, first, second, second->parts[i]);
    }
    if (report.visits == 0 && !is_order_same(first, second)) {
        report.last =
            (struct launch_difference){.kind = LAUNCH_ORDER, .part = "", .pages = first->count};
        flush(&report);
    }
    return report.visits;
}

static const char *kind_text(enum launch_difference_kind kind, bool one)
{
    switch (kind) {
    case LAUNCH_CONTENTS:
        return one ? "has other contents" : "have other contents";
    case LAUNCH_TYPE:
        return one ? "is of another type" : "are of another type";
    case LAUNCH_MOVED:
        return one ? "has moved to" : "have moved to";
    case LAUNCH_ADDED:
        return one ? "was added" : "were added";
    case LAUNCH_REMOVED:
        return one ? "was removed" : "were removed";
    case LAUNCH_ORDER:
        break;
    }
    return "";
}

int launch_difference_text(const struct launch_difference *difference, char *text, size_t size)
{
    bool one = difference->pages == 1;
    unsigned long long second = difference->second_gpa;
    unsigned long long first = difference->kind == LAUNCH_ADDED ? second : difference->first_gpa;
    char count[32] = "the page", moved[32] = "";

    if (difference->kind == LAUNCH_ORDER)
        return snprintf(text, size, "the same pages are measured in another order");
    if (!one)
        snprintf(count, sizeof(count), "%zu pages", difference->pages);
    if (difference->kind == LAUNCH_MOVED)
        snprintf(moved, sizeof(moved), " 0x%llx", second);
    return snprintf(text, size, "%s: %s %s 0x%llx %s%s", difference->part, count,
                    one ? "at" : "from", first, kind_text(difference->kind, one), moved);
}
