/* SPDX-License-Identifier: MIT */
#include "lib/igvm/boot_state.h"

#define CR0_PE      (1ull << 0)
#define CR0_ET      (1ull << 4)
#define CR0_NE      (1ull << 5)
#define CR4_MCE     (1ull << 6)
#define XCR0_X87    1ull
#define FCW_DEFAULT 0x37F

#define FLAT_CODE_32 0xC9B
#define FLAT_DATA_32 0xC93
#define REAL_CODE    0x9B
#define REAL_DATA    0x93
#define LDT          0x82
#define BUSY_TSS     0x8B

/* What both states share. KVM forces SVME, MCE and ET before it measures the page. */
static struct vmsa common_state(uint64_t sev_features)
{
    return (struct vmsa){
        .efer = EFER_SVME,
        .cr4 = CR4_MCE,
        .cr0 = CR0_ET,
        .dr7 = VMSA_DR7_RESET,
        .dr6 = VMSA_DR6_RESET,
        .rflags = VMSA_RFLAGS_RESET,
        .g_pat = VMSA_G_PAT_RESET,
        .sev_features = sev_features,
        .xcr0 = XCR0_X87,
        .mxcsr = VMSA_MXCSR_RESET,
        .x87_fcw = FCW_DEFAULT,
    };
}

static void set_data_segments(struct vmsa *vmsa, struct vmsa_segment segment)
{
    vmsa->es = segment;
    vmsa->ss = segment;
    vmsa->ds = segment;
    vmsa->fs = segment;
    vmsa->gs = segment;
}

struct vmsa boot_state_protected_mode(uint32_t entry, uint32_t argument, uint64_t sev_features)
{
    struct vmsa vmsa = common_state(sev_features);

    vmsa.cs =
        (struct vmsa_segment){.selector = 0x08, .attributes = FLAT_CODE_32, .limit = 0xFFFFFFFF};
    set_data_segments(
        &vmsa,
        (struct vmsa_segment){.selector = 0x10, .attributes = FLAT_DATA_32, .limit = 0xFFFFFFFF});
    vmsa.cr0 |= CR0_PE | CR0_NE;
    vmsa.rip = entry;
    vmsa.rsi = argument;
    return vmsa;
}

struct vmsa boot_state_firmware(uint32_t signature, uint64_t sev_features)
{
    struct vmsa vmsa = boot_state_reset(signature, sev_features);

    vmsa.cr0 |= CR0_NE;
    return vmsa;
}

struct vmsa boot_state_reset(uint32_t signature, uint64_t sev_features)
{
    struct vmsa vmsa = common_state(sev_features);

    vmsa.cs = (struct vmsa_segment){
        .selector = 0xF000, .attributes = REAL_CODE, .limit = 0xFFFF, .base = 0xFFFF0000};
    set_data_segments(&vmsa, (struct vmsa_segment){.attributes = REAL_DATA, .limit = 0xFFFF});
    vmsa.gdtr.limit = 0xFFFF;
    vmsa.idtr.limit = 0xFFFF;
    vmsa.ldtr = (struct vmsa_segment){.attributes = LDT, .limit = 0xFFFF};
    vmsa.tr = (struct vmsa_segment){.attributes = BUSY_TSS, .limit = 0xFFFF};
    vmsa.rip = 0xFFF0;
    vmsa.rdx = signature;
    return vmsa;
}
