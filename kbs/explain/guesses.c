/* SPDX-License-Identifier: MIT */
#include "kbs/explain/guesses.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/igvm/boot_state.h"
#include "lib/snp/vmsa.h"

#define PROCESSORS_MAX 512 /* of one VM that are tried */

static bool is_met(const struct guess *guess, const struct launch_digest *digest)
{
    return memcmp(digest->ld, guess->measurement, LAUNCH_DIGEST_SIZE) == 0;
}

__attribute__((format(printf, 2, 3))) static void meet(struct guess *guess, const char *format, ...)
{
    va_list arguments;

    guess->met = true;
    va_start(arguments, format);
    vsnprintf(guess->text, sizeof(guess->text), format, arguments);
    va_end(arguments);
}

/* Whether count more steps may be made. */
static bool may_step(struct guess *guess, size_t count)
{
    if (guess->met || *guess->steps < count) {
        if (!guess->met)
            *guess->steps = 0;
        return false;
    }
    *guess->steps -= count;
    return true;
}

static bool extend(struct launch_digest *digest, const struct launch_page *pages, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!launch_page_extend(&pages[i], digest))
            return false;
    return true;
}

/* How many pages come before the processors, which KVM measures last. */
static size_t memory_count(const struct launch_pages *pages)
{
    size_t count = pages->count;

    while (count > 0 && pages->pages[count - 1].type == SNP_PAGE_VMSA)
        count--;
    return count;
}

/* Ended early */

static void meet_early_end(struct guess *guess, size_t done)
{
    const struct launch_pages *pages = guess->pages;
    const struct launch_page *next = &pages->pages[done];

    if (done == memory_count(pages))
        meet(guess, "all of its memory was measured, but no processor (VMSA)");
    else
        meet(guess, "the launch ended after %zu of its %zu pages, before the %s at 0x%llx", done,
             pages->count, launch_pages_part(pages, next), (unsigned long long)next->gpa);
}

static bool guess_early_end(struct guess *guess)
{
    const struct launch_pages *pages = guess->pages;
    struct launch_digest digest = {0};

    if (!may_step(guess, pages->count))
        return true;
    for (size_t i = 0; i + 1 < pages->count && !guess->met; i++) {
        if (!launch_page_extend(&pages->pages[i], &digest))
            return false;
        if (is_met(guess, &digest))
            meet_early_end(guess, i + 1);
    }
    return true;
}

/* More processors: a host without SVSM support measures all that the VM has, in reset state. */

static const struct {
    uint32_t signature; /* CPUID Fn1 EAX, which reset leaves in EDX */
    const char *name;
} cpu_models[] = {
    {0x800F12, "EPYC"},       {0x830F10, "EPYC-Rome"},  {0xA00F11, "EPYC-Milan"},
    {0xA10F10, "EPYC-Genoa"}, {0xB00F00, "EPYC-Turin"},
};

/* Meets when so many of the same processor, measured behind the image, give the measurement. */
static bool guess_processors(struct guess *guess, const struct launch_digest *image,
                             const uint8_t contents[LAUNCH_DIGEST_SIZE], const char *what)
{
    struct launch_digest digest = *image;
    struct launch_page page = {.gpa = VMSA_LAUNCH_GPA, .type = SNP_PAGE_VMSA};

    memcpy(page.contents, contents, sizeof(page.contents));
    if (!may_step(guess, PROCESSORS_MAX))
        return true;
    for (unsigned count = 1; count < PROCESSORS_MAX && !guess->met; count++) {
        if (!launch_page_extend(&page, &digest))
            return false;
        if (is_met(guess, &digest))
            meet(guess,
                 "the host measured %u processor%s more, %s: it has no support for an SVSM, "
                 "or the VM was given several vCPUs by other means",
                 count, count > 1 ? "s" : "", what);
    }
    return true;
}

static bool guess_reset_processors(struct guess *guess, const struct launch_digest *image)
{
    uint8_t contents[LAUNCH_DIGEST_SIZE];
    char what[64];

    for (size_t i = 0; i < sizeof(cpu_models) / sizeof(cpu_models[0]) && !guess->met; i++) {
        struct vmsa vmsa = boot_state_reset(cpu_models[i].signature, SEV_FEATURE_SNP_ACTIVE);

        snprintf(what, sizeof(what), "in reset state as of QEMU's -cpu %s", cpu_models[i].name);
        if (!launch_digest_contents(SNP_PAGE_VMSA, (const uint8_t *)&vmsa, contents) ||
            !guess_processors(guess, image, contents, what))
            return false;
    }
    return true;
}

static bool guess_more_processors(struct guess *guess)
{
    const struct launch_pages *pages = guess->pages;
    size_t memory = memory_count(pages);
    struct launch_digest digest = {0};

    if (!may_step(guess, pages->count))
        return true;
    if (!extend(&digest, pages->pages, pages->count))
        return false;
    if (memory < pages->count &&
        !guess_processors(guess, &digest, pages->pages[memory].contents, "each like the first"))
        return false;
    return guess_reset_processors(guess, &digest);
}

/* Other orders and types */

/* Meets when these pages in this order give the measurement. */
static bool guess_list(struct guess *guess, const struct launch_page *list, size_t count,
                       const char *text)
{
    struct launch_digest digest = {0};

    if (!may_step(guess, count))
        return true;
    if (!extend(&digest, list, count))
        return false;
    if (is_met(guess, &digest))
        meet(guess, "%s", text);
    return true;
}

static int compare_gpa(const void *a, const void *b)
{
    const struct launch_page *left = a, *right = b;

    return (left->gpa > right->gpa) - (left->gpa < right->gpa);
}

/* list is a copy of the pages to be changed at will. */
static bool guess_changed_lists(struct guess *guess, struct launch_page *list)
{
    const struct launch_pages *pages = guess->pages;
    size_t memory = memory_count(pages), processors = pages->count - memory;
    static const uint8_t zeros[PAGE_SIZE];
    uint8_t zero_contents[LAUNCH_DIGEST_SIZE];

    if (!launch_digest_contents(SNP_PAGE_NORMAL, zeros, zero_contents))
        return false;
    memcpy(list, pages->pages + memory, processors * sizeof(*list));
    memcpy(list + processors, pages->pages, memory * sizeof(*list));
    if (processors > 0 &&
        !guess_list(guess, list, pages->count, "the processor (VMSA) was measured before memory"))
        return false;

    memcpy(list, pages->pages, pages->count * sizeof(*list));
    qsort(list, memory, sizeof(*list), compare_gpa);
    if (!guess_list(guess, list, pages->count,
                    "its pages were measured in the order of their addresses"))
        return false;

    memcpy(list, pages->pages, pages->count * sizeof(*list));
    for (size_t i = 0; i < memory; i++)
        if (list[i].type == SNP_PAGE_NORMAL &&
            memcmp(list[i].contents, zero_contents, sizeof(zero_contents)) == 0) {
            list[i].type = SNP_PAGE_ZERO;
            memset(list[i].contents, 0, sizeof(list[i].contents));
        }
    return guess_list(guess, list, pages->count,
                      "its pages of zeros were measured as pages of type ZERO");
}

static bool guess_other_lists(struct guess *guess)
{
    struct launch_page *list;
    bool done = true;

    if (guess->pages->count == 0)
        return true;
    list = calloc(guess->pages->count, sizeof(*list));
    if (list)
        done = guess_changed_lists(guess, list);
    free(list);
    return done;
}

/* Without one page, or with the processor in the middle: a hash of all the rest for each page */

static bool guess_without_page(struct guess *guess)
{
    const struct launch_pages *pages = guess->pages;
    struct launch_digest before = {0};

    for (size_t i = 0; i < pages->count; i++) {
        const struct launch_page *page = &pages->pages[i];
        struct launch_digest digest = before;

        if (!may_step(guess, pages->count - i))
            return true;
        if (!extend(&digest, page + 1, pages->count - i - 1))
            return false;
        if (is_met(guess, &digest))
            meet(guess, "one page was left out: the %s at 0x%llx", launch_pages_part(pages, page),
                 (unsigned long long)page->gpa);
        if (!launch_page_extend(page, &before))
            return false;
    }
    return true;
}

static bool guess_moved_processor(struct guess *guess)
{
    const struct launch_pages *pages = guess->pages;
    size_t memory = memory_count(pages);
    struct launch_digest before = {0};

    if (memory + 1 != pages->count)
        return true;
    for (size_t i = 0; i < memory; i++) {
        struct launch_digest digest = before;

        if (!may_step(guess, pages->count - i))
            return true;
        if (!launch_page_extend(&pages->pages[memory], &digest) ||
            !extend(&digest, &pages->pages[i], memory - i))
            return false;
        if (is_met(guess, &digest))
            meet(guess, "the processor (VMSA) was measured before the %s at 0x%llx, not last",
                 launch_pages_part(pages, &pages->pages[i]),
                 (unsigned long long)pages->pages[i].gpa);
        if (!launch_page_extend(&pages->pages[i], &before))
            return false;
    }
    return true;
}

bool guesses_make(struct guess *guess)
{
    guess->met = false;
    /* The cheap ones first. */
    return guess_early_end(guess) && guess_more_processors(guess) && guess_other_lists(guess) &&
           guess_without_page(guess) && guess_moved_processor(guess);
}
