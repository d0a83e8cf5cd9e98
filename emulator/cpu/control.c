/* SPDX-License-Identifier: MIT */
#include "emulator/cpu/control.h"

#include "emulator/cpu/vmcb.h"
#include "emulator/platform/host.h"

#define LEAF_EXTENDED_FEATURES 0x80000001u
#define EXT1_ECX_TCE           (1u << 17)
#define EXT1_EDX_FFXSR         (1u << 25)

/* Paging comes with PAE in long mode, and not while code runs in a 64-bit segment. */
static bool may_start_paging(const struct vmsa *save)
{
    return !(save->efer & EFER_LME) ||
           ((save->cr4 & CR4_PAE) && !(save->cs.attributes & SEGMENT_L));
}

static bool may_stop_paging(const struct vmsa *save)
{
    bool in_64bit_mode = (save->efer & EFER_LMA) && (save->cs.attributes & SEGMENT_L);

    return !in_64bit_mode && !(save->cr4 & CR4_PCIDE);
}

static bool cr0_valid(const struct vmsa *save, uint64_t value)
{
    bool paging = value & CR0_PG, paged = save->cr0 & CR0_PG;

    if (value >> 32 || (paging && !(value & CR0_PE)) || ((value & CR0_NW) && !(value & CR0_CD)))
        return false;
    if (paging && !paged)
        return may_start_paging(save);
    return paging || !paged || may_stop_paging(save);
}

bool control_write_cr0(struct vmsa *save, uint64_t value)
{
    if (!cr0_valid(save, value))
        return false;
    save->cr0 = value | CR0_ET;
    if ((value & CR0_PG) && (save->efer & EFER_LME))
        save->efer |= EFER_LMA;
    else
        save->efer &= ~EFER_LMA;
    return true;
}

/* The bits that this machine has. */
static uint64_t efer_bits(void)
{
    static uint64_t bits;

    if (!bits) {
        struct cpuid_result extended = host_cpuid(LEAF_EXTENDED_FEATURES, 0);

        bits = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE | EFER_SVME |
               (extended.edx & EXT1_EDX_FFXSR ? EFER_FFXSR : 0) |
               (extended.ecx & EXT1_ECX_TCE ? EFER_TCE : 0);
    }
    return bits;
}

bool control_write_efer(struct vmsa *save, uint64_t value)
{
    if ((value & ~efer_bits()) || ((save->cr0 & CR0_PG) && ((value ^ save->efer) & EFER_LME)))
        return false;
    /* LMA follows CR0.PG */
    save->efer = (value & ~EFER_LMA) | EFER_SVME | (save->efer & EFER_LMA);
    return true;
}
