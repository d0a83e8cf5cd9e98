/* SPDX-License-Identifier: MIT */
/*
 * What each vCPU has of its own below the seam: stacks, GDT, TSS, and a few words that are found
 * from anywhere in the kernel.
 *
 * Areas lie at multiples of their size, and all stacks of a vCPU lie in its area. So the stack
 * pointer alone tells which vCPU runs. Nothing else would do at every instruction: ring 3 can
 * change GS, and the host may inject an exception between a SYSCALL and its SWAPGS.
 */
#ifndef SNPVTPM_SVSM_ARCH_CPU_AREA_H
#define SNPVTPM_SVSM_ARCH_CPU_AREA_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "svsm/arch/usermode.h"
#include "svsm/base/address.h"

/* vCPUs that the SVSM has room for. */
#define CPUS_MAX 8

#define CPU_AREA_SIZE        0x20000 /* also in entry.S and vectors.S */
#define CPU_KERNEL_STACK_TOP 0xA000  /* also in entry.S */

struct cpu;
struct ghcb_link;

struct cpu_local {
    uint64_t kernel_sp, user_sp;      /* usermode.S: of a service that runs; 0 when none does */
    struct user_registers *registers; /* usermode.S */
    uint8_t trap_active;              /* vectors.S: a handler runs */
    uint32_t locks;                   /* ranks of those that are held: lock.h */
    struct user_fault fault;
    struct cpu *cpu;        /* NULL until its owner has said */
    struct ghcb_link *link; /* NULL until there is a GHCB */
};

static_assert(offsetof(struct cpu_local, user_sp) == 0x08, "usermode.S");
static_assert(offsetof(struct cpu_local, registers) == 0x10, "usermode.S");
static_assert(offsetof(struct cpu_local, trap_active) == 0x18, "vectors.S");

/* That of the vCPU which executes this. */
struct cpu_local *cpu_local(void);

/* That of another one, which does not run yet. */
struct cpu_local *cpu_local_of(unsigned index);

struct vmsa;

/*
 * Fills in the save area with which vCPU `index` enters the kernel: the state of this one, a stack
 * of its own, and entry(argument), which must not return. Before traps_load() it may take no
 * exception.
 */
void cpu_start_state(struct vmsa *vmsa, unsigned index, void (*entry)(void *), void *argument);

#endif
