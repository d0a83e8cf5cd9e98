/* SPDX-License-Identifier: MIT */
#include "emulator/vmm/vmm.h"

#include "emulator/cpu/rmp.h"
#include "emulator/platform/memory.h"
#include "lib/snp/ghcb.h"

uint64_t vmm_features(void)
{
    return GHCB_HV_FEATURE_SNP | GHCB_HV_FEATURE_AP_CREATION | GHCB_HV_FEATURE_APIC_ID_LIST |
           GHCB_HV_FEATURE_MULTI_VMPL;
}

/* What a page holds after it changed hands is undefined: hardware decrypts with another key. */
static void scramble(gpa_t address, bool large)
{
    static uint64_t noise = 0x9E3779B97F4A7C15ull;
    hpa_t backing;

    for (size_t offset = 0; offset < (large ? LARGE_PAGE_SIZE : PAGE_SIZE); offset += PAGE_SIZE) {
        uint64_t *words;

        if (!guest_memory_find(gpa(address.v + offset), &backing))
            continue;
        words = host_ptr(backing);
        /* The first cache line is enough for software that does not zero the page to trip. */
        for (size_t i = 0; i < 8; i++) {
            noise = noise * 6364136223846793005ull + 1442695040888963407ull;
            words[i] ^= noise;
        }
    }
}

static bool page_is_private(gpa_t page)
{
    const struct rmp_entry *entry = rmp_find(page);

    return entry && (entry->flags & RMP_ASSIGNED);
}

/* Whether all of the range already is what it shall become. */
static bool already(gpa_t address, bool large, bool to_private)
{
    for (size_t offset = 0; offset < (large ? LARGE_PAGE_SIZE : PAGE_SIZE); offset += PAGE_SIZE)
        if (page_is_private(gpa(address.v + offset)) != to_private)
            return false;
    return true;
}

bool vmm_change_page(gpa_t address, bool large, bool to_private)
{
    if (already(address, large, to_private))
        return true;
    if (!(to_private ? rmp_assign(address, large) : rmp_unassign(address, large)))
        return false;
    scramble(address, large);
    return true;
}

void *vmm_shared_page(gpa_t page)
{
    hpa_t backing;

    if ((page.v & ~PAGE_MASK) || !guest_memory_find(page, &backing) || page_is_private(page))
        return NULL;
    return host_ptr(backing);
}

bool vmm_run_vmpl(struct vcpu *cpu, unsigned vmpl)
{
    return vmpl < VMPL_COUNT && vcpu_enter(cpu, vmpl);
}

static void trace(const struct vmpl_context *context)
{
    const struct ghcb *page = NULL;

    if (!(context->ghcb_msr & GHCB_MSR_INFO_MASK))
        page = vmm_shared_page(gpa(context->ghcb_msr));
    if (page)
        trace_line("VMPL%u: VMGEXIT %lx %lx %lx rax %lx rcx %lx", context->vmpl, page->sw_exitcode,
                   page->sw_exitinfo1, page->sw_exitinfo2, page->rax, page->rcx);
    else
        trace_line("VMPL%u: VMGEXIT msr %lx", context->vmpl, context->ghcb_msr);
}

void vmm_vmgexit(struct vcpu *cpu)
{
    uint64_t msr = cpu->current->ghcb_msr;

    if (host_trace)
        trace(cpu->current);

    if (msr & GHCB_MSR_INFO_MASK)
        vmm_msr_protocol(cpu);
    else if (msr)
        vmm_ghcb_page(cpu);
    /* Zero is no request: KVM just goes on. */
}

_Noreturn void vmm_terminate(const struct vcpu *cpu, unsigned set, unsigned code)
{
    die(HOST_EXIT_GUEST_TERMINATED, "VMPL%u asked to terminate: reason set %u, code %u",
        cpu->current->vmpl, set, code);
}
