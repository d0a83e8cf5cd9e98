/* SPDX-License-Identifier: MIT */
/* Lists of launch pages as bytes; launch_pages.h lays them out. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/writer.h"
#include "lib/igvm/launch_pages.h"

#define MAGIC         "SNPPAGES"
#define MAGIC_SIZE    8
#define VERSION       1
#define HEADER_SIZE   (MAGIC_SIZE + 1 + 1 + 4)
#define RUN_SIZE      (8 + 4 + 1 + (VMPL_COUNT - 1) + 1 + 1)
#define PRINTABLE_MIN 0x20
#define PRINTABLE_MAX 0x7E

enum digests {
    DIGESTS_NONE = 0,
    DIGESTS_ONE = 1,
    DIGESTS_EACH = 2,
};

/* Where the digests of a run stand is the run's only difference from a page. */
struct run {
    struct launch_page first; /* and what all its pages share */
    uint32_t count;
    uint8_t digests; /* enum digests */
};

static bool has_contents(uint8_t type)
{
    return type == SNP_PAGE_NORMAL || type == SNP_PAGE_VMSA;
}

/* Encoding */

static bool follows(const struct launch_page *page, const struct launch_page *next)
{
    return next->gpa == page->gpa + PAGE_SIZE && next->type == page->type &&
           next->part == page->part &&
           memcmp(next->vmpl_permissions, page->vmpl_permissions, sizeof(page->vmpl_permissions)) ==
               0;
}

static bool follows_alike(const struct launch_page *page, const struct launch_page *next)
{
    return follows(page, next) && memcmp(next->contents, page->contents, LAUNCH_DIGEST_SIZE) == 0;
}

/* The run that starts at pages[0]. One of unlike pages ends before two that are alike. */
static struct run run_at(const struct launch_page *pages, size_t count)
{
    struct run run = {.first = pages[0], .count = 1, .digests = DIGESTS_NONE};

    while (run.count < count && follows_alike(&pages[run.count - 1], &pages[run.count]))
        run.count++;
    if (!has_contents(pages[0].type))
        return run;
    run.digests = DIGESTS_ONE;
    if (run.count > 1)
        return run;
    while (run.count < count && follows(&pages[run.count - 1], &pages[run.count]) &&
           (run.count + 1 == count || !follows_alike(&pages[run.count], &pages[run.count + 1]))) {
        run.count++;
        run.digests = DIGESTS_EACH;
    }
    return run;
}

MUST_CHECK static bool put_run(struct writer *w, const struct run *run,
                               const struct launch_page *pages)
{
    const struct launch_page *first = &run->first;
    size_t digests = run->digests == DIGESTS_EACH ? run->count : run->digests;

    if (!writer_le64(w, first->gpa) || !writer_le32(w, run->count) || !writer_u8(w, first->type) ||
        !writer_put(w, first->vmpl_permissions, sizeof(first->vmpl_permissions)) ||
        !writer_u8(w, first->part) || !writer_u8(w, run->digests))
        return false;
    for (size_t i = 0; i < digests; i++) {
        if (!writer_put(w, pages[i].contents, LAUNCH_DIGEST_SIZE))
            return false;
    }
    return true;
}

MUST_CHECK static bool put_parts(struct writer *w, const struct launch_pages *pages)
{
    for (size_t i = 0; i < pages->part_count; i++) {
        size_t length = strlen(pages->parts[i]);

        if (!writer_u8(w, (uint8_t)length) || !writer_put(w, pages->parts[i], length))
            return false;
    }
    return true;
}

MUST_CHECK static bool put_pages(struct writer *w, const struct launch_pages *pages)
{
    uint32_t runs = 0;
    uint8_t *run_count;

    if (!writer_put(w, MAGIC, MAGIC_SIZE) || !writer_u8(w, VERSION) ||
        !writer_u8(w, (uint8_t)pages->part_count) ||
        !writer_reserve(w, &run_count, sizeof(uint32_t)) || !put_parts(w, pages))
        return false;
    for (size_t i = 0; i < pages->count; runs++) {
        struct run run = run_at(&pages->pages[i], pages->count - i);

        if (!put_run(w, &run, &pages->pages[i]))
            return false;
        i += run.count;
    }
    put_le32(run_count, runs);
    return true;
}

enum launch_pages_status launch_pages_encode(const struct launch_pages *pages, uint8_t **bytes,
                                             size_t *size)
{
    /* No run is longer than its pages as runs of one. */
    size_t room = HEADER_SIZE + pages->part_count * LAUNCH_PART_SIZE +
                  pages->count * (RUN_SIZE + LAUNCH_DIGEST_SIZE);
    uint8_t *buffer = malloc(room);
    struct writer w = writer_over(buffer, room);

    if (!buffer || !put_pages(&w, pages)) {
        free(buffer);
        return LAUNCH_PAGES_NO_MEMORY;
    }
    *bytes = buffer;
    *size = w.used;
    return LAUNCH_PAGES_OK;
}

/* Decoding */

MUST_CHECK static bool take_part(struct reader *r, char part[LAUNCH_PART_SIZE])
{
    uint8_t length;

    if (!reader_u8(r, &length) || length == 0 || length >= LAUNCH_PART_SIZE ||
        !reader_copy(r, part, length))
        return false;
    part[length] = '\0';
    for (size_t i = 0; i < length; i++) {
        if (part[i] < PRINTABLE_MIN || part[i] > PRINTABLE_MAX)
            return false;
    }
    return true;
}

/* Parts have unlike names, so that a name stands for one part. */
static bool is_new_part(const struct launch_pages *pages)
{
    for (size_t i = 0; i < pages->part_count; i++) {
        if (strcmp(pages->parts[i], pages->parts[pages->part_count]) == 0)
            return false;
    }
    return true;
}

MUST_CHECK static bool take_parts(struct reader *r, struct launch_pages *pages, uint8_t count)
{
    if (count > LAUNCH_PARTS_MAX)
        return false;
    for (; pages->part_count < count; pages->part_count++) {
        if (!take_part(r, pages->parts[pages->part_count]) || !is_new_part(pages))
            return false;
    }
    return true;
}

/* Known type and part, whole pages, at least one, that do not wrap round the address space. */
static bool run_is_valid(const struct run *run, const struct launch_pages *pages)
{
    const struct launch_page *first = &run->first;
    uint64_t last = (uint64_t)(run->count - 1) * PAGE_SIZE;

    return run->count > 0 && first->gpa % PAGE_SIZE == 0 && first->gpa <= UINT64_MAX - last &&
           first->type >= SNP_PAGE_NORMAL && first->type <= SNP_PAGE_CPUID &&
           first->part < pages->part_count && run->digests <= DIGESTS_EACH &&
           has_contents(first->type) == (run->digests != DIGESTS_NONE);
}

MUST_CHECK static bool take_run(struct reader *r, const struct launch_pages *pages, struct run *run)
{
    struct launch_page *first = &run->first;

    *run = (struct run){0};
    return reader_le64(r, &first->gpa) && reader_le32(r, &run->count) &&
           reader_u8(r, &first->type) &&
           reader_copy(r, first->vmpl_permissions, sizeof(first->vmpl_permissions)) &&
           reader_u8(r, &first->part) && reader_u8(r, &run->digests) && run_is_valid(run, pages);
}

static enum launch_pages_status take_pages(struct reader *r, struct launch_pages *pages,
                                           const struct run *run)
{
    struct launch_page page = run->first;
    enum launch_pages_status status = LAUNCH_PAGES_OK;

    if (run->count > LAUNCH_PAGES_MAX - pages->count)
        return LAUNCH_PAGES_TOO_MANY;
    for (uint32_t i = 0; i < run->count && status == LAUNCH_PAGES_OK; i++) {
        if ((run->digests == DIGESTS_EACH || (run->digests == DIGESTS_ONE && i == 0)) &&
            !reader_copy(r, page.contents, sizeof(page.contents)))
            return LAUNCH_PAGES_MALFORMED;
        status = launch_pages_append(pages, &page);
        page.gpa += PAGE_SIZE;
    }
    return status;
}

static enum launch_pages_status take_runs(struct reader *r, struct launch_pages *pages,
                                          uint32_t count)
{
    enum launch_pages_status status = LAUNCH_PAGES_OK;
    struct run run;

    for (uint32_t i = 0; i < count && status == LAUNCH_PAGES_OK; i++)
        status = take_run(r, pages, &run) ? take_pages(r, pages, &run) : LAUNCH_PAGES_MALFORMED;
    if (status == LAUNCH_PAGES_OK && !reader_at_end(r))
        status = LAUNCH_PAGES_MALFORMED;
    return status;
}

enum launch_pages_status launch_pages_decode(struct launch_pages *pages, const void *bytes,
                                             size_t size)
{
    struct reader r = reader_over(bytes, size);
    const uint8_t *magic;
    uint8_t version, parts;
    uint32_t runs;

    *pages = (struct launch_pages){0};
    if (!reader_borrow(&r, &magic, MAGIC_SIZE) || memcmp(magic, MAGIC, MAGIC_SIZE) != 0 ||
        !reader_u8(&r, &version) || version == 0)
        return LAUNCH_PAGES_MALFORMED;
    if (version != VERSION)
        return LAUNCH_PAGES_VERSION;
    if (!reader_u8(&r, &parts) || !reader_le32(&r, &runs) || !take_parts(&r, pages, parts))
        return LAUNCH_PAGES_MALFORMED;
    return take_runs(&r, pages, runs);
}
