/* SPDX-License-Identifier: MIT */
/* Files as other makers write them: format 2, other platforms, types that no SNP launch needs. */
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "igvm/directives.h"
#include "igvm/dump.h"
#include "igvm/launch.h"
#include "lib/igvm/kvm_rules.h"
#include "samples.h"
#include "tests/unit/registered.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Frees the file. */
static void expect_error(struct file_bytes *file, enum igvm_error wanted, const char *what)
{
    enum igvm_error error = sample_read(file, file->size);

    free(file->bytes);
    if (error != wanted)
        fail_msg("%s: \"%s\" instead of \"%s\"", what, igvm_error_text(error),
                 igvm_error_text(wanted));
}

/* The foreign file, or the sample in format 2, with one field changed. */
static struct file_bytes with_field(struct file_bytes file, size_t at, uint32_t value)
{
    put_le32(file.bytes + at, value);
    sample_fix_checksum(&file);
    return file;
}

static struct file_bytes sample_of_format_2(void)
{
    struct file_bytes file = sample_file();

    sample_to_format_2(&file);
    return file;
}

/* Where the n-th header of this type begins. */
static size_t find(const struct file_bytes *file, uint32_t type, unsigned n)
{
    size_t at = get_le32(file->bytes + offsetof(struct igvm_fixed_header, variable_header_offset));

    for (;;) {
        assert_true(at + 8 < file->size);
        if (get_le32(file->bytes + at) == type && n-- == 0)
            return at;
        at += 8 + (get_le32(file->bytes + at + 4) + 7) / 8 * 8;
    }
}

static void measure_file(const struct file_bytes *file, struct launch_digest *digest)
{
    uint64_t twice;
    struct launch_options options = {.platform_mask = SNP_PLATFORM_MASK, .vcpus = 1};
    struct image image = {0};

    assert_int_equal(image_load(&image, file->bytes, file->size), IGVM_OK);
    assert_int_equal(image_check_overlaps(&image, SNP_PLATFORM_MASK, &twice), IGVM_OK);
    assert_null(kvm_rule_broken(&image, SNP_PLATFORM_MASK));
    sample_measure(&image, &options, NULL, digest);
    image_free(&image);
}

TEST(a_file_of_format_2_is_measured_like_one_of_format_1)
{
    struct file_bytes file = sample_of_format_2();
    struct launch_digest digest;

    assert_int_equal(sample_read(&file, file.size), IGVM_OK);
    measure_file(&file, &digest);
    expect_hex(digest.ld, sizeof(digest.ld),
               "6e97aba47cb87499de5c1bacde7b367f35fb06633b4312f67b652658c2a41508"
               "562bfc8427a200617403a6e4f67c289f");
    free(file.bytes);
}

TEST(each_bad_field_of_the_fixed_header_has_its_error)
{
    static const struct {
        size_t at;
        uint32_t value;
        enum igvm_error error;
    } cases[] = {
        {0x04, 0, IGVM_ERROR_VERSION},
        {0x04, 3, IGVM_ERROR_VERSION},
        {0x08, 0x18, IGVM_ERROR_HEADER_BOUNDS},
        {0x08, 0x28, IGVM_ERROR_HEADER_BOUNDS},
        {0x18, IGVM_ARCHITECTURE_AARCH64, IGVM_ERROR_ARCHITECTURE},
        {0x18, 2, IGVM_ERROR_ARCHITECTURE},
        {0x1C, 0x10000, IGVM_ERROR_PAGE_SIZE},
        {0x1C, 0, IGVM_ERROR_PAGE_SIZE},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct file_bytes file = sample_of_format_2();
        enum igvm_error error;

        put_le32(file.bytes + cases[i].at, cases[i].value);
        error = sample_read(&file, file.size);
        if (error != cases[i].error)
            fail_msg("0x%x at 0x%zx gives \"%s\"", cases[i].value, cases[i].at,
                     igvm_error_text(error));
        free(file.bytes);
    }
}

/* The digest is the one that the COCONUT-SVSM's igvmmeasure computes for the file. */
TEST(an_image_as_another_svsm_has_it_is_measured)
{
    struct file_bytes file = sample_foreign_file();
    struct launch_digest digest;

    assert_int_equal(sample_read(&file, file.size), IGVM_OK);
    measure_file(&file, &digest);
    expect_hex(digest.ld, sizeof(digest.ld),
               "e917703ce82ba0477e6a1be311b681fe426f740bfe12da18b8590aa6d0349138"
               "7db8555171cd00e6c7e26985cc70cab0");
    free(file.bytes);
}

TEST(an_image_as_another_svsm_has_it_is_dumped)
{
    static const char *const wanted[] = {
        "SUPPORTED_PLATFORM  SEV_SNP, mask 0x1\n",
        "SUPPORTED_PLATFORM  VSM_ISOLATION, mask 0x10\n",
        "REQUIRED_MEMORY     0x008000000000-0x0080007fffff VTL2 mask 0x10\n",
        "MADT                area 2, offset 0x0\n",
        "DEVICE_TREE         area 3, offset 0x0\n",
        "1 x NORMAL, mask 0x17\n",
        "VP_CONTEXT          0x000000000000 processor 0, mask 0x10\n",
        "\nBoot processor\n",
    };
    struct file_bytes file = sample_foreign_file();
    struct image image = {0};
    char text[8192] = "";
    FILE *out = fmemopen(text, sizeof(text), "w");

    assert_int_equal(image_load(&image, file.bytes, file.size), IGVM_OK);
    dump_image(out, &image, SNP_PLATFORM_MASK);
    fclose(out);
    for (size_t i = 0; i < COUNT(wanted); i++) {
        if (!strstr(text, wanted[i]))
            fail_msg("no \"%s\" in:\n%s", wanted[i], text);
    }
    image_free(&image);
    free(file.bytes);
}

TEST(a_mask_may_name_platforms_that_the_file_lacks_but_not_be_zero)
{
    static const uint32_t types[] = {IGVM_GUEST_POLICY, IGVM_REQUIRED_MEMORY, IGVM_PARAMETER_INSERT,
                                     IGVM_PAGE_DATA};

    for (size_t i = 0; i < COUNT(types); i++) {
        struct file_bytes file = sample_file();
        size_t at = find(&file, types[i], 0) + 8 + 8;

        file = with_field(file, at, 0xFFFFFFFF);
        expect_error(&file, IGVM_OK, "all platforms");
        file = with_field(sample_file(), at, 0x80000000);
        expect_error(&file, IGVM_OK, "another platform");
        file = with_field(sample_file(), at, 0);
        expect_error(&file, IGVM_ERROR_MASK, "no platform");
    }
}

TEST(a_processor_context_is_of_one_platform_of_the_file)
{
    static const uint32_t masks[] = {0, 2, 3, 0x80000000};

    for (size_t i = 0; i < COUNT(masks); i++) {
        struct file_bytes file = sample_file();

        file = with_field(file, find(&file, IGVM_VP_CONTEXT, 0) + 16, masks[i]);
        expect_error(&file, IGVM_ERROR_MASK, "a context's mask");
    }
}

TEST(the_registers_of_a_vsm_context_lie_in_the_file)
{
    static const struct {
        uint32_t count;
        enum igvm_error error;
    } cases[] = {
        {0, IGVM_OK},
        {1, IGVM_OK},
        {2, IGVM_ERROR_FILE_OFFSET},
        {0x08000000, IGVM_ERROR_FILE_OFFSET}, /* times 32 is 4 GiB */
        {UINT32_MAX, IGVM_ERROR_FILE_OFFSET},
    };
    struct file_bytes file;

    for (size_t i = 0; i < COUNT(cases); i++) {
        file = sample_foreign_file();
        file = with_field(file, file.size - 36, cases[i].count);
        expect_error(&file, cases[i].error, "a number of registers");
    }
    file = sample_foreign_file();
    file = with_field(file, find(&file, IGVM_VP_CONTEXT, 2) + 20, 0);
    expect_error(&file, IGVM_ERROR_FILE_OFFSET, "a context without data");
}

/* A header of this type and length, whose mask is 1 and all else zero. */
static size_t frame(uint8_t *header, uint32_t type, uint32_t length, size_t mask_at)
{
    size_t size = 8 + (length + 7) / 8 * 8;

    memset(header, 0, size);
    put_le32(header, type);
    put_le32(header + 4, length);
    if (length >= mask_at + 4)
        put_le32(header + 8 + mask_at, 1);
    return size;
}

/* The sample with that header inserted before its first one of type `before`. */
static struct file_bytes sample_with(const uint8_t *header, size_t size, uint32_t before)
{
    struct file_bytes file = sample_file();

    sample_insert(&file, find(&file, before, 0), header, size);
    return file;
}

TEST(types_for_other_loaders_are_read_by_length_and_mask)
{
    static const struct {
        uint32_t type, length, mask_at;
    } types[] = {
        {IGVM_RELOCATABLE_REGION, 48, 0}, {IGVM_PAGE_TABLE_RELOCATION_REGION, 32, 0},
        {IGVM_CORIM_DOCUMENT, 16, 0},     {IGVM_CORIM_SIGNATURE, 16, 0},
        {IGVM_CCA_POLICY, 32, 0},         {IGVM_ERROR_RANGE, 16, 8},
        {IGVM_VBS_MEASUREMENT, 864, 0},
    };

    for (size_t i = 0; i < COUNT(types); i++) {
        uint32_t before = types[i].type <= 0x200 ? IGVM_GUEST_POLICY : IGVM_PARAMETER_AREA;
        uint8_t header[1024];
        size_t size = frame(header, types[i].type, types[i].length, types[i].mask_at);
        struct file_bytes file = sample_with(header, size, before);
        struct image image = {0};

        assert_int_equal(image_load(&image, file.bytes, file.size), IGVM_OK);
        assert_non_null(kvm_rule_broken(&image, SNP_PLATFORM_MASK)); /* QEMU stops at it */
        image_free(&image);
        put_le32(file.bytes + find(&file, types[i].type, 0) + 8 + types[i].mask_at, 2);
        assert_int_equal(image_load(&image, file.bytes, file.size), IGVM_ERROR_CHECKSUM);
        sample_fix_checksum(&file);
        assert_int_equal(image_load(&image, file.bytes, file.size), IGVM_OK);
        assert_null(kvm_rule_broken(&image, SNP_PLATFORM_MASK)); /* it is for another platform */
        image_free(&image);
        free(file.bytes);

        put_le32(header + 8 + types[i].mask_at, 0);
        file = sample_with(header, size, before);
        expect_error(&file, IGVM_ERROR_MASK, "no platform");
        size = frame(header, types[i].type, types[i].length + 8, types[i].mask_at);
        file = sample_with(header, size, before);
        expect_error(&file, IGVM_ERROR_LENGTH, "another length");
    }
}

TEST(optional_headers_of_unknown_type_are_passed_over)
{
    static const uint32_t lengths[] = {0, 1, 8, 21, 1000};
    uint8_t header[1024];
    struct file_bytes file;
    struct launch_digest plain, other;

    file = sample_file();
    measure_file(&file, &plain);
    free(file.bytes);
    for (size_t i = 0; i < COUNT(lengths); i++) {
        size_t size = frame(header, IGVM_OPTIONAL | 0x3F0, lengths[i], 0);
        struct launch_options options = {.platform_mask = SNP_PLATFORM_MASK, .vcpus = 1};
        struct image image = {0};

        file = sample_with(header, size, IGVM_PAGE_DATA);
        assert_int_equal(image_load(&image, file.bytes, file.size), IGVM_OK);
        sample_measure(&image, &options, NULL, &other);
        assert_memory_equal(other.ld, plain.ld, sizeof(plain.ld));
        assert_non_null(kvm_rule_broken(&image, SNP_PLATFORM_MASK)); /* QEMU's library stops */
        image_free(&image);
        free(file.bytes);
    }
}

TEST(optional_headers_keep_the_rules_of_framing_and_order)
{
    uint8_t header[64];
    size_t size = frame(header, IGVM_OPTIONAL | 0x3F0, 21, 0);
    struct file_bytes file;

    header[8 + 21] = 1;
    file = sample_with(header, size, IGVM_PAGE_DATA);
    expect_error(&file, IGVM_ERROR_PADDING, "padding");
    size = frame(header, IGVM_OPTIONAL | 0x3F0, 8, 0);
    file = sample_with(header, size, IGVM_GUEST_POLICY);
    expect_error(&file, IGVM_ERROR_ORDER, "a directive before the policy");
    size = frame(header, IGVM_OPTIONAL | 0x1F0, 8, 0);
    file = sample_with(header, size, IGVM_GUEST_POLICY);
    expect_error(&file, IGVM_OK, "of the policy's section");
    size = frame(header, IGVM_OPTIONAL | 0x3F0, 8, 0);
    put_le32(header + 4, 0xFFFFFFF8);
    file = sample_with(header, size, IGVM_PAGE_DATA);
    expect_error(&file, IGVM_ERROR_TRUNCATED, "a length beyond the headers");
    size = frame(header, 0x3F0, 8, 0);
    file = sample_with(header, size, IGVM_PAGE_DATA);
    expect_error(&file, IGVM_ERROR_TYPE, "an unknown type");
    size = frame(header, IGVM_OPTIONAL | IGVM_ERROR_RANGE, 16, 8);
    file = sample_with(header, size, IGVM_PAGE_DATA);
    expect_error(&file, IGVM_ERROR_TYPE, "a known type as an optional one");
}
