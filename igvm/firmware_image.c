/* SPDX-License-Identifier: MIT */
#include "igvm/firmware_image.h"

#include "igvm/directives.h"
#include "lib/igvm/boot_state.h"
#include "lib/snp/page.h"

#define AREA_FIRMWARE 0u

/*
 * Metadata sections may overlap: OVMF's last SEC_MEM section contains the IGVM parameter page. A
 * page is launched once, for the most particular of its sections.
 */
enum precedence {
    NOT_LOADED,
    ZERO_PAGE,
    FILLED_AT_LAUNCH,
    PARAMETER_PAGE,
};

static enum precedence precedence_of(uint32_t type)
{
    switch (type) {
    case BOOT_SECTION_IGVM_PARAMETER:
        return PARAMETER_PAGE;
    case BOOT_SECTION_SECRETS:
    case BOOT_SECTION_CPUID:
        return FILLED_AT_LAUNCH;
    case BOOT_SECTION_SEC_MEM:
    case BOOT_SECTION_SVSM_CAA:
    case BOOT_SECTION_KERNEL_HASHES:
    case BOOT_SECTION_IGVM_HOB:
        return ZERO_PAGE;
    default: /* what lies inside the parameter area */
        return NOT_LOADED;
    }
}

static enum igvm_page_data_type page_type_of(uint32_t section_type)
{
    switch (section_type) {
    case BOOT_SECTION_SECRETS:
        return IGVM_PAGE_SECRETS;
    case BOOT_SECTION_CPUID:
        return IGVM_PAGE_CPUID_DATA;
    default:
        return IGVM_PAGE_NORMAL;
    }
}

/* Whether a page of section `mine` is launched for another section. */
static bool launched_for_another(const struct firmware *firmware, uint32_t mine, uint64_t gpa)
{
    enum precedence precedence = precedence_of(firmware->sections[mine].type);

    for (uint32_t i = 0; i < firmware->section_count; i++) {
        const struct boot_section *other = &firmware->sections[i];
        enum precedence theirs = precedence_of(other->type);

        if (gpa >= other->gpa && gpa - other->gpa < other->size &&
            (theirs > precedence || (theirs == precedence && i < mine)))
            return true;
    }
    return false;
}

static void add_section_pages(struct image *image, const struct firmware *firmware, uint32_t index)
{
    const struct boot_section *section = &firmware->sections[index];

    for (uint64_t gpa = section->gpa; gpa < section->gpa + section->size; gpa += PAGE_SIZE) {
        if (!launched_for_another(firmware, index, gpa))
            add_page(image, page_type_of(section->type), gpa, NULL);
    }
}

static void add_sections(struct image *image, const struct firmware *firmware)
{
    for (uint32_t i = 0; i < firmware->section_count; i++) {
        switch (precedence_of(firmware->sections[i].type)) {
        case ZERO_PAGE:
        case FILLED_AT_LAUNCH:
            add_section_pages(image, firmware, i);
            break;
        default:
            break;
        }
    }
}

/* The memory map and the vCPU count in the area that newer firmware has for them. */
static void add_parameters(struct image *image, const struct firmware *firmware)
{
    const struct boot_section *area = firmware_section(firmware, BOOT_SECTION_IGVM_PARAMETER);
    const struct boot_section *map = firmware_section(firmware, BOOT_SECTION_IGVM_MEMORY_MAP);
    const struct boot_section *count = firmware_section(firmware, BOOT_SECTION_IGVM_VP_COUNT);

    if (!area)
        return;
    add_parameter_area(image, AREA_FIRMWARE, area->gpa, area->size);
    if (map)
        add_parameter(image, IGVM_MEMORY_MAP, AREA_FIRMWARE, (uint32_t)(map->gpa - area->gpa));
    if (count)
        add_parameter(image, IGVM_VP_COUNT_PARAMETER, AREA_FIRMWARE,
                      (uint32_t)(count->gpa - area->gpa));
}

void firmware_image_build(struct image *image, const struct firmware_plan *plan)
{
    const struct firmware *firmware = plan->firmware;
    struct vmsa vmsa = boot_state_firmware(plan->cpu_signature, plan->sev_features);

    add_platform(image, plan->policy);
    add_parameters(image, firmware);
    add_sections(image, firmware);
    add_contents(image, firmware->gpa, firmware->bytes, firmware->size);
    add_boot_processor(image, &vmsa);
}
