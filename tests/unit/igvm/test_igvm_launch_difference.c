/* SPDX-License-Identifier: MIT */
/* What is said of two images that differ. */
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "igvm/directives.h"
#include "lib/igvm/launch_difference.h"
#include "samples.h"
#include "tests/unit/registered.h"

/* One line for each difference. */
struct lines {
    char text[2048];
    size_t count;
};

static void add_line(void *context, const struct launch_difference *difference)
{
    struct lines *lines = context;
    size_t used = strlen(lines->text);
    char line[200];

    assert_in_range(launch_difference_text(difference, line, sizeof(line)), 1, sizeof(line) - 1);
    snprintf(lines->text + used, sizeof(lines->text) - used, "%s\n", line);
    lines->count++;
}

static void expect_lines(const struct launch_pages *first, const struct launch_pages *second,
                         const char *wanted)
{
    struct lines lines = {0};
    size_t count = launch_difference_each(first, second, add_line, &lines);

    assert_string_equal(lines.text, wanted);
    assert_int_equal(lines.count, count);
}

static struct launch_pages pages_of(const struct sample_svsm *inputs)
{
    struct file_bytes file;
    struct image image = sample_svsm_image(inputs, &file);
    struct launch_pages pages = {0};

    assert_int_equal(launch_pages_add_image(&pages, image.headers, image.count, SNP_PLATFORM_MASK),
                     LAUNCH_PAGES_OK);
    image_free(&image);
    free(file.bytes);
    return pages;
}

/* The difference between the sample image and one built from changed inputs. */
static void expect_change(const struct sample_svsm *changed, const char *wanted)
{
    struct launch_pages second = pages_of(changed), first = pages_of(sample_svsm_inputs());

    expect_lines(&first, &second, wanted);
    launch_pages_free(&first);
    launch_pages_free(&second);
}

TEST(an_image_differs_in_nothing_from_itself)
{
    expect_change(sample_svsm_inputs(), "");
}

TEST(a_changed_page_is_named_by_part_and_address)
{
    struct sample_svsm *inputs = sample_svsm_inputs();

    inputs->firmware_bytes[0x1010] ^= 1;
    expect_change(inputs, "firmware: the page at 0xffffd000 has other contents\n");
}

TEST(neighbours_that_changed_are_told_at_once)
{
    struct sample_svsm *inputs = sample_svsm_inputs();

    inputs->firmware_bytes[0x0010] ^= 1;
    inputs->firmware_bytes[0x1010] ^= 1;
    expect_change(inputs, "firmware: 2 pages from 0xffffc000 have other contents\n");
}

TEST(a_pinned_key_shows_in_the_boot_parameters_alone)
{
    struct sample_svsm *inputs = sample_svsm_inputs();

    inputs->plan.kbs = (struct boot_kbs){.flags = BOOT_KBS_REQUIRE_SIGNED, .pin_count = 1};
    expect_change(inputs, "boot parameters: the page at 0x8006000 has other contents\n");
}

TEST(a_service_that_grew_only_moves_the_one_behind_it)
{
    struct sample_svsm *inputs = sample_svsm_inputs();

    inputs->plan.services[0].elf.content.size = 2 * PAGE_SIZE + 1;
    expect_change(inputs, "boot parameters: the page at 0x8006000 has other contents\n"
                          "service attest: the page at 0x800c000 has other contents\n"
                          "service attest: the page at 0x800d000 was added\n"
                          "service tpm: 6 pages from 0x800d000 have moved to 0x800e000\n");
}

TEST(a_service_that_went_is_told_page_by_page)
{
    struct sample_svsm *inputs = sample_svsm_inputs();

    inputs->plan.service_count = 1;
    expect_change(inputs, "boot parameters: the page at 0x8006000 has other contents\n"
                          "service tpm: 6 pages from 0x800d000 were removed\n");
}

TEST(other_start_registers_show_in_the_vmsa)
{
    struct sample_svsm *inputs = sample_svsm_inputs();

    inputs->plan.sev_features = 9;
    expect_change(inputs, "VMSA: the page at 0xfffffffff000 has other contents\n");
}

static void add(struct launch_pages *pages, enum snp_page_type type, uint64_t gpa, const char *part)
{
    assert_int_equal(launch_pages_add(pages, type, gpa, NULL, part), LAUNCH_PAGES_OK);
}

TEST(another_type_is_told_before_other_contents)
{
    struct launch_pages first = {0}, second = {0};

    add(&first, SNP_PAGE_ZERO, 0, "memory");
    add(&second, SNP_PAGE_UNMEASURED, 0, "memory");
    expect_lines(&first, &second, "memory: the page at 0x0 is of another type\n");
    launch_pages_free(&first);
    launch_pages_free(&second);
}

TEST(parts_are_matched_by_name_and_not_by_index)
{
    struct launch_pages first = {0}, second = {0};

    add(&first, SNP_PAGE_ZERO, 0, "a");
    add(&first, SNP_PAGE_ZERO, 0x1000, "b");
    add(&second, SNP_PAGE_ZERO, 0x1000, "b");
    add(&second, SNP_PAGE_ZERO, 0x2000, "c");
    expect_lines(&first, &second,
                 "a: the page at 0x0 was removed\n"
                 "c: the page at 0x2000 was added\n");
    launch_pages_free(&first);
    launch_pages_free(&second);
}

TEST(another_order_of_the_same_pages_is_told)
{
    struct launch_pages first = {0}, second = {0};
    struct launch_digest a, b;

    add(&first, SNP_PAGE_ZERO, 0, "a");
    add(&first, SNP_PAGE_ZERO, 0x1000, "b");
    add(&second, SNP_PAGE_ZERO, 0x1000, "b");
    add(&second, SNP_PAGE_ZERO, 0, "a");
    assert_true(launch_pages_digest(&first, &a) && launch_pages_digest(&second, &b));
    assert_memory_not_equal(a.ld, b.ld, sizeof(a.ld));
    expect_lines(&first, &second, "the same pages are measured in another order\n");
    launch_pages_free(&first);
    launch_pages_free(&second);
}
