/* SPDX-License-Identifier: MIT */
/* The GHCB MSR protocol (GHCB specification 56421, 2.3.1). */
#include "emulator/cpu/fpu.h"
#include "emulator/cpu/orders.h"
#include "emulator/vmm/cpuid_table.h"
#include "emulator/vmm/vmm.h"
#include "lib/snp/ghcb.h"

#define MSR_ERROR (1ull << 63)

static uint64_t answer_cpuid(uint64_t request)
{
    struct cpuid_result r = guest_cpuid((uint32_t)(request >> 32), 0, XCR0_X87);
    uint32_t values[4] = {r.eax, r.ebx, r.ecx, r.edx};
    unsigned which = request >> 30 & 3;

    return (uint64_t)values[which] << 32 | (uint64_t)which << 30 | GHCB_MSR_CPUID_RESP;
}

static uint64_t answer_register(struct vcpu *cpu, uint64_t request)
{
    gpa_t page = gpa(request & ~GHCB_MSR_INFO_MASK);

    if (vmm_counts)
        counts_log(cpu, "a GHCB is registered");
    cpu->current->ghcb = page;
    return page.v | GHCB_MSR_REGISTER_GPA_RESP;
}

static uint64_t answer_psc(uint64_t request)
{
    unsigned operation = request >> PSC_ENTRY_OPERATION_SHIFT & 0xF;
    gpa_t page = gpa(request & PSC_ENTRY_GFN_MASK);

    if ((operation != PSC_PRIVATE && operation != PSC_SHARED) ||
        !vmm_change_page(page, false, operation == PSC_PRIVATE))
        return MSR_ERROR | GHCB_MSR_PSC_RESP;
    return GHCB_MSR_PSC_RESP;
}

/* The response must stand before the switch: the caller sees it when it runs again. */
static void run_vmpl(struct vcpu *cpu, uint64_t request)
{
    struct vmpl_context *caller = cpu->current;

    caller->ghcb_msr = GHCB_MSR_RUN_VMPL_RESP;
    if (!vmm_run_vmpl(cpu, request >> 32 & 0xFF))
        caller->ghcb_msr = 1ull << 32 | GHCB_MSR_RUN_VMPL_RESP;
}

void vmm_msr_protocol(struct vcpu *cpu)
{
    struct vmpl_context *context = cpu->current;
    uint64_t request = context->ghcb_msr;

    switch (request & GHCB_MSR_INFO_MASK) {
    case GHCB_MSR_SEV_INFO_REQ:
        context->ghcb_msr = vcpu_sev_information();
        break;
    case GHCB_MSR_CPUID_REQ:
        context->ghcb_msr = answer_cpuid(request);
        break;
    case GHCB_MSR_AP_RESET_HOLD_REQ:
        if (vcpu_hold(cpu))
            context->ghcb_msr = 1ull << 12 | GHCB_MSR_AP_RESET_HOLD_RESP;
        break;
    case GHCB_MSR_PREFERRED_GPA_REQ:
        context->ghcb_msr = GHCB_NO_GFN << 12 | GHCB_MSR_PREFERRED_GPA_RESP;
        break;
    case GHCB_MSR_REGISTER_GPA_REQ:
        context->ghcb_msr = answer_register(cpu, request);
        break;
    case GHCB_MSR_PSC_REQ:
        context->ghcb_msr = answer_psc(request);
        break;
    case GHCB_MSR_RUN_VMPL_REQ:
        run_vmpl(cpu, request);
        break;
    case GHCB_MSR_HV_FEATURES_REQ:
        context->ghcb_msr = vmm_features() << 12 | GHCB_MSR_HV_FEATURES_RESP;
        break;
    case GHCB_MSR_TERM_REQ:
        vmm_terminate(cpu, request >> 12 & 0xF, request >> 16 & 0xFF);
    default:
        break; /* as KVM: left as it is, and the guest sees the wrong code */
    }
}
