/* SPDX-License-Identifier: MIT */
/* Explanations of measurements that are not accepted. */
#include <stdio.h>
#include <string.h>

#include "kbs/explain/explain.h"
#include "lib/igvm/boot_state.h"
#include "tests/unit/registered.h"

/* A small image: firmware, the SVSM, its parameters, pages of the host, a service, a processor. */
static void make_image(struct launch_pages *pages, uint8_t firmware, uint8_t parameters)
{
    uint8_t page[PAGE_SIZE] = {0};
    static const uint8_t zeros[PAGE_SIZE];

    *pages = (struct launch_pages){0};
    for (int i = 0; i < 4; i++) {
        page[0] = (uint8_t)(firmware + i);
        assert_int_equal(launch_pages_add(pages, SNP_PAGE_NORMAL, 0xFFC00000 + (uint64_t)i * 4096,
                                          page, "firmware"),
                         LAUNCH_PAGES_OK);
    }
    page[0] = 0x51;
    assert_int_equal(launch_pages_add(pages, SNP_PAGE_NORMAL, 0x8000000, page, "SVSM kernel"),
                     LAUNCH_PAGES_OK);
    assert_int_equal(launch_pages_add(pages, SNP_PAGE_NORMAL, 0x8001000, zeros, "SVSM kernel"),
                     LAUNCH_PAGES_OK);
    page[0] = parameters;
    assert_int_equal(launch_pages_add(pages, SNP_PAGE_NORMAL, 0x8002000, page, "boot parameters"),
                     LAUNCH_PAGES_OK);
    assert_int_equal(launch_pages_add(pages, SNP_PAGE_SECRETS, 0x8003000, NULL, "secrets"),
                     LAUNCH_PAGES_OK);
    page[0] = 0x77;
    assert_int_equal(launch_pages_add(pages, SNP_PAGE_NORMAL, 0x8004000, page, "service tpm"),
                     LAUNCH_PAGES_OK);
    page[0] = 0x99;
    assert_int_equal(launch_pages_add(pages, SNP_PAGE_VMSA, VMSA_LAUNCH_GPA, page, "VMSA"),
                     LAUNCH_PAGES_OK);
}

static struct launch_digest digest_of(const struct launch_pages *pages)
{
    struct launch_digest digest;

    assert_true(launch_pages_digest(pages, &digest));
    return digest;
}

static struct explainer explainer;

static const struct explanation *explain(const struct launch_digest *measurement,
                                         const struct launch_pages *launched,
                                         const struct explained_image *images, size_t count)
{
    explain_begin(&explainer, measurement->ld, launched);
    for (size_t i = 0; i < count; i++)
        assert_true(explain_consider(&explainer, &images[i]));
    return explain_end(&explainer);
}

static struct explained_image image_of(const char *name, const struct launch_pages *pages)
{
    struct explained_image image = {.name = name, .pages = pages};
    struct launch_digest digest = digest_of(pages);

    memcpy(image.measurement, digest.ld, sizeof(image.measurement));
    return image;
}

static void assert_says(const struct explanation *explanation, enum explanation_verdict verdict,
                        const char *part)
{
    for (size_t i = 0; i < explanation->line_count; i++)
        if (explanation->verdict == verdict && strstr(explanation->lines[i], part))
            return;
    for (size_t i = 0; i < explanation->line_count; i++)
        print_error("  %s\n", explanation->lines[i]);
    fail_msg("expected %s with \"%s\", found %s", explanation_code(verdict), part,
             explanation_code(explanation->verdict));
}

TEST(a_registered_or_retired_image_is_named)
{
    struct launch_pages pages;
    struct explained_image image;
    struct launch_digest digest;

    make_image(&pages, 1, 1);
    digest = digest_of(&pages);
    image = image_of("web", &pages);
    assert_says(explain(&digest, NULL, &image, 1), EXPLANATION_REGISTERED, "it is image web");
    image.retired = true;
    assert_says(explain(&digest, NULL, &image, 1), EXPLANATION_RETIRED, "retired");
    image.pages = NULL;
    assert_says(explain(&digest, NULL, &image, 1), EXPLANATION_RETIRED, "retired");
    launch_pages_free(&pages);
}

/* What the measurement of the changed list is explained with, for the image that it came from. */
static void assert_guessed(const struct launch_pages *launched, const char *part)
{
    struct launch_digest digest = digest_of(launched);
    struct launch_pages pages, other;
    struct explained_image images[2];

    make_image(&pages, 1, 1);
    make_image(&other, 9, 9);
    images[0] = image_of("other", &other);
    images[1] = image_of("web", &pages);
    assert_says(explain(&digest, NULL, images, 2), EXPLANATION_WENT_WRONG, part);
    assert_string_equal(explainer.explanation.image, "web");
    launch_pages_free(&pages);
    launch_pages_free(&other);
}

TEST(a_launch_that_ended_early_is_recognised)
{
    struct launch_pages launched;

    make_image(&launched, 1, 1);
    launched.count = 6;
    assert_guessed(&launched, "ended after 6 of its 10 pages, before the boot parameters at "
                              "0x8002000");
    launched.count = 9;
    assert_guessed(&launched, "no processor (VMSA)");
    launch_pages_free(&launched);
}

TEST(more_processors_are_recognised)
{
    struct vmsa reset = boot_state_reset(0xA00F11, 1);
    struct launch_pages launched;

    make_image(&launched, 1, 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(launch_pages_add(&launched, SNP_PAGE_VMSA, VMSA_LAUNCH_GPA,
                                          (const uint8_t *)&reset, "VMSA"),
                         LAUNCH_PAGES_OK);
    assert_guessed(&launched, "3 processors more, in reset state as of QEMU's -cpu EPYC-Milan");
    launched.count = 10;
    assert_int_equal(launch_pages_append(&launched, &launched.pages[9]), LAUNCH_PAGES_OK);
    assert_guessed(&launched, "1 processor more, each like the first");
    launch_pages_free(&launched);
}

static void swap_pages(struct launch_pages *pages, size_t from, size_t to)
{
    struct launch_page page = pages->pages[from];

    memmove(&pages->pages[from], &pages->pages[from + 1], (pages->count - from - 1) * sizeof(page));
    memmove(&pages->pages[to + 1], &pages->pages[to], (pages->count - 1 - to) * sizeof(page));
    pages->pages[to] = page;
}

TEST(another_order_is_recognised)
{
    struct launch_pages launched;

    make_image(&launched, 1, 1);
    swap_pages(&launched, 9, 0);
    assert_guessed(&launched, "before memory");
    swap_pages(&launched, 0, 4);
    assert_guessed(&launched, "before the SVSM kernel at 0x8000000, not last");
    launch_pages_free(&launched);

    make_image(&launched, 1, 1);
    for (int i = 0; i < 4; i++)
        swap_pages(&launched, 0, 8);
    assert_guessed(&launched, "in the order of their addresses");
    launch_pages_free(&launched);
}

TEST(a_page_that_was_left_out_is_named)
{
    struct launch_pages launched;

    make_image(&launched, 1, 1);
    swap_pages(&launched, 8, 9);
    launched.count = 9;
    assert_guessed(&launched, "one page was left out: the service tpm at 0x8004000");
    launch_pages_free(&launched);
}

TEST(pages_of_zeros_that_were_not_measured_as_such_are_recognised)
{
    struct launch_pages launched;

    make_image(&launched, 1, 1);
    launched.pages[5].type = SNP_PAGE_ZERO;
    memset(launched.pages[5].contents, 0, sizeof(launched.pages[5].contents));
    assert_guessed(&launched, "as pages of type ZERO");
    launch_pages_free(&launched);
}

TEST(pages_that_differ_are_named_with_the_closest_image)
{
    struct launch_pages launched, close, far;
    struct launch_digest digest;
    struct explained_image images[2];
    const struct explanation *explanation;

    make_image(&launched, 1, 2);
    make_image(&close, 1, 1);
    make_image(&far, 9, 1);
    digest = digest_of(&launched);
    images[0] = image_of("far", &far);
    images[1] = image_of("close", &close);
    explanation = explain(&digest, &launched, images, 2);
    assert_string_equal(explanation->image, "close");
    assert_says(explanation, EXPLANATION_DIFFERENT_PAGES, "is close, with 1 page that differs");
    assert_says(explanation, EXPLANATION_DIFFERENT_PAGES, "pinned KBS keys or volume");
    explanation = explain(&digest, &launched, images, 1);
    assert_says(explanation, EXPLANATION_DIFFERENT_PAGES, "firmware: 4 pages from 0xffc00000");
    launch_pages_free(&launched);
    launch_pages_free(&close);
    launch_pages_free(&far);
}

TEST(what_fits_nothing_is_said_to)
{
    struct launch_digest digest = {.ld = {1}};
    struct launch_pages pages;
    struct explained_image images[2];

    assert_says(explain(&digest, NULL, NULL, 0), EXPLANATION_UNKNOWN,
                "none of the 0 registered images");
    assert_says(explain(&(struct launch_digest){0}, NULL, NULL, 0), EXPLANATION_UNKNOWN,
                "nothing was measured");
    make_image(&pages, 1, 1);
    images[0] = image_of("web", &pages);
    images[1] = (struct explained_image){.name = "bare"};
    assert_says(explain(&digest, NULL, images, 2), EXPLANATION_UNKNOWN,
                "the pages of 1 registered image are not known");
    launch_pages_free(&pages);
}

TEST(retired_images_are_not_counted_as_registered)
{
    struct launch_digest digest = {.ld = {1}};
    struct explained_image images[3] = {
        {.name = "new"}, {.name = "old", .retired = true}, {.name = "older", .retired = true}};
    const struct explanation *explanation = explain(&digest, NULL, images, 3);

    assert_says(explanation, EXPLANATION_UNKNOWN, "none of the 1 registered image");
    assert_says(explanation, EXPLANATION_UNKNOWN, "nor of the 2 retired images");
    assert_says(explanation, EXPLANATION_UNKNOWN, "the pages of 1 registered image");
}

TEST(a_large_image_does_not_take_for_ever)
{
    static const uint8_t page[PAGE_SIZE] = {1};
    struct launch_digest digest = {.ld = {1}};
    struct launch_pages pages = {0};
    struct explained_image image;

    for (uint64_t i = 0; i < 20000; i++)
        assert_int_equal(launch_pages_add(&pages, SNP_PAGE_NORMAL, i * PAGE_SIZE, page, "memory"),
                         LAUNCH_PAGES_OK);
    image = image_of("large", &pages);
    assert_says(explain(&digest, NULL, &image, 1), EXPLANATION_UNKNOWN,
                "not every single page could be tried");
    launch_pages_free(&pages);
}
