/* SPDX-License-Identifier: MIT */
/*
 * What a vCPU is told by others, and how it waits. All with the lock (platform/cpus.h).
 *
 * Registers and floating-point state of a VMPL that runs are on its own CPU, so others leave an
 * order in the struct vcpu and kick it; it carries the order out before it enters its guest again.
 */
#ifndef SNPVTPM_EMULATOR_CPU_ORDERS_H
#define SNPVTPM_EMULATOR_CPU_ORDERS_H

#include "emulator/cpu/vcpu.h"

/*
 * The VMSA of another vCPU's VMPL becomes another one; NO_GPA: it has none any more. Returns when
 * the old one no longer runs (the lock is given up meanwhile), or as soon as the caller's own is
 * taken away.
 *
 * The new one runs at once if it is the VMPL that the vCPU is in, if the vCPU is in none, or in a
 * less privileged one. Else it waits for RUN_VMPL, and what halts in the VMPL that runs is woken.
 */
void order_vmsa(const struct vcpu *self, struct vcpu *target, unsigned vmpl, gpa_t vmsa);

/*
 * INIT: the VMSAs that wait for it take the place of the old ones, and what has none runs the most
 * privileged. When none waits, the first processor goes on and another stops until STARTUP: the
 * host cannot reset registers that it cannot reach.
 */
void order_init(struct vcpu *target);

/* STARTUP (SIPI), which ends the wait after INIT and vcpu_hold(). */
void order_startup(struct vcpu *target);

/* For the next VMPL that takes interrupts. */
void order_nmi(struct vcpu *target);

/* Carries out what was ordered, and waits until there is a VMPL to run. */
void orders_take(struct vcpu *cpu);

/* AP reset hold (GHCB specification, 4.1.4): waits until STARTUP. False: another VMSA runs now, and
 * nobody waits for the answer. */
MUST_CHECK bool vcpu_hold(struct vcpu *cpu);

/* HLT of the VMPL that runs: returns when something ended it, or, false, when there are orders. */
bool vcpu_halt(struct vcpu *cpu);

#endif
