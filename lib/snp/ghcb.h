/* SPDX-License-Identifier: MIT */
/*
 * The GHCB page and the GHCB MSR protocol (GHCB specification 56421, sections 2.3 and 2.6).
 *
 * The page is shared with the other side, which may write it at any time: copy what you read once,
 * and decide on the copy.
 */
#ifndef SNPVTPM_LIB_SNP_GHCB_H
#define SNPVTPM_LIB_SNP_GHCB_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define GHCB_SHARED_BUFFER_SIZE 0x7F0

struct ghcb {
    uint8_t reserved_000[0x0CB];
    uint8_t cpl;
    uint8_t reserved_0cc[0x140 - 0x0CC];
    uint64_t xss;
    uint8_t reserved_148[0x160 - 0x148];
    uint64_t dr7;
    uint8_t reserved_168[0x1F8 - 0x168];
    uint64_t rax;
    uint8_t reserved_200[0x308 - 0x200];
    uint64_t rcx, rdx, rbx;
    uint8_t reserved_320[8];
    uint64_t rbp, rsi, rdi;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint8_t reserved_380[16];
    uint64_t sw_exitcode, sw_exitinfo1, sw_exitinfo2, sw_scratch;
    uint8_t reserved_3b0[0x3E8 - 0x3B0];
    uint64_t xcr0;
    uint8_t valid_bitmap[16]; /* one bit for each 8 bytes from 0x000 to 0x3FF */
    uint64_t x87_state_gpa;
    uint8_t reserved_408[0x800 - 0x408];
    uint8_t shared_buffer[GHCB_SHARED_BUFFER_SIZE];
    uint8_t reserved_ff0[10];
    uint16_t protocol_version;
    uint32_t usage; /* 0: standard */
};

static_assert(offsetof(struct ghcb, rax) == 0x1F8, "GHCB");
static_assert(offsetof(struct ghcb, rcx) == 0x308, "GHCB");
static_assert(offsetof(struct ghcb, sw_exitcode) == 0x390, "GHCB");
static_assert(offsetof(struct ghcb, sw_scratch) == 0x3A8, "GHCB");
static_assert(offsetof(struct ghcb, xcr0) == 0x3E8, "GHCB");
static_assert(offsetof(struct ghcb, valid_bitmap) == 0x3F0, "GHCB");
static_assert(offsetof(struct ghcb, shared_buffer) == 0x800, "GHCB");
static_assert(offsetof(struct ghcb, protocol_version) == 0xFFA, "GHCB");
static_assert(sizeof(struct ghcb) == 0x1000, "GHCB");

/* The bit of VALID_BITMAP that stands for a field of struct ghcb. */
#define GHCB_VALID_BIT(field) (offsetof(struct ghcb, field) / 8)

#define GHCB_PROTOCOL_MIN 1
#define GHCB_PROTOCOL_MAX 2

/* SW_EXITINFO1[31:0] after a VMGEXIT, and SW_EXITINFO2 when it says malformed. */
enum ghcb_result {
    GHCB_RESULT_OK = 0,
    GHCB_RESULT_EXCEPTION = 1,
    GHCB_RESULT_MALFORMED = 2,
};

enum ghcb_malformed {
    GHCB_ERR_NOT_REGISTERED = 1,
    GHCB_ERR_INVALID_USAGE = 2,
    GHCB_ERR_INVALID_SCRATCH = 3,
    GHCB_ERR_MISSING_INPUT = 4,
    GHCB_ERR_INVALID_INPUT = 5,
    GHCB_ERR_INVALID_EVENT = 6,
};

/* GHCB MSR protocol: GHCBInfo in the low 12 bits. */
#define GHCB_MSR_INFO_MASK 0xFFFull

enum ghcb_msr {
    GHCB_MSR_SEV_INFO_RESP = 0x001,
    GHCB_MSR_SEV_INFO_REQ = 0x002,
    GHCB_MSR_CPUID_REQ = 0x004,
    GHCB_MSR_CPUID_RESP = 0x005,
    GHCB_MSR_AP_RESET_HOLD_REQ = 0x006,
    GHCB_MSR_AP_RESET_HOLD_RESP = 0x007,
    GHCB_MSR_PREFERRED_GPA_REQ = 0x010,
    GHCB_MSR_PREFERRED_GPA_RESP = 0x011,
    GHCB_MSR_REGISTER_GPA_REQ = 0x012,
    GHCB_MSR_REGISTER_GPA_RESP = 0x013,
    GHCB_MSR_PSC_REQ = 0x014,
    GHCB_MSR_PSC_RESP = 0x015,
    GHCB_MSR_RUN_VMPL_REQ = 0x016,
    GHCB_MSR_RUN_VMPL_RESP = 0x017,
    GHCB_MSR_HV_FEATURES_REQ = 0x080,
    GHCB_MSR_HV_FEATURES_RESP = 0x081,
    GHCB_MSR_TERM_REQ = 0x100,
};

#define GHCB_NO_GFN 0xFFFFFFFFFFFFFull

/* Hypervisor features (56421, section 4.1.11). */
#define GHCB_HV_FEATURE_SNP                  (1u << 0)
#define GHCB_HV_FEATURE_AP_CREATION          (1u << 1)
#define GHCB_HV_FEATURE_RESTRICTED_INJECTION (1u << 2)
#define GHCB_HV_FEATURE_APIC_ID_LIST         (1u << 4)
#define GHCB_HV_FEATURE_MULTI_VMPL           (1u << 5)

/* Page state change (56421, section 4.1.6). */
enum psc_operation {
    PSC_PRIVATE = 1,
    PSC_SHARED = 2,
    PSC_PSMASH = 3,
    PSC_UNSMASH = 4,
};

struct psc_header {
    uint16_t cur_entry;
    uint16_t end_entry; /* index of the last entry */
    uint32_t reserved;
};

#define PSC_ENTRIES_MAX           253
#define PSC_ENTRY_CUR_PAGE_MASK   0xFFFull
#define PSC_ENTRY_GFN_MASK        0xFFFFFFFFFF000ull /* the GPA, as GFN << 12 */
#define PSC_ENTRY_OPERATION_SHIFT 52
#define PSC_ENTRY_2M              (1ull << 56)

#endif
