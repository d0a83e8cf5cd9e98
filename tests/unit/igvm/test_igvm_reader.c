/* SPDX-License-Identifier: MIT */
/* The reader against files that are damaged, or made to be hostile. */
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "samples.h"
#include "tests/unit/registered.h"

/* Where headers of the sample file begin. */
#define AT_PLATFORM 0x18u
#define AT_POLICY   0x30u
#define AT_REQUIRED 0x48u
#define AT_AREA     0x68u
#define AT_VP_COUNT 0x80u
#define AT_INSERT   0x90u
#define AT_PAGE     0xA8u
#define AT_CONTEXT  0x148u
#define AT_DATA     0x168u
#define CONTENT     8u /* from a header's start to its content */

/* Reads the sample file with one field changed and the checksum made right again. */
static enum igvm_error read_with(size_t offset, size_t size, uint64_t value)
{
    struct file_bytes file = sample_file();
    uint8_t bytes[8];
    enum igvm_error error;

    put_le64(bytes, value);
    memcpy(file.bytes + offset, bytes, size);
    sample_fix_checksum(&file);
    error = sample_read(&file, file.size);
    free(file.bytes);
    return error;
}

TEST(the_sample_file_is_accepted)
{
    struct file_bytes file = sample_file();

    assert_int_equal(sample_read(&file, file.size), IGVM_OK);
    free(file.bytes);
}

TEST(headers_are_decoded)
{
    struct file_bytes file = sample_file();
    struct igvm_file opened;
    struct igvm_cursor cursor;
    struct igvm_header header;
    uint32_t mask;
    size_t pages = 0;

    assert_int_equal(igvm_open(&opened, file.bytes, file.size), IGVM_OK);
    assert_int_equal(igvm_select_platform(&opened, IGVM_PLATFORM_SEV_SNP, &mask), IGVM_OK);
    assert_int_equal(mask, 1);
    assert_int_equal(igvm_select_platform(&opened, IGVM_PLATFORM_TDX, &mask),
                     IGVM_ERROR_PLATFORM_ABSENT);
    cursor = igvm_first(&opened);
    while (igvm_next(&cursor, &header) == IGVM_OK) {
        assert_true(igvm_applies(&header, mask));
        switch (header.type) {
        case IGVM_GUEST_POLICY:
            assert_int_equal(header.guest_policy.policy, 0x30000);
            break;
        case IGVM_REQUIRED_MEMORY:
            assert_int_equal(header.required_memory.gpa, 0x8000000000);
            assert_int_equal(header.required_memory.number_of_bytes, 0x800000);
            break;
        case IGVM_PARAMETER_INSERT:
            assert_int_equal(header.parameter_insert.gpa, 0x20000);
            assert_int_equal(header.insert_size, PAGE_SIZE);
            break;
        case IGVM_PAGE_DATA:
            if (pages++ == 0)
                assert_memory_equal(header.data, sample_page(), PAGE_SIZE);
            else
                assert_null(header.data);
            break;
        case IGVM_VP_CONTEXT:
            assert_ptr_equal(header.data, file.bytes + 0x1168);
            assert_int_equal(header.data_size, PAGE_SIZE);
            break;
        default:
            break;
        }
    }
    assert_int_equal(pages, 5);
    assert_int_equal(igvm_next(&cursor, &header), IGVM_END);
    free(file.bytes);
}

/* The sample of format 1, and one of format 2 with all that other makers have. */
static struct file_bytes (*const SAMPLES[])(void) = {sample_file, sample_foreign_file};

#define SAMPLE_COUNT (sizeof(SAMPLES) / sizeof(SAMPLES[0]))

static size_t headers_end(const struct file_bytes *file)
{
    return get_le32(file->bytes + offsetof(struct igvm_fixed_header, variable_header_offset)) +
           get_le32(file->bytes + offsetof(struct igvm_fixed_header, variable_header_size));
}

TEST(a_file_cut_anywhere_is_rejected)
{
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        struct file_bytes file = SAMPLES[i]();

        for (size_t size = 0; size < file.size; size++) {
            if (sample_read(&file, size) == IGVM_OK)
                fail_msg("sample %zu is accepted when cut at %zu", i, size);
        }
        free(file.bytes);
    }
}

TEST(a_file_cut_anywhere_with_a_matching_header_is_rejected)
{
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        struct file_bytes file = SAMPLES[i]();

        for (size_t size = headers_end(&file); size < file.size; size++) {
            put_le32(file.bytes + offsetof(struct igvm_fixed_header, total_file_size),
                     (uint32_t)size);
            sample_fix_checksum(&file);
            if (sample_read(&file, size) == IGVM_OK)
                fail_msg("sample %zu is accepted when cut at %zu", i, size);
        }
        free(file.bytes);
    }
}

TEST(variable_headers_cut_anywhere_are_rejected_or_end_between_headers)
{
    struct file_bytes file = sample_file();

    for (uint32_t size = 0; size < AT_DATA - AT_PLATFORM; size++) {
        enum igvm_error error;

        put_le32(file.bytes + offsetof(struct igvm_fixed_header, variable_header_size), size);
        sample_fix_checksum(&file);
        error = sample_read(&file, file.size);
        if (size % IGVM_HEADER_ALIGNMENT != 0)
            assert_int_equal(error, IGVM_ERROR_HEADER_BOUNDS);
        else if (size < AT_POLICY - AT_PLATFORM)
            assert_int_not_equal(error, IGVM_OK);
    }
    free(file.bytes);
}

TEST(bytes_after_the_file_are_rejected)
{
    struct file_bytes file = sample_file();

    file.bytes = realloc(file.bytes, file.size + 1);
    assert_non_null(file.bytes);
    file.bytes[file.size] = 0;
    assert_int_equal(sample_read(&file, file.size + 1), IGVM_ERROR_FILE_SIZE);
    free(file.bytes);
}

static void flip_bit(struct file_bytes *file, size_t bit)
{
    file->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

TEST(a_flipped_header_bit_is_noticed)
{
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        struct file_bytes file = SAMPLES[i]();

        for (size_t bit = 0; bit < headers_end(&file) * 8; bit++) {
            flip_bit(&file, bit);
            if (sample_read(&file, file.size) == IGVM_OK)
                fail_msg("bit %zu of byte 0x%zx is not covered", bit % 8, bit / 8);
            flip_bit(&file, bit);
        }
        free(file.bytes);
    }
}

/* Only memory safety: some such files are valid. */
TEST(flipped_header_bits_under_a_right_checksum_do_no_harm)
{
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        struct file_bytes file = SAMPLES[i]();

        for (size_t bit = AT_PLATFORM * 8; bit < headers_end(&file) * 8; bit++) {
            flip_bit(&file, bit);
            sample_fix_checksum(&file);
            (void)!sample_read(&file, file.size);
            flip_bit(&file, bit);
        }
        free(file.bytes);
    }
}

TEST(each_bad_field_has_its_error)
{
    static const struct {
        size_t offset, size;
        uint64_t value;
        enum igvm_error error;
    } cases[] = {
        {0x00, 4, 0x4D564748, IGVM_ERROR_MAGIC},
        {0x04, 4, 0, IGVM_ERROR_VERSION},
        {0x04, 4, 3, IGVM_ERROR_VERSION},
        {0x08, 4, 0x20, IGVM_ERROR_HEADER_BOUNDS},
        {0x10, 4, 0x2169, IGVM_ERROR_FILE_SIZE},
        {AT_PLATFORM, 4, 0x80000001, IGVM_ERROR_TYPE},
        {AT_PLATFORM, 4, 0x002, IGVM_ERROR_TYPE},
        {AT_PLATFORM + 4, 4, 24, IGVM_ERROR_LENGTH},
        {AT_PLATFORM + CONTENT, 4, 3, IGVM_ERROR_MASK},
        {AT_PLATFORM + CONTENT, 4, 0, IGVM_ERROR_MASK},
        {AT_PLATFORM + CONTENT + 5, 1, 7, IGVM_ERROR_PLATFORM},
        {AT_PLATFORM + CONTENT + 6, 2, 2, IGVM_ERROR_PLATFORM},
        {AT_PLATFORM + CONTENT + 5, 1, IGVM_PLATFORM_TDX, IGVM_ERROR_PLATFORM_ABSENT},
        {AT_POLICY, 4, 0x107, IGVM_ERROR_TYPE},
        {AT_POLICY + CONTENT + 8, 4, 0, IGVM_ERROR_MASK},
        {AT_POLICY + CONTENT + 12, 4, 1, IGVM_ERROR_RESERVED},
        {AT_REQUIRED, 4, 0x80000305, IGVM_ERROR_TYPE},
        {AT_REQUIRED, 4, 0x306, IGVM_ERROR_TYPE},
        {AT_REQUIRED + CONTENT, 8, 0x8000000001, IGVM_ERROR_ADDRESS},
        {AT_REQUIRED + CONTENT, 8, 0xFFFFFFFFFFFFF000, IGVM_ERROR_ADDRESS},
        {AT_REQUIRED + CONTENT + 12, 4, 0, IGVM_ERROR_ADDRESS},
        {AT_REQUIRED + CONTENT + 16, 4, 2, IGVM_ERROR_RESERVED},
        {AT_AREA + CONTENT, 8, 0, IGVM_ERROR_SIZE},
        {AT_AREA + CONTENT, 8, 0x1001, IGVM_ERROR_SIZE},
        {AT_AREA + CONTENT, 8, 0x100000000, IGVM_ERROR_SIZE},
        {AT_AREA + CONTENT + 8, 4, 1, IGVM_ERROR_PARAMETER_AREA},
        {AT_AREA + CONTENT + 12, 4, 1, IGVM_ERROR_FILE_OFFSET},
        {AT_VP_COUNT + CONTENT, 4, 1, IGVM_ERROR_PARAMETER_AREA},
        {AT_VP_COUNT + CONTENT + 4, 4, 0xFFD, IGVM_ERROR_PARAMETER_OFFSET},
        {AT_VP_COUNT + CONTENT + 4, 4, 0xFFC, IGVM_OK},
        {AT_INSERT + CONTENT, 8, 0x20800, IGVM_ERROR_ADDRESS},
        {AT_INSERT + CONTENT + 8, 4, 0, IGVM_ERROR_MASK},
        {AT_INSERT + CONTENT + 12, 4, 7, IGVM_ERROR_PARAMETER_AREA},
        {AT_PAGE + CONTENT, 8, 0x10001, IGVM_ERROR_ADDRESS},
        {AT_PAGE + CONTENT + 8, 4, 0, IGVM_ERROR_MASK},
        {AT_PAGE + CONTENT + 12, 4, AT_DATA - 1, IGVM_ERROR_FILE_OFFSET},
        {AT_PAGE + CONTENT + 12, 4, 0x1169, IGVM_ERROR_FILE_OFFSET},
        {AT_PAGE + CONTENT + 12, 4, 0xFFFFFFFF, IGVM_ERROR_FILE_OFFSET},
        {AT_PAGE + CONTENT + 12, 4, 0x1168, IGVM_OK}, /* several may share contents */
        {AT_PAGE + CONTENT + 16, 4, IGVM_PAGE_2MB, IGVM_ERROR_PAGE_TYPE},
        {AT_PAGE + CONTENT + 16, 4, IGVM_PAGE_SHARED, IGVM_OK},
        {AT_PAGE + CONTENT + 16, 4, 8, IGVM_ERROR_PAGE_TYPE},
        {AT_PAGE + CONTENT + 20, 2, 4, IGVM_ERROR_PAGE_TYPE},
        {AT_PAGE + CONTENT + 22, 2, 1, IGVM_ERROR_RESERVED},
        {AT_CONTEXT + CONTENT, 8, 0xFFFFFFFFF001, IGVM_ERROR_ADDRESS},
        {AT_CONTEXT + CONTENT + 8, 4, 0, IGVM_ERROR_MASK},
        {AT_CONTEXT + CONTENT + 12, 4, 0, IGVM_ERROR_FILE_OFFSET},
        {AT_CONTEXT + CONTENT + 18, 2, 1, IGVM_ERROR_RESERVED},
        {AT_CONTEXT + CONTENT + 20, 1, 1, IGVM_ERROR_PADDING},
        {AT_CONTEXT + CONTENT + 23, 1, 0x80, IGVM_ERROR_PADDING},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum igvm_error error = read_with(cases[i].offset, cases[i].size, cases[i].value);

        if (error != cases[i].error)
            fail_msg("0x%llx at 0x%zx gives \"%s\" instead of \"%s\"",
                     (unsigned long long)cases[i].value, cases[i].offset, igvm_error_text(error),
                     igvm_error_text(cases[i].error));
    }
}

/* Reads the sample file with two headers of one size exchanged. */
static enum igvm_error read_swapped(size_t first, size_t second, size_t size)
{
    struct file_bytes file = sample_file();
    uint8_t saved[0x40];
    enum igvm_error error;

    assert_true(size <= sizeof(saved));
    memcpy(saved, file.bytes + first, size);
    memcpy(file.bytes + first, file.bytes + second, size);
    memcpy(file.bytes + second, saved, size);
    sample_fix_checksum(&file);
    error = sample_read(&file, file.size);
    free(file.bytes);
    return error;
}

TEST(headers_out_of_order_are_rejected)
{
    /* Policy, which has the size of the area, after the directives began. */
    assert_int_equal(read_swapped(AT_POLICY, AT_AREA, AT_VP_COUNT - AT_AREA), IGVM_ERROR_ORDER);
    /* Policy before the platform that its mask names. */
    assert_int_equal(read_swapped(AT_PLATFORM, AT_POLICY, AT_POLICY - AT_PLATFORM),
                     IGVM_ERROR_ORDER);
}

/* A file of the sample image and one header more. */
static enum igvm_error read_with_header(const struct igvm_header *header)
{
    struct image image = {0};
    struct file_bytes file;
    enum igvm_error error;

    sample_image(&image);
    image_add(&image, header);
    assert_int_equal(image_encode(&image, &file), IGVM_OK);
    error = sample_read(&file, file.size);
    image_free(&image);
    free(file.bytes);
    return error;
}

TEST(parameter_areas_keep_their_rules)
{
    struct igvm_header area = {.type = IGVM_PARAMETER_AREA,
                               .parameter_area = {.number_of_bytes = PAGE_SIZE}};
    struct igvm_header insert = {.type = IGVM_PARAMETER_INSERT,
                                 .parameter_insert = {.gpa = 0x30000, .compatibility_mask = 1}};
    struct igvm_header map = {.type = IGVM_MEMORY_MAP,
                              .parameter = {.byte_offset = PAGE_SIZE - 23}};
    struct igvm_header other_area = {
        .type = IGVM_PARAMETER_AREA,
        .parameter_area = {.number_of_bytes = 0x2000, .parameter_area_index = 9}};

    assert_int_equal(read_with_header(&area), IGVM_ERROR_PARAMETER_AREA);   /* declared twice */
    assert_int_equal(read_with_header(&insert), IGVM_ERROR_PARAMETER_AREA); /* inserted twice */
    assert_int_equal(read_with_header(&map), IGVM_ERROR_PARAMETER_OFFSET);  /* does not fit */
    assert_int_equal(read_with_header(&other_area), IGVM_OK);               /* never inserted */
}

TEST(a_parameter_after_the_insertion_is_rejected)
{
    struct file_bytes file = sample_file();
    uint8_t saved[AT_INSERT - AT_VP_COUNT];

    /* Exchange the two. */
    memcpy(saved, file.bytes + AT_VP_COUNT, sizeof(saved));
    memmove(file.bytes + AT_VP_COUNT, file.bytes + AT_INSERT, AT_PAGE - AT_INSERT);
    memcpy(file.bytes + AT_PAGE - sizeof(saved), saved, sizeof(saved));
    sample_fix_checksum(&file);
    assert_int_equal(sample_read(&file, file.size), IGVM_ERROR_PARAMETER_AREA);
    free(file.bytes);
}

TEST(too_many_parameter_areas_are_rejected)
{
    struct image image = {0};
    struct file_bytes file;

    sample_image(&image);
    for (uint32_t i = 1; i <= IGVM_PARAMETER_AREAS_MAX; i++)
        image_add(&image, &(struct igvm_header){.type = IGVM_PARAMETER_AREA,
                                                .parameter_area = {.number_of_bytes = PAGE_SIZE,
                                                                   .parameter_area_index = i}});
    assert_int_equal(image_encode(&image, &file), IGVM_OK);
    assert_int_equal(sample_read(&file, file.size), IGVM_ERROR_PARAMETER_AREA);
    image_free(&image);
    free(file.bytes);
}

TEST(a_platform_is_declared_once)
{
    struct igvm_header platform = {.type = IGVM_SUPPORTED_PLATFORM,
                                   .supported_platform = {.compatibility_mask = 2,
                                                          .platform_type = IGVM_PLATFORM_SEV_SNP,
                                                          .platform_version = 1}};

    assert_int_equal(read_with_header(&platform), IGVM_ERROR_PLATFORM);
    platform.supported_platform.platform_type = IGVM_PLATFORM_NATIVE;
    assert_int_equal(read_with_header(&platform), IGVM_OK);
    platform.supported_platform.compatibility_mask = 1;
    assert_int_equal(read_with_header(&platform), IGVM_ERROR_MASK);
}

TEST(every_error_has_its_words)
{
    for (int error = IGVM_OK; error <= IGVM_ERROR_NO_MEMORY; error++)
        assert_string_not_equal(igvm_error_text((enum igvm_error)error), "unknown error");
    assert_string_equal(igvm_error_text(IGVM_ERROR_NO_MEMORY + 1), "unknown error");
}
