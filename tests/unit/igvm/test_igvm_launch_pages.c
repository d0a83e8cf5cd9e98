/* SPDX-License-Identifier: MIT */
/* The list of an image's measured pages: what it holds, its encoding, and what it refuses. */
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "igvm/directives.h"
#include "lib/igvm/launch_pages.h"
#include "samples.h"
#include "tests/unit/registered.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct launch_pages pages_of(const struct image *image)
{
    struct launch_pages pages = {0};

    assert_int_equal(
        launch_pages_add_image(&pages, image->headers, image->count, SNP_PLATFORM_MASK),
        LAUNCH_PAGES_OK);
    return pages;
}

static struct launch_pages pages_of_svsm(const struct sample_svsm *inputs)
{
    struct image image = {0};
    struct launch_pages pages;

    assert_int_equal(svsm_image_build(&image, &inputs->plan), TOOL_OK);
    pages = pages_of(&image);
    image_free(&image);
    return pages;
}

static const char *part_at(const struct launch_pages *pages, uint64_t gpa)
{
    for (size_t i = 0; i < pages->count; i++) {
        if (pages->pages[i].gpa == gpa)
            return launch_pages_part(pages, &pages->pages[i]);
    }
    return "no page";
}

TEST(each_page_of_an_svsm_image_has_its_purpose)
{
    static const struct {
        uint64_t gpa;
        const char *part;
    } wanted[] = {
        {SAMPLE_REGION, "SVSM kernel"},
        {SAMPLE_REGION + 0x5000, "SVSM kernel"},
        {SAMPLE_REGION + 0x6000, "boot parameters"},
        {SAMPLE_REGION + 0x7000, "CPUID"},
        {SAMPLE_REGION + 0x8000, "secrets"},
        {SAMPLE_REGION + 0x9000, "parameters from the host"},
        {SAMPLE_REGION + 0xA000, "parameters from the host"},
        {SAMPLE_REGION + 0xB000, "service attest"},
        {SAMPLE_REGION + 0xC000, "service attest"},
        {SAMPLE_REGION + 0xD000, "service tpm"},
        {0x100000000 - SAMPLE_FIRMWARE_SIZE, "firmware"},
        {0xFFFFF000, "firmware"},
        {VMSA_LAUNCH_GPA, "VMSA"},
    };
    struct launch_pages pages = pages_of_svsm(sample_svsm_inputs());

    for (size_t i = 0; i < COUNT(wanted); i++)
        assert_string_equal(part_at(&pages, wanted[i].gpa), wanted[i].part);
    launch_pages_free(&pages);
}

TEST(control_characters_of_a_service_name_do_not_reach_the_list)
{
    struct sample_svsm *inputs = sample_svsm_inputs();
    struct launch_pages pages;

    inputs->plan.services[0].name = "\033[2J at\xffst";
    pages = pages_of_svsm(inputs);
    assert_string_equal(part_at(&pages, SAMPLE_REGION + 0xB000), "service ?[2J?at?st");
    launch_pages_free(&pages);
}

TEST(the_list_of_the_sample_image_gives_its_launch_digest)
{
    struct image image = {0};
    struct launch_pages pages;
    struct launch_digest digest;

    sample_image(&image);
    pages = pages_of(&image);
    assert_int_equal(pages.count, 7);
    assert_true(launch_pages_digest(&pages, &digest));
    expect_hex(digest.ld, sizeof(digest.ld),
               "6e97aba47cb87499de5c1bacde7b367f35fb06633b4312f67b652658c2a41508"
               "562bfc8427a200617403a6e4f67c289f");
    launch_pages_free(&pages);
    image_free(&image);
}

static void expect_same(const struct launch_pages *a, const struct launch_pages *b)
{
    assert_int_equal(a->part_count, b->part_count);
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        const struct launch_page *left = &a->pages[i], *right = &b->pages[i];

        assert_int_equal(left->gpa, right->gpa);
        assert_int_equal(left->type, right->type);
        assert_memory_equal(left->vmpl_permissions, right->vmpl_permissions,
                            sizeof(left->vmpl_permissions));
        assert_memory_equal(left->contents, right->contents, sizeof(left->contents));
        assert_string_equal(launch_pages_part(a, left), launch_pages_part(b, right));
    }
}

TEST(a_list_survives_its_encoding)
{
    struct launch_pages pages = pages_of_svsm(sample_svsm_inputs()), decoded;
    uint8_t *bytes;
    size_t size;

    pages.pages[3].vmpl_permissions[1] = RMP_READ;
    assert_int_equal(launch_pages_encode(&pages, &bytes, &size), LAUNCH_PAGES_OK);
    assert_int_equal(launch_pages_decode(&decoded, bytes, size), LAUNCH_PAGES_OK);
    expect_same(&pages, &decoded);
    launch_pages_free(&pages);
    launch_pages_free(&decoded);
    free(bytes);
}

TEST(pages_that_are_alike_take_the_room_of_one)
{
    static const uint8_t zeros[PAGE_SIZE];
    struct launch_pages pages = {0}, decoded;
    uint8_t *bytes;
    size_t size;

    for (uint64_t i = 0; i < 5000; i++)
        assert_int_equal(launch_pages_add(&pages, SNP_PAGE_NORMAL, i * PAGE_SIZE,
                                          i == 2500 ? sample_page() : zeros, "memory"),
                         LAUNCH_PAGES_OK);
    assert_int_equal(launch_pages_encode(&pages, &bytes, &size), LAUNCH_PAGES_OK);
    assert_int_equal(size, 14 + 7 + 3 * (18 + LAUNCH_DIGEST_SIZE));
    assert_int_equal(launch_pages_decode(&decoded, bytes, size), LAUNCH_PAGES_OK);
    expect_same(&pages, &decoded);
    launch_pages_free(&pages);
    launch_pages_free(&decoded);
    free(bytes);
}

/* Two pages of a part "a" and one of a part "bc", spelled out. */
static const uint8_t ENCODED[] = {
    'S',
    'N',
    'P',
    'P',
    'A',
    'G',
    'E',
    'S',
    1,
    2,
    2,
    0,
    0,
    0,
    1,
    'a',
    2,
    'b',
    'c',
    /* run: GPA, pages, type, permissions, part, digests */
    0x00,
    0x10,
    0,
    0,
    0,
    0,
    0,
    0,
    2,
    0,
    0,
    0,
    SNP_PAGE_SECRETS,
    0,
    3,
    0,
    0,
    0,
    0x00,
    0xF0,
    0xFF,
    0xFF,
    0xFF,
    0xFF,
    0,
    0,
    1,
    0,
    0,
    0,
    SNP_PAGE_VMSA,
    0,
    0,
    0,
    1,
    1,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
    0x11,
};

/* Where fields of ENCODED are. */
enum {
    AT_VERSION = 8,
    AT_PARTS = 9,
    AT_RUNS = 10,
    AT_FIRST_PART = 14,
    AT_SECOND_PART = 16,
    AT_GPA = 19,
    AT_COUNT = 27,
    AT_TYPE = 31,
    AT_PART = 35,
    AT_DIGESTS = 36,
    AT_SECOND_DIGESTS = 54,
};

static enum launch_pages_status decode(const uint8_t *bytes, size_t size)
{
    struct launch_pages pages;
    enum launch_pages_status status = launch_pages_decode(&pages, bytes, size);

    launch_pages_free(&pages);
    return status;
}

TEST(the_encoding_is_the_documented_one)
{
    struct launch_pages pages;
    uint8_t *bytes;
    size_t size;

    assert_int_equal(launch_pages_decode(&pages, ENCODED, sizeof(ENCODED)), LAUNCH_PAGES_OK);
    assert_int_equal(pages.count, 3);
    assert_int_equal(pages.pages[1].gpa, 0x2000);
    assert_int_equal(pages.pages[1].type, SNP_PAGE_SECRETS);
    assert_int_equal(pages.pages[1].vmpl_permissions[1], 3);
    assert_string_equal(launch_pages_part(&pages, &pages.pages[2]), "bc");
    assert_int_equal(launch_pages_encode(&pages, &bytes, &size), LAUNCH_PAGES_OK);
    assert_int_equal(size, sizeof(ENCODED));
    assert_memory_equal(bytes, ENCODED, sizeof(ENCODED));
    launch_pages_free(&pages);
    free(bytes);
}

TEST(a_truncated_or_lengthened_list_is_refused)
{
    uint8_t longer[sizeof(ENCODED) + 1] = {0};

    for (size_t size = 0; size < sizeof(ENCODED); size++) {
        /* Of its own size, so that a sanitizer sees a read behind it. */
        uint8_t *shorter = malloc(size + 1);

        memcpy(shorter, ENCODED, size);
        assert_int_equal(decode(shorter, size), LAUNCH_PAGES_MALFORMED);
        free(shorter);
    }
    memcpy(longer, ENCODED, sizeof(ENCODED));
    assert_int_equal(decode(longer, sizeof(longer)), LAUNCH_PAGES_MALFORMED);
}

TEST(each_field_out_of_its_range_is_refused)
{
    static const struct {
        const char *what;
        size_t at;
        uint8_t value;
        enum launch_pages_status status;
    } changes[] = {
        {"magic", 0, 's', LAUNCH_PAGES_MALFORMED},
        {"version 0", AT_VERSION, 0, LAUNCH_PAGES_MALFORMED},
        {"version 2", AT_VERSION, 2, LAUNCH_PAGES_VERSION},
        {"more parts than fit", AT_PARTS, LAUNCH_PARTS_MAX + 1, LAUNCH_PAGES_MALFORMED},
        {"a run more than there is", AT_RUNS, 3, LAUNCH_PAGES_MALFORMED},
        {"a run less than there is", AT_RUNS, 1, LAUNCH_PAGES_MALFORMED},
        {"a part without name", AT_FIRST_PART, 0, LAUNCH_PAGES_MALFORMED},
        {"a part's name too long", AT_FIRST_PART, LAUNCH_PART_SIZE, LAUNCH_PAGES_MALFORMED},
        {"an escape in a name", AT_FIRST_PART + 1, 0x1B, LAUNCH_PAGES_MALFORMED},
        {"a byte beyond ASCII", AT_FIRST_PART + 1, 0x80, LAUNCH_PAGES_MALFORMED},
        {"an unaligned GPA", AT_GPA, 1, LAUNCH_PAGES_MALFORMED},
        {"no page", AT_COUNT, 0, LAUNCH_PAGES_MALFORMED},
        {"too many pages", AT_COUNT + 2, 1, LAUNCH_PAGES_TOO_MANY},
        {"type 0", AT_TYPE, 0, LAUNCH_PAGES_MALFORMED},
        {"type 7", AT_TYPE, 7, LAUNCH_PAGES_MALFORMED},
        {"a part that is not there", AT_PART, 2, LAUNCH_PAGES_MALFORMED},
        {"a digest of secrets", AT_DIGESTS, 1, LAUNCH_PAGES_MALFORMED},
        {"no digest of a VMSA", AT_SECOND_DIGESTS, 0, LAUNCH_PAGES_MALFORMED},
        {"unknown digests", AT_SECOND_DIGESTS, 3, LAUNCH_PAGES_MALFORMED},
    };

    for (size_t i = 0; i < COUNT(changes); i++) {
        uint8_t bytes[sizeof(ENCODED)];
        enum launch_pages_status status;

        memcpy(bytes, ENCODED, sizeof(bytes));
        bytes[changes[i].at] = changes[i].value;
        status = decode(bytes, sizeof(bytes));
        if (status != changes[i].status)
            fail_msg("%s: \"%s\" instead of \"%s\"", changes[i].what, launch_pages_text(status),
                     launch_pages_text(changes[i].status));
    }
}

TEST(two_parts_of_one_name_are_refused)
{
    static const uint8_t twice[] = {'S', 'N', 'P', 'P', 'A', 'G', 'E', 'S', 1,
                                    2,   0,   0,   0,   0,   1,   'a', 1,   'a'};

    assert_int_equal(decode(twice, sizeof(twice)), LAUNCH_PAGES_MALFORMED);
}

TEST(a_run_that_wraps_round_the_address_space_is_refused)
{
    uint8_t bytes[sizeof(ENCODED)];

    memcpy(bytes, ENCODED, sizeof(bytes));
    put_le64(bytes + AT_GPA, UINT64_MAX - PAGE_SIZE + 1);
    assert_int_equal(decode(bytes, sizeof(bytes)), LAUNCH_PAGES_MALFORMED);
}

TEST(a_list_has_room_for_its_most_pages_and_no_more)
{
    struct launch_pages pages = {0};

    for (uint64_t i = 0; i < LAUNCH_PAGES_MAX; i++)
        assert_int_equal(launch_pages_add(&pages, SNP_PAGE_ZERO, i * PAGE_SIZE, NULL, "memory"),
                         LAUNCH_PAGES_OK);
    assert_int_equal(launch_pages_add(&pages, SNP_PAGE_ZERO, 0, NULL, "memory"),
                     LAUNCH_PAGES_TOO_MANY);
    launch_pages_free(&pages);
}

TEST(a_list_has_room_for_its_most_parts_and_no_more)
{
    struct launch_pages pages = {0};
    char name[8];

    for (unsigned i = 0; i <= LAUNCH_PARTS_MAX; i++) {
        snprintf(name, sizeof(name), "%u", i);
        assert_int_equal(launch_pages_add(&pages, SNP_PAGE_ZERO, 0, NULL, name),
                         i < LAUNCH_PARTS_MAX ? LAUNCH_PAGES_OK : LAUNCH_PAGES_TOO_MANY);
    }
    launch_pages_free(&pages);
}
