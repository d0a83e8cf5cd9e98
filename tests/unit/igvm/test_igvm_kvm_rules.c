/* SPDX-License-Identifier: MIT */
/* The rules of QEMU and KVM that decide whether a file's digest is the real one. */
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "igvm/directives.h"
#include "lib/igvm/boot_state.h"
#include "lib/igvm/kvm_rules.h"
#include "samples.h"
#include "tests/unit/registered.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

TEST(the_states_of_our_images_keep_the_rules)
{
    struct vmsa svsm = boot_state_protected_mode(0x8000000, 0x8009000, 0x1);
    struct vmsa reset = boot_state_reset(0x800F12, 0x21);
    struct vmsa firmware = boot_state_firmware(0x800F12, 0x21);

    assert_null(kvm_rule_broken_by_vmsa(&svsm));
    assert_null(kvm_rule_broken_by_vmsa(&reset));
    assert_null(kvm_rule_broken_by_vmsa(&firmware));
    assert_int_equal(firmware.cr0, 0x30); /* NE, which others' measuring tools demand */
}

TEST(each_bad_register_breaks_a_rule)
{
    static const struct {
        size_t offset;
        uint64_t value;
    } cases[] = {
        {offsetof(struct vmsa, cr0), 0x80000031},
        {offsetof(struct vmsa, cr0), 0x21},
        {offsetof(struct vmsa, efer), 0},
        {offsetof(struct vmsa, efer), EFER_SVME | EFER_LME},
        {offsetof(struct vmsa, efer), EFER_SVME | EFER_LMA},
        {offsetof(struct vmsa, cr4), 0x20},
        {offsetof(struct vmsa, rflags), 0},
        {offsetof(struct vmsa, xcr0), 2},
        {offsetof(struct vmsa, dr7), 0x401},
        {offsetof(struct vmsa, dr6), 0x1FFFF0FF0},
        {offsetof(struct vmsa, tr.base), 0x1000},
        {offsetof(struct vmsa, gdtr), 0x0000FFFF00010000},
        {offsetof(struct vmsa, idtr), 0x0001000000000000},
        {offsetof(struct vmsa, sev_features), 0x20},
        {offsetof(struct vmsa, cs), 0xFFFFFFFF0A9B0008},
        /* Fields that QEMU cannot pass on. */
        {offsetof(struct vmsa, cr2), 1},
        {offsetof(struct vmsa, star), 1},
        {offsetof(struct vmsa, pkru), 1},
        {offsetof(struct vmsa, virtual_tom), 1},
        {offsetof(struct vmsa, reserved_0c8), 0x10000}, /* VMPL */
        {offsetof(struct vmsa, reserved_670), 1},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct vmsa vmsa = boot_state_protected_mode(0x8000000, 0, 0x1);

        memcpy((uint8_t *)&vmsa + cases[i].offset, &cases[i].value, sizeof(cases[i].value));
        if (!kvm_rule_broken_by_vmsa(&vmsa))
            fail_msg("0x%llx at 0x%zx is taken", (unsigned long long)cases[i].value,
                     cases[i].offset);
    }
}

/* The rule that an image breaks in which *header follows a page. */
static const char *broken_with(const struct igvm_header *header)
{
    struct vmsa vmsa = boot_state_protected_mode(0x8000000, 0, 0x1);
    struct image image = {0};
    const char *broken;

    add_platform(&image, 0x30000);
    add_page(&image, IGVM_PAGE_NORMAL, 0x10000, NULL);
    image_add(&image, header);
    add_boot_processor(&image, &vmsa);
    broken = kvm_rule_broken(&image, SNP_PLATFORM_MASK);
    image_free(&image);
    return broken;
}

TEST(parameters_and_required_memory_come_before_page_data)
{
    assert_non_null(broken_with(&(struct igvm_header){.type = IGVM_PARAMETER_INSERT,
                                                      .compatibility_mask = SNP_PLATFORM_MASK}));
    assert_non_null(broken_with(&(struct igvm_header){.type = IGVM_REQUIRED_MEMORY,
                                                      .compatibility_mask = SNP_PLATFORM_MASK}));
}

TEST(headers_without_a_handler_in_qemu_break_a_rule)
{
    assert_non_null(broken_with(
        &(struct igvm_header){.type = IGVM_SRAT, .compatibility_mask = IGVM_ALL_PLATFORMS}));
    /* On another platform they do not matter. */
    assert_null(
        broken_with(&(struct igvm_header){.type = IGVM_ERROR_RANGE, .compatibility_mask = 2}));
}

TEST(parameters_that_some_qemu_fills_in_keep_the_rules)
{
    assert_null(broken_with(
        &(struct igvm_header){.type = IGVM_MADT, .compatibility_mask = IGVM_ALL_PLATFORMS}));
    assert_null(broken_with(
        &(struct igvm_header){.type = IGVM_DEVICE_TREE, .compatibility_mask = IGVM_ALL_PLATFORMS}));
}

TEST(page_data_shared_with_the_host_break_a_rule)
{
    struct igvm_header page = {.type = IGVM_PAGE_DATA,
                               .compatibility_mask = SNP_PLATFORM_MASK,
                               .page_data = {.gpa = 0x20000, .flags = IGVM_PAGE_SHARED}};

    assert_non_null(broken_with(&page));
    page.compatibility_mask = 2;
    assert_null(broken_with(&page));
}

TEST(a_memory_map_that_is_not_at_the_start_of_its_area_breaks_a_rule)
{
    assert_non_null(broken_with(&(struct igvm_header){.type = IGVM_MEMORY_MAP,
                                                      .compatibility_mask = IGVM_ALL_PLATFORMS,
                                                      .parameter = {.byte_offset = 24}}));
}

TEST(there_is_one_boot_processor_wherever_its_header_stands)
{
    struct vmsa vmsa = boot_state_protected_mode(0x8000000, 0, 0x1);
    struct image image = {0};

    assert_non_null(kvm_rule_broken(&image, SNP_PLATFORM_MASK));
    add_boot_processor(&image, &vmsa);
    assert_null(kvm_rule_broken(&image, SNP_PLATFORM_MASK));
    image.headers[0].vp_context.vp_index = 1;
    assert_non_null(kvm_rule_broken(&image, SNP_PLATFORM_MASK));
    image.headers[0].vp_context.vp_index = 0;
    image.headers[0].vp_context.gpa = 0;
    assert_non_null(kvm_rule_broken(&image, SNP_PLATFORM_MASK));
    image.headers[0].vp_context.gpa = VMSA_LAUNCH_GPA;
    add_page(&image, IGVM_PAGE_NORMAL, 0x10000, NULL); /* KVM measures the processor last */
    assert_null(kvm_rule_broken(&image, SNP_PLATFORM_MASK));
    add_boot_processor(&image, &vmsa);
    assert_non_null(kvm_rule_broken(&image, SNP_PLATFORM_MASK));
    image_free(&image);
}
