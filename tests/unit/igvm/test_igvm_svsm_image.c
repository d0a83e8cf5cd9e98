/* SPDX-License-Identifier: MIT */
/* The image with an SVSM: what it contains, and what the builder refuses. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "igvm/directives.h"
#include "igvm/dump.h"
#include "igvm/svsm_image.h"
#include "lib/igvm/kvm_rules.h"
#include "samples.h"
#include "tests/unit/registered.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static enum tool_status build(const struct sample_svsm *inputs)
{
    struct image image = {0};
    enum tool_status status = svsm_image_build(&image, &inputs->plan);

    image_free(&image);
    return status;
}

/* The page data header of a page; fails if there is none. */
static const struct igvm_header *page_at(const struct image *image, uint64_t gpa)
{
    for (size_t i = 0; i < image->count; i++) {
        if (image->headers[i].type == IGVM_PAGE_DATA && image->headers[i].page_data.gpa == gpa)
            return &image->headers[i];
    }
    fail_msg("no page at 0x%llx", (unsigned long long)gpa);
    return NULL;
}

static struct boot_params params_at(const struct image *image, uint64_t gpa)
{
    struct boot_params params;
    const struct igvm_header *page = page_at(image, gpa);

    assert_non_null(page->data);
    memcpy(&params, page->data, sizeof(params));
    return params;
}

TEST(the_image_is_one_that_qemu_and_kvm_launch)
{
    uint64_t twice;
    struct file_bytes file;
    struct image image = sample_svsm_image(sample_svsm_inputs(), &file);

    assert_int_equal(image_check_overlaps(&image, SNP_PLATFORM_MASK, &twice), IGVM_OK);
    assert_null(kvm_rule_broken(&image, SNP_PLATFORM_MASK));
    image_free(&image);
    free(file.bytes);
}

TEST(the_kernel_is_loaded_at_its_physical_addresses)
{
    struct sample_svsm *inputs = sample_svsm_inputs();
    struct file_bytes file;
    struct image image = sample_svsm_image(inputs, &file);
    const uint8_t *contents = inputs->kernel + 0x1000;
    uint8_t tail[PAGE_SIZE] = {0};

    assert_memory_equal(page_at(&image, SAMPLE_REGION)->data, contents, PAGE_SIZE);
    memcpy(tail, contents + PAGE_SIZE, 0x800);
    assert_memory_equal(page_at(&image, SAMPLE_REGION + 0x1000)->data, tail, PAGE_SIZE);
    assert_null(page_at(&image, SAMPLE_REGION + 0x2000)->data); /* between the segments */
    assert_memory_equal(page_at(&image, SAMPLE_REGION + 0x3000)->data, contents + 0x1800, 0x10);
    assert_null(page_at(&image, SAMPLE_REGION + 0x4000)->data); /* memsz beyond filesz */
    assert_null(page_at(&image, SAMPLE_REGION + 0x5000)->data);
    image_free(&image);
    free(file.bytes);
}

TEST(the_boot_processor_starts_the_kernel_with_its_parameters)
{
    struct file_bytes file;
    struct image image = sample_svsm_image(sample_svsm_inputs(), &file);
    const struct igvm_header *last = &image.headers[image.count - 1];
    struct vmsa vmsa;

    assert_int_equal(last->type, IGVM_VP_CONTEXT);
    memcpy(&vmsa, last->data, sizeof(vmsa));
    assert_int_equal(vmsa.rip, SAMPLE_REGION + 0x20);
    assert_int_equal(vmsa.rsi, SAMPLE_REGION + 0x6000);
    assert_int_equal(vmsa.cr0, 0x31);
    assert_int_equal(params_at(&image, vmsa.rsi).magic, BOOT_PARAMS_MAGIC);
    image_free(&image);
    free(file.bytes);
}

TEST(the_parameters_describe_the_image)
{
    struct sample_svsm *inputs = sample_svsm_inputs();
    struct file_bytes file;
    struct image image = sample_svsm_image(inputs, &file);
    struct boot_params params = params_at(&image, SAMPLE_REGION + 0x6000);

    assert_int_equal(params.version, BOOT_PARAMS_VERSION);
    assert_int_equal(params.region_gpa, SAMPLE_REGION);
    assert_int_equal(params.region_size, 0x100000);
    assert_int_equal(page_at(&image, params.cpuid_gpa)->page_data.data_type, IGVM_PAGE_CPUID_DATA);
    assert_int_equal(page_at(&image, params.secrets_gpa)->page_data.data_type, IGVM_PAGE_SECRETS);
    assert_int_equal(params.general_params_gpa, SAMPLE_REGION + 0x9000);
    assert_int_equal(params.memory_map_gpa, SAMPLE_REGION + 0xA000);
    assert_int_equal(params.firmware_gpa, 0xFFFFC000);
    assert_int_equal(params.firmware_size, SAMPLE_FIRMWARE_SIZE);
    assert_int_equal(params.reset_vector, 0xFFFFFFF0);
    assert_int_equal(params.guest_vmpl, 2);
    assert_int_equal(params.console_port, 0x3F8);
    assert_int_equal(params.proxy_port, 0x3E8);

    assert_int_equal(params.service_count, 2);
    assert_string_equal(params.services[0].name, "attest");
    assert_int_equal(params.services[0].gpa, SAMPLE_REGION + 0xB000);
    assert_int_equal(params.services[0].size, SAMPLE_SERVICE_SIZE);
    assert_string_equal(params.services[1].name, "tpm");
    assert_int_equal(params.services[1].gpa, SAMPLE_REGION + 0xD000);
    assert_memory_equal(page_at(&image, SAMPLE_REGION + 0xD000)->data, inputs->service, PAGE_SIZE);
    assert_int_equal(params.loaded_end_gpa, SAMPLE_REGION + 0x13000);

    assert_int_equal(params.section_count, 11);
    assert_int_equal(params.sections[8].type, BOOT_SECTION_IGVM_MEMORY_MAP);
    assert_int_equal(params.sections[8].gpa, 0x812000);
    image_free(&image);
    free(file.bytes);
}

TEST(every_page_below_the_loaded_end_is_launched_once)
{
    struct file_bytes file;
    struct image image = sample_svsm_image(sample_svsm_inputs(), &file);
    uint64_t end = params_at(&image, SAMPLE_REGION + 0x6000).loaded_end_gpa;
    size_t launched = 0;

    for (size_t i = 0; i < image.count; i++) {
        const struct igvm_header *header = &image.headers[i];
        uint64_t gpa = header->type == IGVM_PAGE_DATA          ? header->page_data.gpa
                       : header->type == IGVM_PARAMETER_INSERT ? header->parameter_insert.gpa
                                                               : 0;

        if (gpa >= SAMPLE_REGION && gpa < end)
            launched++;
    }
    assert_int_equal(launched, (end - SAMPLE_REGION) / PAGE_SIZE);
    image_free(&image);
    free(file.bytes);
}

TEST(an_image_without_firmware_can_be_built)
{
    struct sample_svsm *inputs = sample_svsm_inputs();
    struct file_bytes file;
    struct image image;

    inputs->plan.firmware = NULL;
    image = sample_svsm_image(inputs, &file);
    assert_int_equal(params_at(&image, SAMPLE_REGION + 0x6000).firmware_gpa, 0);
    assert_int_equal(params_at(&image, SAMPLE_REGION + 0x6000).section_count, 0);
    image_free(&image);
    free(file.bytes);
}

TEST(regions_that_cannot_be_are_refused)
{
    static const struct {
        uint64_t gpa, size;
    } regions[] = {
        {SAMPLE_REGION + 1, 0x100000},      /* misaligned */
        {SAMPLE_REGION, 0xFFFFF},           /* no whole pages */
        {SAMPLE_REGION, 0},                 /* empty */
        {UINT64_MAX - 0xFFF, 0x100000},     /* wraps round */
        {0x90000, 0x100000},                /* VGA hole */
        {0x1700000, 0x10000000},            /* OVMF's memory */
        {0x8000000000, 0x100000},           /* beyond 32 bits */
        {SAMPLE_REGION, 0xA8001000},        /* reaches the PCI hole */
        {SAMPLE_REGION + 0x1000, 0x100000}, /* the kernel is below it */
        {SAMPLE_REGION, 0x4000},            /* the kernel does not fit */
        {SAMPLE_REGION, 0xC000},            /* the services do not fit */
        {SAMPLE_REGION, 0x12000},           /* one page too small */
    };

    for (size_t i = 0; i < COUNT(regions); i++) {
        struct sample_svsm *inputs = sample_svsm_inputs();

        inputs->plan.region_gpa = regions[i].gpa;
        inputs->plan.region_size = regions[i].size;
        if (build(inputs) != TOOL_INVALID)
            fail_msg("region %zu is taken", i);
    }
}

TEST(the_smallest_region_that_fits_is_taken)
{
    struct sample_svsm *inputs = sample_svsm_inputs();

    inputs->plan.region_size = 0x13000;
    assert_int_equal(build(inputs), TOOL_OK);
}

TEST(kernels_that_do_not_load_are_refused)
{
    static const struct {
        uint64_t entry;
        struct sample_segment segments[2];
    } kernels[] = {
        {SAMPLE_REGION + 8,
         {{SAMPLE_REGION + 8, 0x10, 0x10}, {SAMPLE_REGION + 0x3000, 0x10, 0x10}}}, /* misaligned */
        {SAMPLE_REGION,
         {{SAMPLE_REGION, 0x1010, 0x1010},
          {SAMPLE_REGION + 0x1000, 0x10, 0x10}}},                               /* one page twice */
        {SAMPLE_REGION, {{SAMPLE_REGION, 0x10, 0x10}, {0x100000, 0x10, 0x10}}}, /* outside */
        {SAMPLE_REGION,
         {{SAMPLE_REGION, 0x10, 0x10},
          {SAMPLE_REGION + 0x1000, 0x10, 0x10000000}}}, /* huge zeros */
        {SAMPLE_REGION,
         {{SAMPLE_REGION, 0x10, 0x10},
          {SAMPLE_REGION + 0x1000, 0x10, UINT64_MAX}}}, /* wraps round */
        {SAMPLE_REGION,
         {{SAMPLE_REGION, 0x10, 0x8}, {SAMPLE_REGION + 0x1000, 0x10, 0x10}}}, /* memsz < filesz */
        {SAMPLE_REGION,
         {{SAMPLE_REGION, 0x10000, 0x10000},
          {SAMPLE_REGION + 0x1000, 0x10, 0x10}}}, /* beyond file */
        {SAMPLE_REGION + 0x10,
         {{SAMPLE_REGION, 0x10, 0x1000}, {SAMPLE_REGION + 0x1000, 1, 1}}}, /* entry no code */
        {0xFFFFFFFF80000000,
         {{SAMPLE_REGION, 0x10, 0x10}, {SAMPLE_REGION + 0x1000, 1, 1}}}, /* virtual entry */
    };

    for (size_t i = 0; i < COUNT(kernels); i++) {
        struct sample_svsm *inputs = sample_svsm_inputs();

        sample_elf(inputs->kernel, kernels[i].entry, kernels[i].segments, 2);
        if (build(inputs) != TOOL_INVALID)
            fail_msg("kernel %zu is taken", i);
    }
}

TEST(services_that_are_no_programs_are_refused)
{
    struct sample_svsm *inputs = sample_svsm_inputs();

    inputs->service[1] = 'X';
    assert_int_equal(build(inputs), TOOL_INVALID);
    inputs = sample_svsm_inputs();
    inputs->service[EI_CLASS] = ELFCLASS32;
    assert_int_equal(build(inputs), TOOL_INVALID);
    inputs = sample_svsm_inputs();
    put_le32(inputs->service + sizeof(Elf64_Ehdr), PT_INTERP); /* dynamically linked */
    assert_int_equal(build(inputs), TOOL_INVALID);
    inputs = sample_svsm_inputs();
    inputs->plan.services[0].elf.content.size = 0;
    assert_int_equal(build(inputs), TOOL_INVALID);
    inputs = sample_svsm_inputs();
    inputs->plan.services[1].name = "a-name-of-16-lett";
    assert_int_equal(build(inputs), TOOL_INVALID);
}

TEST(firmware_that_cannot_run_under_an_svsm_is_refused)
{
    struct sample_svsm *inputs = sample_svsm_inputs();

    inputs->firmware.sections[4].type = BOOT_SECTION_SEC_MEM; /* was the calling area */
    assert_int_equal(build(inputs), TOOL_INVALID);
    inputs = sample_svsm_inputs();
    inputs->firmware.sections[0].gpa = SAMPLE_REGION + 0xFF000;
    assert_int_equal(build(inputs), TOOL_INVALID);
}

TEST(pages_loaded_twice_are_noticed)
{
    uint64_t twice;
    struct image image = {0};

    sample_image(&image);
    assert_int_equal(image_check_overlaps(&image, SNP_PLATFORM_MASK, &twice), IGVM_OK);
    add_page(&image, IGVM_PAGE_NORMAL, 0x20000, NULL); /* the parameter page */
    assert_int_equal(image_check_overlaps(&image, SNP_PLATFORM_MASK, &twice),
                     IGVM_ERROR_LOADED_TWICE);
    assert_int_equal(image_check_overlaps(&image, 2, &twice), IGVM_OK); /* not on that platform */
    image_free(&image);
}

/* The KBS's keys of the plan, with recognizable bytes. */
static void pin(struct sample_svsm *inputs)
{
    struct boot_kbs *kbs = &inputs->plan.kbs;

    *kbs = (struct boot_kbs){.flags = BOOT_KBS_REQUIRE_SIGNED, .pin_count = 2};
    memset(kbs->pins[0].kid, 0x1A, sizeof(kbs->pins[0].kid));
    memset(kbs->pins[1].kid, 0x2B, sizeof(kbs->pins[1].kid));
    memset(kbs->pins[1].point, 0x3C, sizeof(kbs->pins[1].point));
    memset(kbs->volume_id, 0x4D, sizeof(kbs->volume_id));
}

static char *dump_of(const struct sample_svsm *inputs)
{
    struct file_bytes file;
    struct image image = sample_svsm_image(inputs, &file);
    char *text;
    size_t size;
    FILE *stream = open_memstream(&text, &size);

    dump_image(stream, &image, SNP_PLATFORM_MASK);
    fclose(stream);
    image_free(&image);
    free(file.bytes);
    return text;
}

TEST(the_parameters_say_whom_the_svsm_believes_a_key)
{
    struct sample_svsm *inputs = sample_svsm_inputs();
    struct file_bytes file;
    struct image image;
    struct boot_params params;

    pin(inputs);
    image = sample_svsm_image(inputs, &file);
    params = params_at(&image, SAMPLE_REGION + 0x6000);
    assert_memory_equal(&params.kbs, &inputs->plan.kbs, sizeof(params.kbs));
    image_free(&image);
    free(file.bytes);
}

TEST(a_dump_tells_whom_the_svsm_believes_a_key)
{
    struct sample_svsm *inputs = sample_svsm_inputs();
    char *text = dump_of(inputs);

    assert_non_null(strstr(text, "  takes unsigned key releases: no key of a KBS is pinned\n"));
    free(text);
    pin(inputs);
    text = dump_of(inputs);
    assert_non_null(strstr(text,
                           "  takes key releases signed with 1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a\n"
                           "  takes key releases signed with 2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b\n"
                           "  asks for volume 4d4d4d4d-4d4d-4d4d-4d4d-4d4d4d4d4d4d\n"));
    free(text);
}

TEST(a_dump_tells_what_is_in_the_image)
{
    static const char *const LINES[] = {
        "SUPPORTED_PLATFORM  SEV_SNP, mask 0x1\n",
        "GUEST_POLICY        0x30000, mask 0x1\n",
        "REQUIRED_MEMORY     0x000008000000-0x0000080fffff mask 0x1\n",
        "PARAMETER_INSERT    0x000008009000-0x000008009fff area 0, mask 0x1\n",
        "PAGE_DATA           0x000008000000-0x000008001fff 2 x NORMAL, mask 0x1\n",
        "PAGE_DATA           0x000008004000-0x000008005fff 2 x NORMAL zeros, mask 0x1\n",
        "  RIP 0x8000020  RSP 0x0  RFLAGS 0x2\n",
        "  region 0x8000000 + 0x100000, loaded up to 0x8013000\n",
        "  service tpm: 0x6000 bytes at 0x800d000\n",
        "  firmware section 0x80f000 + 0x1000 SVSM_CAA\n",
    };
    char *text = dump_of(sample_svsm_inputs());

    for (size_t i = 0; i < COUNT(LINES); i++) {
        if (!strstr(text, LINES[i]))
            fail_msg("missing: %sin:\n%s", LINES[i], text);
    }
    free(text);
}
