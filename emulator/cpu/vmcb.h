/* SPDX-License-Identifier: MIT */
/*
 * The virtual machine control block of the nested SVM that carries the guest (APM vol. 2, appendix
 * B). Its state save area has the layout of the first part of a VMSA, so struct vmsa describes it;
 * what the VMSA holds beyond (general registers, FPU) is the hypervisor's own and not the CPU's.
 */
#ifndef SNPVTPM_EMULATOR_CPU_VMCB_H
#define SNPVTPM_EMULATOR_CPU_VMCB_H

#include "lib/snp/vmsa.h"

struct vmcb {
    uint32_t intercept_cr;
    uint32_t intercept_dr;
    uint32_t intercept_exceptions;
    uint32_t intercept_misc1;
    uint32_t intercept_misc2;
    uint32_t intercept_misc3;
    uint8_t reserved_018[0x40 - 0x18];
    uint64_t iopm_pa;
    uint64_t msrpm_pa;
    uint64_t tsc_offset;
    uint32_t asid;
    uint32_t tlb_control;
    uint64_t int_control;
    uint64_t int_state;
    uint64_t exitcode;
    uint64_t exitinfo1;
    uint64_t exitinfo2;
    uint64_t exitintinfo;
    uint64_t np_control;
    uint8_t reserved_098[0xA8 - 0x98];
    uint64_t eventinj;
    uint64_t ncr3;
    uint8_t reserved_0b8[0x400 - 0xB8];
    struct vmsa save;
};

static_assert(offsetof(struct vmcb, iopm_pa) == 0x040, "VMCB");
static_assert(offsetof(struct vmcb, asid) == 0x058, "VMCB");
static_assert(offsetof(struct vmcb, exitcode) == 0x070, "VMCB");
static_assert(offsetof(struct vmcb, np_control) == 0x090, "VMCB");
static_assert(offsetof(struct vmcb, eventinj) == 0x0A8, "VMCB");
static_assert(offsetof(struct vmcb, ncr3) == 0x0B0, "VMCB");
static_assert(offsetof(struct vmcb, save) == 0x400, "VMCB");

/* intercept_misc1 */
#define INTERCEPT_INTR          (1u << 0)
#define INTERCEPT_NMI           (1u << 1)
#define INTERCEPT_CR0_SEL_WRITE (1u << 5)
#define INTERCEPT_CPUID         (1u << 18)
#define INTERCEPT_IRET          (1u << 20)
#define INTERCEPT_HLT           (1u << 24)
#define INTERCEPT_IOIO          (1u << 27)
#define INTERCEPT_MSR           (1u << 28)
#define INTERCEPT_SHUTDOWN      (1u << 31)
/* intercept_misc2 */
#define INTERCEPT_VMRUN   (1u << 0)
#define INTERCEPT_VMMCALL (1u << 1)
#define INTERCEPT_VMLOAD  (1u << 2)
#define INTERCEPT_VMSAVE  (1u << 3)
#define INTERCEPT_STGI    (1u << 4)
#define INTERCEPT_CLGI    (1u << 5)
#define INTERCEPT_SKINIT  (1u << 6)
#define INTERCEPT_MWAIT   (1u << 11)

/* int_control: the guest's IF and TPR mask virtual interrupts only, the host's IF the real ones. */
#define V_INTR_MASKING (1ull << 24)

#define TLB_KEEP      0u
#define TLB_FLUSH_ALL 1u

/* EVENTINJ and EXITINTINFO. */
#define EVENT_VALID          (1ull << 31)
#define EVENT_ERROR_VALID    (1ull << 11)
#define EVENT_VECTOR_MASK    0xFFull
#define EVENT_TYPE_MASK      (7ull << 8)
#define EVENT_TYPE_NMI       (2ull << 8)
#define EVENT_TYPE_EXCEPTION (3ull << 8)

/* Nested page fault EXITINFO1. */
#define NPF_WRITE       (1ull << 1)
#define NPF_FETCH       (1ull << 4)
#define NPF_GUEST_TABLE (1ull << 33)

#define CR0_PE      (1ull << 0)
#define CR0_TS      (1ull << 3)
#define CR0_ET      (1ull << 4)
#define CR0_WP      (1ull << 16)
#define CR0_NW      (1ull << 29)
#define CR0_CD      (1ull << 30)
#define CR0_PG      (1ull << 31)
#define CR4_PSE     (1ull << 4)
#define CR4_PAE     (1ull << 5)
#define CR4_PGE     (1ull << 7)
#define CR4_LA57    (1ull << 12)
#define CR4_PCIDE   (1ull << 17)
#define CR4_OSXSAVE (1ull << 18)
#define CR4_SMEP    (1ull << 20)
#define CR4_SMAP    (1ull << 21)

#define RFLAGS_CF (1ull << 0)
#define RFLAGS_PF (1ull << 2)
#define RFLAGS_AF (1ull << 4)
#define RFLAGS_ZF (1ull << 6)
#define RFLAGS_SF (1ull << 7)
#define RFLAGS_TF (1ull << 8)
#define RFLAGS_IF (1ull << 9)
#define RFLAGS_OF (1ull << 11)
#define RFLAGS_NT (1ull << 14)
#define RFLAGS_RF (1ull << 16)
#define RFLAGS_AC (1ull << 18)

#define SEGMENT_L  (1u << 9)
#define SEGMENT_DB (1u << 10)

#endif
