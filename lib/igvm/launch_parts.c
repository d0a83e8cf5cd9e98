/* SPDX-License-Identifier: MIT */
#include "lib/igvm/launch_parts.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "lib/snp/vmsa.h"

/* q35 maps the firmware's flash below 4 GiB. */
#define FLASH_GPA     0xFF000000ull
#define FLASH_END_GPA 0x100000000ull

static bool lies_in(uint64_t gpa, uint64_t start, uint64_t size)
{
    return gpa >= start && gpa - start < size;
}

/* ESI of the boot processor; 0 without one. */
static uint64_t argument_of_boot_processor(const struct igvm_header *headers, size_t count,
                                           uint32_t platform_mask)
{
    struct vmsa vmsa;

    for (size_t i = 0; i < count; i++) {
        if (headers[i].type == IGVM_VP_CONTEXT && headers[i].vp_context.vp_index == 0 &&
            igvm_applies(&headers[i], platform_mask)) {
            memcpy(&vmsa, headers[i].data, sizeof(vmsa));
            return vmsa.rsi;
        }
    }
    return 0;
}

struct launch_layout launch_layout_of(const struct igvm_header *headers, size_t count,
                                      uint32_t platform_mask)
{
    struct launch_layout layout = {.params_gpa =
                                       argument_of_boot_processor(headers, count, platform_mask)};

    for (size_t i = 0; i < count; i++) {
        if (headers[i].type == IGVM_PAGE_DATA && headers[i].data &&
            headers[i].page_data.gpa == layout.params_gpa &&
            igvm_applies(&headers[i], platform_mask))
            memcpy(&layout.params, headers[i].data, sizeof(layout.params));
    }
    layout.has_params = boot_params_are_readable(&layout.params) &&
                        layout.params.service_count <= BOOT_SERVICES_MAX;
    return layout;
}

/* The file may be anybody's: only printable characters of the service's name. */
static void name_service(const char *service, char name[LAUNCH_PART_SIZE])
{
    size_t length = (size_t)snprintf(name, LAUNCH_PART_SIZE, "service ");

    for (size_t i = 0; i < BOOT_SERVICE_NAME && service[i] != '\0'; i++)
        name[length++] = isgraph((unsigned char)service[i]) ? service[i] : '?';
    name[length] = '\0';
}

static const struct boot_service *service_at(const struct boot_params *params, uint64_t gpa)
{
    for (uint32_t i = 0; i < params->service_count; i++) {
        if (lies_in(gpa, params->services[i].gpa, params->services[i].size))
            return &params->services[i];
    }
    return NULL;
}

/* What the SVSM's parameters say about memory with measured contents; NULL: nothing. */
static const char *contents_name(const struct launch_layout *layout, uint64_t gpa)
{
    const struct boot_params *params = &layout->params;

    if (!layout->has_params)
        return NULL;
    if (gpa == layout->params_gpa)
        return "boot parameters";
    if (lies_in(gpa, params->firmware_gpa, params->firmware_size))
        return "firmware";
    return lies_in(gpa, params->region_gpa, params->region_size) ? "SVSM kernel" : NULL;
}

static const char *unmeasured_name(const struct launch_layout *layout, uint64_t gpa)
{
    const struct boot_params *params = &layout->params;

    return layout->has_params &&
                   (gpa == params->general_params_gpa || gpa == params->memory_map_gpa)
               ? "parameters from the host"
               : "unmeasured memory";
}

static const char *part_name(const struct launch_layout *layout, enum snp_page_type type,
                             uint64_t gpa)
{
    const char *name;

    switch (type) {
    case SNP_PAGE_SECRETS:
        return "secrets";
    case SNP_PAGE_CPUID:
        return "CPUID";
    case SNP_PAGE_UNMEASURED:
        return unmeasured_name(layout, gpa);
    case SNP_PAGE_VMSA:
        return "VMSA";
    case SNP_PAGE_ZERO:
        return "memory";
    case SNP_PAGE_NORMAL:
        break;
    }
    name = contents_name(layout, gpa);
    if (name)
        return name;
    return lies_in(gpa, FLASH_GPA, FLASH_END_GPA - FLASH_GPA) ? "firmware" : "memory";
}

void launch_layout_part(const struct launch_layout *layout, enum snp_page_type type, uint64_t gpa,
                        char name[LAUNCH_PART_SIZE])
{
    const struct boot_service *service =
        layout->has_params && type == SNP_PAGE_NORMAL ? service_at(&layout->params, gpa) : NULL;

    if (service)
        name_service(service->name, name);
    else
        snprintf(name, LAUNCH_PART_SIZE, "%s", part_name(layout, type, gpa));
}
