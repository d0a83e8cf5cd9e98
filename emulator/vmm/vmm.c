/* SPDX-License-Identifier: MIT */
#include "emulator/vmm/vmm.h"

#include "emulator/cpu/rmp.h"
#include "emulator/platform/memory.h"
#include "lib/snp/ghcb.h"

bool vmm_strict, vmm_counts;

uint64_t vmm_features(void)
{
    return GHCB_HV_FEATURE_SNP | GHCB_HV_FEATURE_AP_CREATION | GHCB_HV_FEATURE_APIC_ID_LIST |
           GHCB_HV_FEATURE_MULTI_VMPL;
}

/* The first cache line of a page is enough for software that relies on its contents to trip. */
static void scramble(uint64_t *words)
{
    static uint64_t noise = 0x9E3779B97F4A7C15ull;

    for (size_t i = 0; i < 8; i++) {
        noise = noise * 6364136223846793005ull + 1442695040888963407ull;
        words[i] ^= noise;
    }
}

/*
 * What a page holds after it changed hands is undefined: hardware decrypts with another key. QEMU
 * and KVM give the host's side a fresh page, that is, zeros, and some software needs them. A page
 * that becomes private is not touched: that would make QEMU's host allocate all of the VM's memory.
 */
static void change_contents(gpa_t page, bool to_private)
{
    hpa_t backing;

    if (!guest_memory_find(page, &backing))
        return;
    if (vmm_strict)
        scramble(host_ptr(backing));
    else if (!to_private)
        memset(host_ptr(backing), 0, PAGE_SIZE);
}

static bool change_small(gpa_t page, bool to_private)
{
    if (rmp_all(page, false, to_private))
        return true;
    if (!(to_private ? rmp_assign(page, false) : rmp_unassign(page, false)))
        return false;
    change_contents(page, to_private);
    return true;
}

bool vmm_change_page(gpa_t address, bool large, bool to_private)
{
    if (!large)
        return change_small(address, to_private);
    if (address.v & ~LARGE_PAGE_MASK)
        return false;
    /* A 2 MiB entry only where all of the range changes; else what is left of it, page by page. */
    if (rmp_all(address, true, !to_private) &&
        (to_private ? rmp_assign(address, true) : rmp_unassign(address, true))) {
        for (uint64_t offset = 0; offset < LARGE_PAGE_SIZE; offset += PAGE_SIZE)
            change_contents(gpa(address.v + offset), to_private);
        return true;
    }
    for (uint64_t offset = 0; offset < LARGE_PAGE_SIZE; offset += PAGE_SIZE)
        if (!change_small(gpa(address.v + offset), to_private))
            return false;
    return true;
}

void *vmm_shared_page(gpa_t page)
{
    hpa_t backing;

    if ((page.v & ~PAGE_MASK) || !guest_memory_find(page, &backing) || rmp_all(page, false, true))
        return NULL;
    return host_ptr(backing);
}

bool vmm_run_vmpl(struct vcpu *cpu, uint64_t vmpl)
{
    return vmpl < VMPL_COUNT && vcpu_enter(cpu, (unsigned)vmpl);
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

    if (msr & GHCB_MSR_INFO_MASK) {
        cpu->current->exits[CALL_PROTOCOL]++;
        vmm_msr_protocol(cpu);
    } else if (msr) {
        vmm_ghcb_page(cpu);
    }
    /* Zero is no request: KVM just goes on. */
}

_Noreturn void vmm_terminate(const struct vcpu *cpu, unsigned set, unsigned code)
{
    die(HOST_EXIT_GUEST_TERMINATED, "VMPL%u asked to terminate: reason set %u, code %u",
        cpu->current->vmpl, set, code);
}
