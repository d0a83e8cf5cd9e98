/* SPDX-License-Identifier: MIT */
#include "svsm/guest/prepare.h"

#include "lib/freestanding/string.h"
#include "svsm/arch/memory.h"
#include "svsm/base/panic.h"
#include "svsm/guest/access.h"
#include "svsm/guest/sections.h"
#include "svsm/guest/vmsa.h"
#include "svsm/mm/page_allocator.h"
#include "svsm/sev/ghcb_calls.h"
#include "svsm/sev/rmp.h"
#include "svsm/sev/secrets.h"
#include "svsm/sev/sev_status.h"

#define OVMF_MAP_ENTRIES 7 /* OVMF's area holds 8; the last one ends the list */
#define BSP_APIC_ID      0

static const struct boot_section *find(const struct boot_params *params,
                                       enum boot_section_type type)
{
    return section_find(params->sections, params->section_count, type);
}

/* For sections: they are measured, validated by now, and nobody runs who could take them away. */
static void write_section(struct guest_ranges *guest, uint64_t at, const void *from, size_t size)
{
    if (guest_write(guest, gpa(at), from, size) != STATUS_OK)
        panic("the firmware's section at %lx is not guest memory", at);
}

static void validate_sections(struct guest_ranges *guest, struct ghcb_link *link,
                              const struct boot_params *params, bool memory_is_shared)
{
    struct section_pages pages;

    if (sections_merge(params->sections, params->section_count, &pages) != STATUS_OK)
        panic("the launch image's section list is malformed");
    for (size_t i = 0; i < pages.count; i++) {
        gpa_t start = gpa(pages.ranges[i].start);
        uint64_t size = pages.ranges[i].size;

        if (!guest_owns(guest, start, size))
            panic("the firmware's section at %lx is not guest memory: check the VM's memory size",
                  start.v);
        if (memory_is_shared &&
            ghcb_page_state(link, start, size / PAGE_SIZE, PSC_PRIVATE) != STATUS_OK)
            panic("the host does not make the page at %lx private", start.v);
        rmp_validate_own(start, size);
        rmp_grant_own(start, size, params->guest_vmpl);
    }
}

/* OVMF's form, without the SVSM's region; nothing but RAM. */
static void write_memory_map(struct guest_ranges *guest, const struct boot_params *params,
                             const struct host_params *host)
{
    uint8_t entries[(OVMF_MAP_ENTRIES + 1) * MEMORY_MAP_ENTRY_SIZE];
    const struct boot_section *section = find(params, BOOT_SECTION_IGVM_MEMORY_MAP);
    struct memory_map map = host->memory;

    if (!section)
        panic("the firmware takes no memory map: it would use the SVSM's memory");
    if (memory_map_remove(&map, params->region_gpa, params->region_size) != STATUS_OK ||
        memory_map_write(&map, entries, OVMF_MAP_ENTRIES) != STATUS_OK)
        panic("the memory map has more than %d ranges", OVMF_MAP_ENTRIES);
    write_section(guest, section->gpa, entries, sizeof(entries));
}

static void write_vp_count(struct guest_ranges *guest, const struct boot_params *params,
                           uint32_t count)
{
    const struct boot_section *section = find(params, BOOT_SECTION_IGVM_VP_COUNT);

    if (section)
        write_section(guest, section->gpa, &count, sizeof(count));
}

static void write_secrets(struct guest_ranges *guest, const struct boot_params *params, gpa_t caa)
{
    struct secrets_page copy;
    const struct boot_section *section = find(params, BOOT_SECTION_SECRETS);
    struct secrets_svsm svsm = {
        .base = params->region_gpa,
        .size = params->region_size,
        .caa = caa.v,
        .guest_vmpl = (uint8_t)params->guest_vmpl,
    };

    if (!section)
        panic("the firmware has no place for the secrets page");
    secrets_copy_for_guest(&copy, &svsm);
    write_section(guest, section->gpa, &copy, sizeof(copy));
    wipe(&copy, sizeof(copy));
}

static void write_cpuid(struct guest_ranges *guest, const struct cpuid *cpuid,
                        const struct boot_params *params)
{
    const struct boot_section *section = find(params, BOOT_SECTION_CPUID);

    if (!section)
        panic("the firmware has no place for the CPUID page");
    write_section(guest, section->gpa, &cpuid->page, sizeof(cpuid->page));
}

static gpa_t calling_area(const struct boot_params *params)
{
    const struct boot_section *section = find(params, BOOT_SECTION_SVSM_CAA);

    if (!section || !is_aligned(section->gpa, PAGE_SIZE))
        panic("the firmware has no calling area: it knows nothing of an SVSM");
    return gpa(section->gpa);
}

/* Firmware pages came with the launch, validated. */
static void grant_firmware(const struct boot_params *params)
{
    rmp_grant_own(gpa(params->firmware_gpa), params->firmware_size, params->guest_vmpl);
}

static void make_first_vcpu(struct guest_ranges *guest, struct ghcb_link *link,
                            const struct boot_params *params, gpa_t caa)
{
    struct vmsa *vmsa = page_allocate_for_vmsa();
    uint64_t features = sev_status_guest_features();
    enum rmp_result code;

    if (!vmsa)
        panic("out of memory");
    vmsa_reset(vmsa, params->reset_vector, (uint8_t)params->guest_vmpl, features);
    code = rmp_adjust(direct_gpa(vmsa), RMP_4K, params->guest_vmpl, RMP_READ, true);
    if (code != RMP_DONE)
        panic("cannot make a VMSA: %s", rmp_result_text(code));
    if (ghcb_ap_creation(link, AP_CREATE_ON_INIT, direct_gpa(vmsa), params->guest_vmpl, BSP_APIC_ID,
                         features) != STATUS_OK)
        panic("the host refuses the guest's vCPU at VMPL %u", params->guest_vmpl);
    guest->vcpus[0] = (struct guest_vcpu){.vmsa = direct_gpa(vmsa),
                                          .caa = caa,
                                          .launch_caa = caa,
                                          .apic_id = BSP_APIC_ID,
                                          .in_use = true,
                                          .current = true};
}

void guest_prepare(struct guest_ranges *guest, struct ghcb_link *link, const struct cpuid *cpuid,
                   const struct boot_params *params, const struct host_params *host)
{
    gpa_t caa = calling_area(params);

    validate_sections(guest, link, params, host->memory_is_shared);
    write_memory_map(guest, params, host);
    write_vp_count(guest, params, host->vp_count);
    write_secrets(guest, params, caa);
    write_cpuid(guest, cpuid, params);
    grant_firmware(params);
    make_first_vcpu(guest, link, params, caa);
}
