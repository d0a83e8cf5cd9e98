/* SPDX-License-Identifier: MIT */
#include "igvm/svsm_image.h"

#include <stdlib.h>
#include <string.h>

#include "igvm/directives.h"
#include "igvm/elf_image.h"
#include "lib/igvm/boot_state.h"
#include "lib/snp/page.h"

/* Parameter areas. A memory map overwrites its area from the start, so it has one of its own. */
#define AREA_GENERAL            0u
#define AREA_MEMORY_MAP         1u
#define VP_COUNT_OFFSET         0u
#define ENVIRONMENT_INFO_OFFSET 4u

/* Where no region can lie on a q35 machine with OVMF. */
static const struct {
    uint64_t start, end;
    const char *use;
} RESERVED_RANGES[] = {
    {0xA0000, 0x100000, "the VGA and option ROM hole"},
    {0x800000, 0x1780000, "the memory OVMF starts in"},
    {0xB0000000, UINT64_MAX, "PCI devices and firmware; the SVSM starts in 32-bit mode"},
};

static bool ranges_overlap(uint64_t start_a, uint64_t end_a, uint64_t start_b, uint64_t end_b)
{
    return start_a < end_b && start_b < end_a;
}

static uint64_t region_end(const struct svsm_plan *plan)
{
    return plan->region_gpa + plan->region_size;
}

static enum tool_status complain_region(const struct svsm_plan *plan, const char *problem)
{
    return complain(TOOL_INVALID, "the SVSM region 0x%llx + 0x%llx %s",
                    (unsigned long long)plan->region_gpa, (unsigned long long)plan->region_size,
                    problem);
}

static enum tool_status check_region(const struct svsm_plan *plan)
{
    if (plan->region_gpa % PAGE_SIZE != 0 || plan->region_size % PAGE_SIZE != 0)
        return complain_region(plan, "does not consist of whole 4 KiB pages");
    if (plan->region_size == 0 || plan->region_size > UINT64_MAX - plan->region_gpa)
        return complain_region(plan, "is empty or wraps round");
    for (size_t i = 0; i < sizeof(RESERVED_RANGES) / sizeof(RESERVED_RANGES[0]); i++) {
        if (ranges_overlap(plan->region_gpa, region_end(plan), RESERVED_RANGES[i].start,
                           RESERVED_RANGES[i].end))
            return complain(
                TOOL_INVALID, "the SVSM region 0x%llx + 0x%llx reaches into 0x%llx-0x%llx: %s",
                (unsigned long long)plan->region_gpa, (unsigned long long)plan->region_size,
                (unsigned long long)RESERVED_RANGES[i].start,
                (unsigned long long)RESERVED_RANGES[i].end, RESERVED_RANGES[i].use);
    }
    return TOOL_OK;
}

/* The firmware must be able to run under an SVSM, and its memory must not be the SVSM's. */
static enum tool_status check_firmware(const struct svsm_plan *plan)
{
    const struct firmware *firmware = plan->firmware;

    if (!firmware_section(firmware, BOOT_SECTION_SECRETS) ||
        !firmware_section(firmware, BOOT_SECTION_CPUID) ||
        !firmware_section(firmware, BOOT_SECTION_SVSM_CAA))
        return complain(TOOL_INVALID,
                        "the firmware's metadata lack a secrets, CPUID or SVSM calling area page: "
                        "it cannot run under an SVSM");
    for (uint32_t i = 0; i < firmware->section_count; i++) {
        const struct boot_section *section = &firmware->sections[i];

        if (ranges_overlap(plan->region_gpa, region_end(plan), section->gpa,
                           section->gpa + section->size))
            return complain_region(plan, "overlaps memory that the firmware's metadata claim");
    }
    return TOOL_OK;
}

static int compare_segments(const void *a, const void *b)
{
    const struct elf_segment *left = a, *right = b;

    return (left->paddr > right->paddr) - (left->paddr < right->paddr);
}

/* Loads one segment at or after *next, and zero pages before it, so that the region has no gap. */
static enum tool_status add_segment(struct image *image, const struct svsm_plan *plan,
                                    const struct elf_segment *segment, uint64_t *next)
{
    uint64_t end = segment->paddr + segment->memory_size;
    uint64_t contents_end;

    if (segment->paddr % PAGE_SIZE != 0)
        return complain(TOOL_INVALID, "%s: the segment at physical 0x%llx is not page-aligned",
                        plan->kernel.path, (unsigned long long)segment->paddr);
    if (segment->paddr < plan->region_gpa || end > region_end(plan))
        return complain(TOOL_INVALID,
                        "%s: the segment at physical 0x%llx + 0x%llx is outside the SVSM region; "
                        "link the kernel for --region-base",
                        plan->kernel.path, (unsigned long long)segment->paddr,
                        (unsigned long long)segment->memory_size);
    if (segment->paddr < *next)
        return complain(TOOL_INVALID, "%s: two segments share the page at physical 0x%llx",
                        plan->kernel.path, (unsigned long long)segment->paddr);

    add_zero_pages(image, *next, segment->paddr);
    contents_end = add_contents(image, segment->paddr, segment->contents, segment->contents_size);
    *next = (end + PAGE_SIZE - 1) & PAGE_MASK;
    add_zero_pages(image, contents_end, *next);
    return TOOL_OK;
}

static bool entry_is_code(const struct elf_image *kernel)
{
    for (size_t i = 0; i < kernel->segment_count; i++) {
        const struct elf_segment *segment = &kernel->segments[i];

        if (segment->executable && kernel->entry >= segment->paddr &&
            kernel->entry - segment->paddr < segment->contents_size)
            return true;
    }
    return false;
}

/* Adds the kernel from *next on, and moves *next behind it. */
static enum tool_status add_kernel(struct image *image, const struct svsm_plan *plan,
                                   uint64_t *next, uint32_t *entry)
{
    const struct file_bytes *file = &plan->kernel.content;
    struct elf_image kernel;
    enum elf_error error = elf_parse(file->bytes, file->size, &kernel);

    if (error != ELF_OK)
        return complain(TOOL_INVALID, "%s: %s", plan->kernel.path, elf_error_text(error));
    if (!entry_is_code(&kernel))
        return complain(TOOL_INVALID,
                        "%s: the entry point 0x%llx is no physical address of its code",
                        plan->kernel.path, (unsigned long long)kernel.entry);

    qsort(kernel.segments, kernel.segment_count, sizeof(kernel.segments[0]), compare_segments);
    for (size_t i = 0; i < kernel.segment_count; i++) {
        enum tool_status status = add_segment(image, plan, &kernel.segments[i], next);

        if (status != TOOL_OK)
            return status;
    }
    /* Inside the region, hence below 4 GiB. */
    *entry = (uint32_t)kernel.entry;
    return TOOL_OK;
}

static uint64_t take_page(uint64_t *next)
{
    uint64_t gpa = *next;

    *next += PAGE_SIZE;
    return gpa;
}

/* Adds the pages that the secure processor and the host fill, from *next on. */
static void add_host_pages(struct image *image, struct boot_params *params, uint64_t *next)
{
    params->cpuid_gpa = take_page(next);
    add_page(image, IGVM_PAGE_CPUID_DATA, params->cpuid_gpa, NULL);

    params->secrets_gpa = take_page(next);
    add_page(image, IGVM_PAGE_SECRETS, params->secrets_gpa, NULL);

    params->general_params_gpa = take_page(next);
    add_parameter_area(image, AREA_GENERAL, params->general_params_gpa, PAGE_SIZE);
    add_parameter(image, IGVM_VP_COUNT_PARAMETER, AREA_GENERAL, VP_COUNT_OFFSET);
    add_parameter(image, IGVM_ENVIRONMENT_INFO_PARAMETER, AREA_GENERAL, ENVIRONMENT_INFO_OFFSET);

    params->memory_map_gpa = take_page(next);
    add_parameter_area(image, AREA_MEMORY_MAP, params->memory_map_gpa, PAGE_SIZE);
    add_parameter(image, IGVM_MEMORY_MAP, AREA_MEMORY_MAP, 0);
}

static enum tool_status add_service(struct image *image, const struct svsm_service *service,
                                    struct boot_params *params, uint64_t *next)
{
    struct boot_service *placed = &params->services[params->service_count];
    const struct file_bytes *file = &service->elf.content;
    struct elf_image elf;
    enum elf_error error = elf_parse(file->bytes, file->size, &elf);

    if (error != ELF_OK)
        return complain(TOOL_INVALID, "%s: %s", service->elf.path, elf_error_text(error));
    if (strlen(service->name) >= sizeof(placed->name))
        return complain(TOOL_INVALID, "the service name %s is longer than %zu characters",
                        service->name, sizeof(placed->name) - 1);
    strcpy(placed->name, service->name);
    placed->gpa = *next;
    placed->size = file->size;
    *next = add_contents(image, *next, file->bytes, file->size);
    params->service_count++;
    return TOOL_OK;
}

static void add_firmware(struct image *image, const struct firmware *firmware,
                         struct boot_params *params)
{
    params->firmware_gpa = firmware->gpa;
    params->firmware_size = firmware->size;
    params->reset_vector = FIRMWARE_RESET_VECTOR;
    params->section_count = firmware->section_count;
    memcpy(params->sections, firmware->sections, sizeof(firmware->sections));
    add_contents(image, firmware->gpa, firmware->bytes, firmware->size);
}

static struct boot_params params_of(const struct svsm_plan *plan)
{
    return (struct boot_params){
        .magic = BOOT_PARAMS_MAGIC,
        .version = BOOT_PARAMS_VERSION,
        .region_gpa = plan->region_gpa,
        .region_size = plan->region_size,
        .guest_vmpl = plan->guest_vmpl,
        .console_port = plan->console_port,
        .proxy_port = plan->proxy_port,
        .kbs = plan->kbs,
        .pcr_banks = plan->pcr_banks,
    };
}

enum tool_status svsm_image_build(struct image *image, const struct svsm_plan *plan)
{
    struct boot_params params = params_of(plan);
    uint64_t next = plan->region_gpa;
    uint64_t params_gpa;
    uint32_t entry = 0;
    struct vmsa vmsa;
    enum tool_status status = check_region(plan);

    if (status == TOOL_OK && plan->firmware)
        status = check_firmware(plan);
    if (status == TOOL_OK)
        status = add_kernel(image, plan, &next, &entry);
    if (status != TOOL_OK)
        return status;

    params_gpa = take_page(&next);
    add_host_pages(image, &params, &next);
    for (size_t i = 0; i < plan->service_count && status == TOOL_OK; i++)
        status = add_service(image, &plan->services[i], &params, &next);
    if (status != TOOL_OK)
        return status;
    if (next > region_end(plan))
        return complain_region(plan, "is too small for kernel and services; give --region-size");
    params.loaded_end_gpa = next;
    if (plan->firmware)
        add_firmware(image, plan->firmware, &params);

    add_platform(image, plan->policy);
    add_required_memory(image, plan->region_gpa, plan->region_size);
    add_page(image, IGVM_PAGE_NORMAL, params_gpa, image_keep_page(image, &params, sizeof(params)));
    vmsa = boot_state_protected_mode(entry, (uint32_t)params_gpa, plan->sev_features);
    add_boot_processor(image, &vmsa);
    return TOOL_OK;
}
