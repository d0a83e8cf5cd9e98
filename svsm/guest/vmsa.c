/* SPDX-License-Identifier: MIT */
#include "svsm/guest/vmsa.h"

#include "lib/freestanding/string.h"
#include "svsm/arch/memory.h"

#define CR0_RESET       0x60000010ull /* CD, NW, ET */
#define CS_SELECTOR     0xF000
#define CODE_ATTRIBUTES 0x9B
#define DATA_ATTRIBUTES 0x93
#define LDTR_ATTRIBUTES 0x82
#define TR_ATTRIBUTES   0x8B
#define REAL_MODE_LIMIT 0xFFFF
#define X87_FCW_RESET   0x40
#define X87_FTW_RESET   0x5555
#define XCR0_RESET      1

static struct vmsa_segment segment(uint16_t selector, uint16_t attributes, uint64_t base)
{
    return (struct vmsa_segment){
        .selector = selector,
        .attributes = attributes,
        .limit = REAL_MODE_LIMIT,
        .base = base,
    };
}

void vmsa_reset(struct vmsa *vmsa, uint64_t reset_vector, uint8_t vmpl, uint64_t sev_features)
{
    memset(vmsa, 0, sizeof(*vmsa));
    vmsa->cs = segment(CS_SELECTOR, CODE_ATTRIBUTES, reset_vector & 0xFFFF0000u);
    vmsa->ds = vmsa->es = vmsa->fs = vmsa->gs = vmsa->ss = segment(0, DATA_ATTRIBUTES, 0);
    vmsa->gdtr = vmsa->idtr = segment(0, 0, 0);
    vmsa->ldtr = segment(0, LDTR_ATTRIBUTES, 0);
    vmsa->tr = segment(0, TR_ATTRIBUTES, 0);
    vmsa->rip = reset_vector & 0xFFFFu;
    vmsa->rflags = VMSA_RFLAGS_RESET;
    vmsa->cr0 = CR0_RESET;
    vmsa->efer = EFER_SVME;
    vmsa->dr6 = VMSA_DR6_RESET;
    vmsa->dr7 = VMSA_DR7_RESET;
    vmsa->g_pat = VMSA_G_PAT_RESET;
    vmsa->xcr0 = XCR0_RESET;
    vmsa->mxcsr = VMSA_MXCSR_RESET;
    vmsa->x87_fcw = X87_FCW_RESET;
    vmsa->x87_ftw = X87_FTW_RESET;
    vmsa->vmpl = vmpl;
    vmsa->sev_features = sev_features;
}

static gpa_t efer_of(gpa_t vmsa)
{
    return gpa_add(vmsa, offsetof(struct vmsa, efer));
}

bool vmsa_disable(gpa_t vmsa)
{
    uint64_t efer;
    bool done;

    return guarded_read(&efer, efer_of(vmsa), sizeof(efer)) == STATUS_OK && (efer & EFER_SVME) &&
           guarded_compare_exchange(efer_of(vmsa), efer, efer & ~EFER_SVME, &done) == STATUS_OK &&
           done;
}

void vmsa_enable(gpa_t vmsa)
{
    uint64_t efer;

    /* When it is gone, there is nothing to run either. */
    if (guarded_read(&efer, efer_of(vmsa), sizeof(efer)) != STATUS_OK)
        return;
    efer |= EFER_SVME;
    if (guarded_write(efer_of(vmsa), &efer, sizeof(efer)) != STATUS_OK)
        return;
}
