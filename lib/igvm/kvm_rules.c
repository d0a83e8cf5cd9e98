/* SPDX-License-Identifier: MIT */
#include "lib/igvm/kvm_rules.h"

#include <string.h>

#include "lib/base/bytes.h"
#include "lib/snp/page.h"

#define CR0_REAL_MODE          0x10ull
#define CR0_PROTECTED_MODE     0x31ull
#define CR0_REAL_MODE_NE       0x30ull
#define CR4_MCE                0x40ull
#define XCR0_X87               0x1ull
#define DR7_RESERVED_ONE       0x400ull
#define DESCRIPTOR_TABLE_LIMIT 0xFFFFu
#define SEGMENT_LONG_MODE      0x200u

/* QEMU passes these fields on to KVM; any other must be zero. */
static bool only_settable_fields(const struct vmsa *vmsa)
{
    static const struct vmsa zeros;
    struct vmsa rest = *vmsa;

    rest.es = rest.cs = rest.ss = rest.ds = rest.fs = rest.gs = zeros.es;
    rest.gdtr = rest.ldtr = rest.idtr = rest.tr = zeros.es;
    rest.efer = rest.cr4 = rest.cr3 = rest.cr0 = rest.dr7 = rest.dr6 = 0;
    rest.rflags = rest.rip = rest.rsp = rest.rax = 0;
    rest.rcx = rest.rdx = rest.rbx = rest.rbp = rest.rsi = rest.rdi = 0;
    rest.r8 = rest.r9 = rest.r10 = rest.r11 = rest.r12 = rest.r13 = rest.r14 = rest.r15 = 0;
    rest.g_pat = rest.sev_features = rest.xcr0 = 0;
    rest.mxcsr = 0;
    rest.x87_fcw = 0;
    return bytes_are_zero(&rest, sizeof(rest));
}

static bool table_register_settable(const struct vmsa_segment *table)
{
    return table->attributes == 0 && table->limit <= DESCRIPTOR_TABLE_LIMIT;
}

const char *kvm_rule_broken_by_vmsa(const struct vmsa *vmsa)
{
    if (!only_settable_fields(vmsa))
        return "the VMSA sets a field that QEMU cannot pass on";
    if (vmsa->cr0 != CR0_REAL_MODE && vmsa->cr0 != CR0_REAL_MODE_NE &&
        vmsa->cr0 != CR0_PROTECTED_MODE)
        return "CR0 of the VMSA must be 0x31 (protected mode), 0x30 or 0x10 (real mode)";
    if ((vmsa->efer & EFER_SVME) == 0)
        return "EFER of the VMSA lacks SVME (0x1000), which KVM sets";
    if ((vmsa->efer & (EFER_LME | EFER_LMA)) != 0 || (vmsa->cs.attributes & SEGMENT_LONG_MODE) != 0)
        return "the VMSA asks for long mode without paging";
    if ((vmsa->cr4 & CR4_MCE) == 0)
        return "CR4 of the VMSA lacks MCE (0x40), which KVM sets";
    if ((vmsa->rflags & VMSA_RFLAGS_RESET) == 0)
        return "RFLAGS of the VMSA lacks bit 1, which KVM sets";
    if ((vmsa->xcr0 & XCR0_X87) == 0)
        return "XCR0 of the VMSA lacks bit 0";
    if ((vmsa->dr7 & ~DR7_RESERVED_ONE) != 0)
        return "DR7 of the VMSA enables breakpoints";
    if (vmsa->dr6 >> 32 != 0)
        return "DR6 of the VMSA has bits above 31";
    if (vmsa->tr.base != vmsa->ldtr.base)
        return "TR and LDTR of the VMSA must have the same base: QEMU mixes them up";
    if (!table_register_settable(&vmsa->gdtr) || !table_register_settable(&vmsa->idtr))
        return "GDTR or IDTR of the VMSA has attributes or a limit above 0xFFFF";
    if ((vmsa->sev_features & SEV_FEATURE_SNP_ACTIVE) == 0)
        return "SEV_FEATURES of the VMSA lacks SNPActive (0x1)";
    return NULL;
}

/*
 * What a QEMU has a handler for; it stops at anything else. MADT came after QEMU 10.2, DEVICE_TREE
 * is in that of the COCONUT-SVSM: both fill in a parameter area, which is not measured, and so
 * leave the digest as it is.
 */
static bool type_supported(uint32_t type)
{
    switch (type) {
    case IGVM_SUPPORTED_PLATFORM:
    case IGVM_GUEST_POLICY:
    case IGVM_PARAMETER_AREA:
    case IGVM_PAGE_DATA:
    case IGVM_PARAMETER_INSERT:
    case IGVM_VP_CONTEXT:
    case IGVM_REQUIRED_MEMORY:
    case IGVM_VP_COUNT_PARAMETER:
    case IGVM_MADT:
    case IGVM_MEMORY_MAP:
    case IGVM_DEVICE_TREE:
    case IGVM_SNP_ID_BLOCK:
    case IGVM_ENVIRONMENT_INFO_PARAMETER:
        return true;
    default:
        return false;
    }
}

/* What has been seen of an image so far. */
struct progress {
    bool page_data;
    const struct igvm_header *vp_context;
};

static const char *check_vp_context(const struct igvm_header *header,
                                    const struct progress *progress)
{
    struct vmsa vmsa;

    if (progress->vp_context)
        return "there is more than one processor context";
    if (header->vp_context.vp_index != 0)
        return "the processor context is not that of processor 0";
    if (header->vp_context.gpa != VMSA_LAUNCH_GPA)
        return "the processor context is not at GPA 0xFFFFFFFFF000";
    /* The file data may be at any address. */
    memcpy(&vmsa, header->data, sizeof(vmsa));
    return kvm_rule_broken_by_vmsa(&vmsa);
}

static const char *check_header(const struct igvm_header *header, struct progress *progress)
{
    const char *broken = NULL;

    switch (header->type) {
    case IGVM_PAGE_DATA:
        if (header->page_data.flags & IGVM_PAGE_SHARED)
            broken =
                "page data are shared with the host: QEMU would measure them as private, which "
                "others do not";
        progress->page_data = true;
        break;
    case IGVM_PARAMETER_INSERT:
    case IGVM_REQUIRED_MEMORY:
        if (progress->page_data)
            broken = "parameters or required memory follow page data: QEMU would launch them in "
                     "another order";
        break;
    case IGVM_MEMORY_MAP:
        if (header->parameter.byte_offset != 0)
            broken = "the memory map is not at the start of its area, where QEMU puts it";
        break;
    case IGVM_PARAMETER_AREA:
        if (header->data)
            broken = "a parameter area has initial contents, which QEMU ignores";
        break;
    case IGVM_VP_CONTEXT:
        broken = check_vp_context(header, progress);
        progress->vp_context = header;
        break;
    default:
        break;
    }
    return broken;
}

const char *kvm_rule_broken(const struct image *image, uint32_t platform_mask)
{
    struct progress progress = {0};

    for (size_t i = 0; i < image->count; i++) {
        const struct igvm_header *header = &image->headers[i];
        const char *broken;

        if (!igvm_applies(header, platform_mask))
            continue;
        if (!type_supported(header->type))
            return "it has a header of a type at which QEMU stops (`igvm dump` lists them)";
        broken = check_header(header, &progress);
        if (broken)
            return broken;
    }
    return !progress.vp_context ? "there is no processor context" : NULL;
}
