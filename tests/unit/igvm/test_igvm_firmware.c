/* SPDX-License-Identifier: MIT */
/* The firmware metadata parser, and the image of firmware without SVSM. */
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "igvm/directives.h"
#include "igvm/files.h"
#include "igvm/firmware_image.h"
#include "igvm/launch.h"
#include "lib/igvm/kvm_rules.h"
#include "samples.h"
#include "tests/unit/registered.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint8_t image_bytes[SAMPLE_FIRMWARE_SIZE];

static enum firmware_error parse(struct firmware *firmware)
{
    return firmware_parse(image_bytes, sizeof(image_bytes), firmware);
}

static void make_debian_like(void)
{
    sample_firmware(image_bytes, SAMPLE_SEV_SECTIONS, COUNT(SAMPLE_SEV_SECTIONS),
                    SAMPLE_IGVM_SECTIONS, COUNT(SAMPLE_IGVM_SECTIONS));
}

TEST(sections_are_found_and_resolved)
{
    struct firmware firmware;
    const struct boot_section *section;

    make_debian_like();
    assert_int_equal(parse(&firmware), FIRMWARE_OK);
    assert_int_equal(firmware.gpa, 0xFFFFC000);
    assert_int_equal(firmware.section_count, 11);
    section = firmware_section(&firmware, BOOT_SECTION_SVSM_CAA);
    assert_non_null(section);
    assert_int_equal(section->gpa, 0x80F000);
    section = firmware_section(&firmware, BOOT_SECTION_IGVM_MEMORY_MAP);
    assert_non_null(section);
    assert_int_equal(section->gpa, 0x812000);
    assert_int_equal(section->size, 0xC0);
    section = firmware_section(&firmware, BOOT_SECTION_IGVM_VP_COUNT);
    assert_non_null(section);
    assert_int_equal(section->gpa, 0x8120C0);
}

TEST(firmware_without_igvm_metadata_is_accepted)
{
    struct firmware firmware;

    sample_firmware(image_bytes, SAMPLE_SEV_SECTIONS, COUNT(SAMPLE_SEV_SECTIONS), NULL, 0);
    assert_int_equal(parse(&firmware), FIRMWARE_OK);
    assert_int_equal(firmware.section_count, 7);
}

TEST(firmware_without_sev_metadata_is_refused)
{
    struct firmware firmware;

    sample_firmware(image_bytes, NULL, 0, SAMPLE_IGVM_SECTIONS, COUNT(SAMPLE_IGVM_SECTIONS));
    assert_int_equal(parse(&firmware), FIRMWARE_ERROR_NO_SEV_METADATA);
}

TEST(a_file_that_is_no_firmware_is_refused)
{
    struct firmware firmware;

    memset(image_bytes, 0, sizeof(image_bytes));
    assert_int_equal(parse(&firmware), FIRMWARE_ERROR_NO_TABLE);
    assert_int_equal(firmware_parse(image_bytes, 0, &firmware), FIRMWARE_ERROR_SIZE);
    assert_int_equal(firmware_parse(image_bytes, 0xFFF, &firmware), FIRMWARE_ERROR_SIZE);
}

TEST(each_bad_section_has_its_error)
{
    static const struct {
        struct sample_section sev, igvm;
        enum firmware_error error;
    } cases[] = {
        {{0x800000, 0x1000, 5}, {0x812000, 0x1000, 0x100}, FIRMWARE_ERROR_SECTION_TYPE},
        {{0x800000, 0x1000, 0x100}, {0x812000, 0x1000, 0x100}, FIRMWARE_ERROR_SECTION_TYPE},
        {{0x800000, 0x1000, 1}, {0x812000, 0x1000, 1}, FIRMWARE_ERROR_SECTION_TYPE},
        {{0x800001, 0x1000, 1}, {0x812000, 0x1000, 0x100}, FIRMWARE_ERROR_SECTION_RANGE},
        {{0x800000, 0xFFF, 1}, {0x812000, 0x1000, 0x100}, FIRMWARE_ERROR_SECTION_RANGE},
        {{0x800000, 0, 4}, {0x812000, 0x1000, 0x100}, FIRMWARE_ERROR_SECTION_RANGE},
        {{0xFFFFB000, 0x2000, 1}, {0x812000, 0x1000, 0x100}, FIRMWARE_ERROR_SECTION_RANGE},
        {{0x800000, 0xFF000000, 1}, {0x812000, 0x1000, 0x100}, FIRMWARE_ERROR_SECTION_RANGE},
        {{0x800000, 0x1000, 1}, {0, 0xC0, 0x101}, FIRMWARE_ERROR_NO_PARAMETER_AREA},
        {{0xFFFFB000, 0x1000, 1}, {0x812000, 0x1000, 0x100}, FIRMWARE_OK},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct firmware firmware;
        enum firmware_error error;

        sample_firmware(image_bytes, &cases[i].sev, 1, &cases[i].igvm, 1);
        error = parse(&firmware);
        if (error != cases[i].error)
            fail_msg("case %zu gives \"%s\"", i, firmware_error_text(error));
    }
}

TEST(parameters_outside_their_area_are_refused)
{
    static const struct sample_section outside[][2] = {
        {{0x812000, 0x1000, 0x100}, {0xF41, 0xC0, 0x101}},
        {{0x812000, 0x1000, 0x100}, {0xFFFFFFFF, 0xC0, 0x101}},
        {{0x812000, 0x1000, 0x100}, {0, 0x1001, 0x101}},
        {{0x812000, 0x1000, 0x100}, {0, 0, 0x102}},
    };

    for (size_t i = 0; i < COUNT(outside); i++) {
        struct firmware firmware;

        sample_firmware(image_bytes, SAMPLE_SEV_SECTIONS, COUNT(SAMPLE_SEV_SECTIONS), outside[i],
                        2);
        assert_int_equal(parse(&firmware), FIRMWARE_ERROR_SECTION_RANGE);
    }
}

TEST(too_many_sections_are_refused)
{
    struct sample_section many[BOOT_SECTIONS_MAX + 1];
    struct firmware firmware;

    for (size_t i = 0; i < COUNT(many); i++)
        many[i] = (struct sample_section){(uint32_t)(0x800000 + i * PAGE_SIZE), 0x1000, 1};
    sample_firmware(image_bytes, many, BOOT_SECTIONS_MAX, NULL, 0);
    assert_int_equal(parse(&firmware), FIRMWARE_OK);
    sample_firmware(image_bytes, many, COUNT(many), NULL, 0);
    assert_int_equal(parse(&firmware), FIRMWARE_ERROR_SECTION_COUNT);
}

TEST(descriptors_that_lie_are_refused)
{
    uint8_t *descriptor = image_bytes + SAMPLE_FIRMWARE_SIZE - SAMPLE_SEV_DESCRIPTOR;
    struct firmware firmware;

    make_debian_like();
    descriptor[0] = 'X';
    assert_int_equal(parse(&firmware), FIRMWARE_ERROR_DESCRIPTOR);
    make_debian_like();
    put_le32(descriptor + 4, 0xFFFFFFFF);
    assert_int_equal(parse(&firmware), FIRMWARE_ERROR_DESCRIPTOR);
    make_debian_like();
    put_le32(descriptor + 8, 2);
    assert_int_equal(parse(&firmware), FIRMWARE_ERROR_DESCRIPTOR);
    make_debian_like();
    put_le32(descriptor + 12, 0xFFFFFFFF);
    assert_int_equal(parse(&firmware), FIRMWARE_ERROR_DESCRIPTOR);
}

/* Only memory safety: a flipped bit outside the metadata is no error. */
TEST(flipped_bits_in_table_and_descriptors_do_no_harm)
{
    struct firmware firmware;

    make_debian_like();
    for (size_t bit = (sizeof(image_bytes) - SAMPLE_SEV_DESCRIPTOR) * 8;
         bit < sizeof(image_bytes) * 8; bit++) {
        image_bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        (void)!parse(&firmware);
        image_bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* The page data header of a page, or NULL. */
static const struct igvm_header *page_at(const struct image *image, uint64_t gpa)
{
    for (size_t i = 0; i < image->count; i++) {
        if (image->headers[i].type == IGVM_PAGE_DATA && image->headers[i].page_data.gpa == gpa)
            return &image->headers[i];
    }
    return NULL;
}

TEST(firmware_alone_gets_the_pages_it_asks_for)
{
    uint64_t twice;
    struct firmware firmware;
    struct firmware_plan plan = {
        .firmware = &firmware, .policy = 0x30000, .sev_features = 1, .cpu_signature = 0x800F12};
    struct image image = {0};
    struct vmsa vmsa = {0};

    make_debian_like();
    assert_int_equal(parse(&firmware), FIRMWARE_OK);
    firmware_image_build(&image, &plan);
    assert_int_equal(image_check_overlaps(&image, SNP_PLATFORM_MASK, &twice), IGVM_OK);
    assert_null(kvm_rule_broken(&image, SNP_PLATFORM_MASK));

    assert_int_equal(page_at(&image, 0x800000)->page_data.data_type, IGVM_PAGE_NORMAL);
    assert_null(page_at(&image, 0x809000)); /* OVMF's shared GHCB is in no section */
    assert_int_equal(page_at(&image, 0x80D000)->page_data.data_type, IGVM_PAGE_SECRETS);
    assert_int_equal(page_at(&image, 0x80E000)->page_data.data_type, IGVM_PAGE_CPUID_DATA);
    assert_non_null(page_at(&image, 0x80F000));
    assert_non_null(page_at(&image, 0x810000));
    assert_null(page_at(&image, 0x812000)); /* the parameter area instead */
    assert_non_null(page_at(&image, 0x813000));
    assert_non_null(page_at(&image, 0x82F000));
    assert_ptr_equal(page_at(&image, 0xFFFFF000)->data, image_bytes + 0x3000);

    for (size_t i = 0; i < image.count; i++) {
        const struct igvm_header *header = &image.headers[i];

        if (header->type == IGVM_PARAMETER_INSERT)
            assert_int_equal(header->parameter_insert.gpa, 0x812000);
        if (header->type == IGVM_MEMORY_MAP)
            assert_int_equal(header->parameter.byte_offset, 0);
        if (header->type == IGVM_VP_COUNT_PARAMETER)
            assert_int_equal(header->parameter.byte_offset, 0xC0);
        if (header->type == IGVM_VP_CONTEXT)
            memcpy(&vmsa, header->data, sizeof(vmsa));
    }
    assert_int_equal(vmsa.cs.base + vmsa.rip, FIRMWARE_RESET_VECTOR);
    image_free(&image);
}

/* OVMF_FD: the generic OVMF.fd of Debian's ovmf-generic 2026.08+ds-2. */
TEST(the_pages_of_debians_ovmf_have_their_digest)
{
    const char *path = getenv("OVMF_FD");
    struct file_bytes file;
    struct firmware firmware;
    struct image image = {0};
    struct launch_digest digest;

    if (!path)
        skip();
    assert_int_equal(files_read(path, &file), TOOL_OK);
    assert_int_equal(firmware_parse(file.bytes, file.size, &firmware), FIRMWARE_OK);
    assert_int_equal(firmware.section_count, 11);
    for (uint32_t i = 0; i < 7; i++) {
        assert_int_equal(firmware.sections[i].gpa, SAMPLE_SEV_SECTIONS[i].base);
        assert_int_equal(firmware.sections[i].size, SAMPLE_SEV_SECTIONS[i].size);
        assert_int_equal(firmware.sections[i].type, SAMPLE_SEV_SECTIONS[i].type);
    }

    add_contents(&image, firmware.gpa, file.bytes, file.size);
    sample_measure(&image, &(struct launch_options){.platform_mask = SNP_PLATFORM_MASK, .vcpus = 1},
                   NULL, &digest);
    expect_hex(digest.ld, sizeof(digest.ld),
               "d6f86493b34dad0be1fec5434580df7e93886e7cc7ddb88ac1d8772fb69949c2"
               "ec9ac77ab798adea8963f86e49a8a33d");
    image_free(&image);
    free(file.bytes);
}
