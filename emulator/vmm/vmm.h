/* SPDX-License-Identifier: MIT */
/*
 * The VMM: what QEMU and KVM do for an SNP guest on a real host.
 *
 * It never looks at a guest's registers: all it learns and all it answers is in the GHCB, and the
 * CPU part tells it no more of an exit than hardware would.
 */
#ifndef SNPVTPM_EMULATOR_VMM_VMM_H
#define SNPVTPM_EMULATOR_VMM_VMM_H

#include "emulator/cpu/vcpu.h"

/* Serves a VMGEXIT of the current VMPL (GHCB MSR protocol or GHCB page). */
void vmm_vmgexit(struct vcpu *cpu);

/* The two halves: vmm/ghcb_msr.c and vmm/ghcb_page.c. */
void vmm_msr_protocol(struct vcpu *cpu);
void vmm_ghcb_page(struct vcpu *cpu);

/* GHCB_HV_FEATURE_* of this platform. */
uint64_t vmm_features(void);

/* strict=1 on the command line: what a page holds after it changed hands is noise, both ways. */
extern bool vmm_strict;

/* counts=1: exits by kind are logged when a VMPL registers a GHCB, which firmware and kernel do as
 * they start, and when the guest powers off. */
extern bool vmm_counts;

/* Makes one page (or 2 MiB) private or shared. A page that already is so is left alone: only then
 * does an honest VMM touch the RMP. False: not RAM, or not aligned. */
MUST_CHECK bool vmm_change_page(gpa_t address, bool large, bool to_private);

/* Lets another VMPL of this vCPU run; false when its VMSA cannot. */
MUST_CHECK bool vmm_run_vmpl(struct vcpu *cpu, uint64_t vmpl);

/* The host's page behind a GPA if it is shared RAM, else NULL. */
void *vmm_shared_page(gpa_t page);

_Noreturn void vmm_terminate(const struct vcpu *cpu, unsigned set, unsigned code);

#endif
