/* SPDX-License-Identifier: MIT */
#include "svsm/params/params.h"

#include <stdbool.h>
#include <stddef.h>

#include "lib/freestanding/string.h"
#include "svsm/base/address.h"

#define REGION_MAX 0x10000000ull /* what the page allocator can manage */

static bool in_region(const struct boot_params *params, uint64_t start, uint64_t size)
{
    return is_aligned(start, PAGE_SIZE) && start >= params->region_gpa &&
           size <= params->region_size && start - params->region_gpa <= params->region_size - size;
}

static bool services_ok(const struct boot_params *params)
{
    if (params->service_count > BOOT_SERVICES_MAX)
        return false;
    for (uint32_t i = 0; i < params->service_count; i++) {
        const struct boot_service *service = &params->services[i];

        if (service->name[BOOT_SERVICE_NAME - 1] != '\0' || service->size == 0 ||
            !in_region(params, service->gpa, service->size))
            return false;
    }
    return true;
}

static bool pages_ok(const struct boot_params *params)
{
    const uint64_t pages[] = {params->cpuid_gpa, params->secrets_gpa, params->general_params_gpa,
                              params->memory_map_gpa};

    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        if (!in_region(params, pages[i], PAGE_SIZE))
            return false;
    }
    return true;
}

/* The rest is for the attestation service to judge. */
static bool kbs_ok(const struct boot_kbs *kbs)
{
    return kbs->pin_count <= BOOT_KBS_PINS_MAX && !(kbs->flags & ~BOOT_KBS_REQUIRE_SIGNED) &&
           (kbs->pin_count > 0) == (kbs->flags == BOOT_KBS_REQUIRE_SIGNED);
}

const char *params_mistake(const struct boot_params *params)
{
    if (params->magic != BOOT_PARAMS_MAGIC || params->version != BOOT_PARAMS_VERSION)
        return "no parameter page of this version";
    if (params->region_gpa != KERNEL_GPA || params->region_size > REGION_MAX ||
        !is_aligned(params->region_size, PAGE_SIZE))
        return "region";
    if (!in_region(params, params->loaded_end_gpa, 0))
        return "end of what is loaded";
    if (!pages_ok(params))
        return "a parameter page outside the region";
    if (!services_ok(params))
        return "services";
    if (params->section_count > BOOT_SECTIONS_MAX)
        return "sections";
    if (params->guest_vmpl == 0 || params->guest_vmpl >= VMPL_COUNT)
        return "guest VMPL";
    if (params->firmware_gpa == 0 || !is_aligned(params->firmware_gpa, PAGE_SIZE) ||
        !is_aligned(params->firmware_size, PAGE_SIZE) || params->firmware_size == 0)
        return "firmware";
    if (!kbs_ok(&params->kbs))
        return "keys of the KBS";
    return NULL;
}

const struct boot_service *params_service(const struct boot_params *params, const char *name)
{
    size_t size = strlen(name) + 1;

    for (uint32_t i = 0; i < params->service_count && size <= BOOT_SERVICE_NAME; i++) {
        if (memcmp(params->services[i].name, name, size) == 0)
            return &params->services[i];
    }
    return NULL;
}
