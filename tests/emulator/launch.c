/* SPDX-License-Identifier: MIT */
/* What a guest finds at its start (56860, SNP_LAUNCH_UPDATE, CPUID and secrets pages; IGVM). */
#include "lib/boot/boot_params.h"
#include "lib/freestanding/string.h"
#include "lib/igvm/igvm_format.h"
#include "tests/emulator/runtime/ghcb.h"
#include "tests/emulator/runtime/memory.h"
#include "tests/emulator/runtime/rmp.h"
#include "tests/emulator/runtime/tap.h"

#define LEAF1_ECX_HYPERVISOR (1u << 31)
#define EXT1_ECX_SVM         (1u << 2)
#define LEAF_SVM             0x8000000A

extern uint8_t image_start[], image_end[];

TEST("A loaded page is validated, and no VMPL but 0 may do anything with it")
{
    for (uint8_t *page = image_start; page < image_end; page += PAGE_SIZE) {
        CHECK_PVALIDATE(pvalidate(page, SIZE_4K, true), RMP_SUCCESS, true);
        for (unsigned vmpl = 1; vmpl < VMPL_COUNT; vmpl++)
            CHECK_EQUAL(rmpquery(page, vmpl).rdx, grant(vmpl, 0));
    }
}

TEST("CPUID, secrets and parameter pages are validated")
{
    void *const pages[] = {(void *)boot_params, (void *)cpuid_page(), (void *)secrets_page(),
                           (void *)boot_params->general_params_gpa,
                           (void *)boot_params->memory_map_gpa};

    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
        CHECK_PVALIDATE(pvalidate(pages[i], SIZE_4K, true), RMP_SUCCESS, true);
}

TEST("Required memory beyond what is loaded is the guest's, not validated")
{
    try_read((void *)(boot_params->region_gpa + boot_params->region_size - PAGE_SIZE));
    CHECK_VC(SVM_EXIT_PAGE_NOT_VALIDATED);
    CHECK_PVALIDATE(pvalidate(fresh_large_page(), SIZE_2M, true), RMP_SUCCESS, false);
}

TEST("Other memory is the host's")
{
    try_write(host_page(), 1);
    CHECK_NO_TRAP();
}

TEST("The CPUID page has 1 to 64 entries and zeros in what is reserved")
{
    const struct cpuid_page *page = cpuid_page();

    CHECK(page->count >= 1 && page->count <= CPUID_PAGE_ENTRIES_MAX);
    CHECK_EQUAL(page->reserved_4, 0);
    CHECK_EQUAL(page->reserved_8, 0);
    for (uint32_t i = 0; i < page->count; i++)
        CHECK_EQUAL(page->entries[i].reserved, 0);
}

TEST("CPUID 8000001F: SEV, SEV-ES, SEV-SNP and VMPLs, of which there are four")
{
    const struct cpuid_entry *entry = cpuid_find(CPUID_MEMORY_ENCRYPTION);
    uint32_t wanted =
        CPUID_ME_EAX_SEV | CPUID_ME_EAX_SEV_ES | CPUID_ME_EAX_SEV_SNP | CPUID_ME_EAX_VMPL;

    CHECK_EQUAL(entry->eax & wanted, wanted);
    CHECK_EQUAL(entry->ebx >> 12 & 0xF, VMPL_COUNT);
}

TEST("CPUID 8000001F tells the C-bit that the MSR protocol tells")
{
    const struct cpuid_entry *entry = cpuid_find(CPUID_MEMORY_ENCRYPTION);

    CHECK_EQUAL(entry->ebx & CPUID_ME_EBX_CBIT_MASK,
                ghcb_msr_call(GHCB_MSR_SEV_INFO_REQ) >> 24 & 0xFF);
}

TEST("CPUID shows a hypervisor and no SVM")
{
    const struct cpuid_entry *svm = cpuid_find(LEAF_SVM);

    CHECK(cpuid_find(1)->ecx & LEAF1_ECX_HYPERVISOR);
    CHECK(!(cpuid_find(0x80000001)->ecx & EXT1_ECX_SVM));
    CHECK_EQUAL(svm->eax | svm->ebx | svm->ecx | svm->edx, 0);
}

TEST("CPUID's highest leaves include all that the page has")
{
    const struct cpuid_page *page = cpuid_page();

    for (uint32_t i = 0; i < page->count; i++) {
        uint32_t leaf = page->entries[i].eax_in;

        if (leaf < 0x40000000)
            CHECK(leaf <= cpuid_find(0)->eax);
        else if (leaf >= 0x80000000)
            CHECK(leaf <= cpuid_find(0x80000000)->eax);
    }
}

static bool is_zero(const void *bytes, size_t size)
{
    const uint8_t *byte = bytes;

    for (size_t i = 0; i < size; i++)
        if (byte[i])
            return false;
    return true;
}

TEST("The secrets page has four VMPCKs, all different")
{
    const struct secrets_page *secrets = secrets_page();

    for (size_t i = 0; i < VMPCK_COUNT; i++) {
        CHECK(!is_zero(secrets->vmpck[i], VMPCK_SIZE));
        for (size_t j = 0; j < i; j++)
            CHECK(memcmp(secrets->vmpck[i], secrets->vmpck[j], VMPCK_SIZE) != 0);
    }
}

TEST("The secrets page tells its version and the processor, and of no SVSM")
{
    const struct secrets_page *secrets = secrets_page();

    CHECK(secrets->version >= 2);
    CHECK_EQUAL(secrets->fms, cpuid_find(1)->eax);
    CHECK_EQUAL(secrets->svsm_size, 0);
    CHECK_EQUAL(secrets->svsm_base | secrets->svsm_caa | secrets->svsm_guest_vmpl, 0);
}

TEST("The memory map covers the guest's region")
{
    const struct igvm_memory_map_entry *entry = (const void *)boot_params->memory_map_gpa;
    uint64_t first = boot_params->region_gpa / PAGE_SIZE;
    uint64_t pages = boot_params->region_size / PAGE_SIZE;
    bool covered = false;

    for (; entry->number_of_pages != 0; entry++)
        covered |= entry->entry_type == IGVM_MEMORY && entry->starting_gpa_page_number <= first &&
                   first + pages <= entry->starting_gpa_page_number + entry->number_of_pages;
    CHECK(covered);
}

TEST("The host tells of one processor, and that memory is shared at first")
{
    const uint32_t *general = (const uint32_t *)boot_params->general_params_gpa;

    CHECK_EQUAL(general[0], 1);
    CHECK_EQUAL(general[1] & IGVM_ENVIRONMENT_MEMORY_IS_SHARED, IGVM_ENVIRONMENT_MEMORY_IS_SHARED);
}
