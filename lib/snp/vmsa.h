/* SPDX-License-Identifier: MIT */
/* The SEV-ES/SNP save area, one 4 KiB page (APM vol. 2, appendix B, table B-4). */
#ifndef SNPVTPM_LIB_SNP_VMSA_H
#define SNPVTPM_LIB_SNP_VMSA_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/* Attributes are packed: [7:0] descriptor access byte, 8 AVL, 9 L, 10 D/B, 11 G. */
struct vmsa_segment {
    uint16_t selector;
    uint16_t attributes;
    uint32_t limit;
    uint64_t base;
};

struct vmsa {
    struct vmsa_segment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
    uint64_t pl_ssp[4];
    uint64_t u_cet;
    uint8_t reserved_0c8[2];
    uint8_t vmpl;
    uint8_t cpl;
    uint8_t reserved_0cc[4];
    uint64_t efer;
    uint8_t reserved_0d8[104];
    uint64_t xss;
    uint64_t cr4, cr3, cr0;
    uint64_t dr7, dr6;
    uint64_t rflags, rip;
    uint64_t dr[4];
    uint64_t dr_mask[4];
    uint8_t reserved_1c0[24];
    uint64_t rsp;
    uint64_t s_cet, ssp, isst;
    uint64_t rax;
    uint64_t star, lstar, cstar, sfmask, kernel_gs_base;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
    uint64_t cr2;
    uint8_t reserved_248[32];
    uint64_t g_pat;
    uint64_t dbgctl, br_from, br_to, last_excp_from, last_excp_to;
    uint8_t reserved_298[80];
    uint32_t pkru, tsc_aux;
    uint64_t tsc_scale, tsc_offset, reg_prot_nonce;
    uint64_t rcx, rdx, rbx;
    uint64_t secure_avic_control;
    uint64_t rbp, rsi, rdi;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint8_t reserved_380[16];
    uint64_t guest_exitinfo1, guest_exitinfo2, guest_exitintinfo, guest_nrip;
    uint64_t sev_features;
    uint64_t vintr_ctrl;
    uint64_t guest_exitcode;
    uint64_t virtual_tom;
    uint64_t tlb_id, pcpu_id;
    uint64_t event_inj;
    uint64_t xcr0;
    uint8_t reserved_3f0[16];
    uint64_t x87_dp;
    uint32_t mxcsr;
    uint16_t x87_ftw, x87_fsw, x87_fcw, x87_fop, x87_ds, x87_cs;
    uint64_t x87_rip;
    uint8_t fpreg_x87[80];
    uint8_t fpreg_xmm[256];
    uint8_t fpreg_ymm[256];
    uint8_t reserved_670[0x1000 - 0x670];
};

static_assert(offsetof(struct vmsa, vmpl) == 0x0CA, "VMSA");
static_assert(offsetof(struct vmsa, efer) == 0x0D0, "VMSA");
static_assert(offsetof(struct vmsa, xss) == 0x140, "VMSA");
static_assert(offsetof(struct vmsa, rip) == 0x178, "VMSA");
static_assert(offsetof(struct vmsa, rsp) == 0x1D8, "VMSA");
static_assert(offsetof(struct vmsa, rax) == 0x1F8, "VMSA");
static_assert(offsetof(struct vmsa, cr2) == 0x240, "VMSA");
static_assert(offsetof(struct vmsa, g_pat) == 0x268, "VMSA");
static_assert(offsetof(struct vmsa, pkru) == 0x2E8, "VMSA");
static_assert(offsetof(struct vmsa, tsc_scale) == 0x2F0, "VMSA");
static_assert(offsetof(struct vmsa, rcx) == 0x308, "VMSA");
static_assert(offsetof(struct vmsa, rbp) == 0x328, "VMSA");
static_assert(offsetof(struct vmsa, r15) == 0x378, "VMSA");
static_assert(offsetof(struct vmsa, guest_exitinfo1) == 0x390, "VMSA");
static_assert(offsetof(struct vmsa, sev_features) == 0x3B0, "VMSA");
static_assert(offsetof(struct vmsa, guest_exitcode) == 0x3C0, "VMSA");
static_assert(offsetof(struct vmsa, xcr0) == 0x3E8, "VMSA");
static_assert(offsetof(struct vmsa, x87_dp) == 0x400, "VMSA");
static_assert(offsetof(struct vmsa, fpreg_x87) == 0x420, "VMSA");
static_assert(sizeof(struct vmsa) == 0x1000, "VMSA");

/* Reset values that the specifications and the peers agree on. */
#define VMSA_G_PAT_RESET  0x0007040600070406ull
#define VMSA_DR6_RESET    0xFFFF0FF0ull
#define VMSA_DR7_RESET    0x400ull
#define VMSA_MXCSR_RESET  0x1F80u
#define VMSA_RFLAGS_RESET 0x2ull

#define EFER_SCE   (1ull << 0)
#define EFER_LME   (1ull << 8)
#define EFER_LMA   (1ull << 10)
#define EFER_NXE   (1ull << 11)
#define EFER_SVME  (1ull << 12)
#define EFER_FFXSR (1ull << 14)
#define EFER_TCE   (1ull << 15)

/* SEV_FEATURES; SEV_STATUS (MSR C001_0131) is SEV_FEATURES << 2 with SEV and SEV-ES below. */
#define SEV_FEATURE_SNP_ACTIVE           (1ull << 0)
#define SEV_FEATURE_VTOM                 (1ull << 1)
#define SEV_FEATURE_REFLECT_VC           (1ull << 2)
#define SEV_FEATURE_RESTRICTED_INJECTION (1ull << 3)
#define SEV_FEATURE_ALTERNATE_INJECTION  (1ull << 4)
#define SEV_FEATURE_DEBUG_SWAP           (1ull << 5)
#define SEV_FEATURE_SECURE_TSC           (1ull << 9)
#define SEV_STATUS_SEV                   (1ull << 0)
#define SEV_STATUS_SEV_ES                (1ull << 1)
#define SEV_STATUS_FEATURES_SHIFT        2

#define MSR_GHCB       0xC0010130u
#define MSR_SEV_STATUS 0xC0010131u
#define MSR_SVSM_CAA   0xC001F000u

#endif
