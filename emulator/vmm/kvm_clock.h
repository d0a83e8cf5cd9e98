/* SPDX-License-Identifier: MIT */
/*
 * KVM's paravirtual clock (Linux Documentation/virt/kvm/x86/msr.rst): a page, shared by the guest,
 * from which it computes the time with its TSC. Without it Linux measures the TSC against timers
 * whose every access is an exit, fails, and then takes the time from one of them.
 */
#ifndef SNPVTPM_EMULATOR_VMM_KVM_CLOCK_H
#define SNPVTPM_EMULATOR_VMM_KVM_CLOCK_H

#include "emulator/platform/host.h"

#define KVM_CPUID_SIGNATURE 0x40000000u
#define KVM_CPUID_FEATURES  0x40000001u

/* Measures the TSC. Once, before the guest runs. */
void kvm_clock_init(void);

/* CPUID leaves KVM_CPUID_SIGNATURE and KVM_CPUID_FEATURES. */
struct cpuid_result kvm_clock_cpuid(uint32_t leaf);

/* A guest's WRMSR; false when the MSR is none of the clock's, or names no shared page. */
MUST_CHECK bool kvm_clock_wrmsr(uint32_t msr, uint64_t value);

#endif
