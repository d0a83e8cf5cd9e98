/* SPDX-License-Identifier: MIT */
#include "tests/emulator/runtime/x2apic.h"

#include "tests/emulator/runtime/ghcb.h"

uint64_t host_read_msr(uint32_t msr)
{
    ghcb_begin(SVM_EXIT_MSR, 0, 0);
    GHCB_SET(rcx, msr);
    ghcb_exit();
    return ghcb->sw_exitinfo1 == GHCB_RESULT_OK ? (uint32_t)ghcb->rax | ghcb->rdx << 32 : ~0ull;
}

bool host_write_msr(uint32_t msr, uint64_t value)
{
    ghcb_begin(SVM_EXIT_MSR, 1, 0);
    GHCB_SET(rcx, msr);
    GHCB_SET(rax, (uint32_t)value);
    GHCB_SET(rdx, value >> 32);
    ghcb_exit();
    return ghcb->sw_exitinfo1 == GHCB_RESULT_OK;
}

void x2apic_enable(void)
{
    host_write_msr(MSR_APIC_BASE, host_read_msr(MSR_APIC_BASE) | APIC_BASE_EXTENDED);
    host_write_msr(MSR_X2APIC_SVR, SVR_ENABLED);
}

void x2apic_send(uint32_t command, uint32_t apic_id)
{
    host_write_msr(MSR_X2APIC_ICR, (uint64_t)apic_id << 32 | command);
}
