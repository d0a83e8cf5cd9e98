/* SPDX-License-Identifier: MIT */
#include "svsm/sev/cpuid.h"

#include <stddef.h>

#define LEAF_FEATURES          0x1u
#define LEAF_EXTENDED_FEATURES 0x7u
#define LEAF_TOPOLOGY          0xBu
#define LEAF_XSAVE             0xDu
#define LEAF_PROCESSOR         0x8000001Eu

#define FEATURES_EBX_APIC_ID  0xFF000000u
#define FEATURES_ECX_OSXSAVE  (1u << 27)
#define EXTENDED_ECX_OSPKE    (1u << 4)
#define XSAVE_LEGACY_SIZE     0x240u /* x87 and SSE state with the header */
#define XSAVE_COMPONENT_FIRST 2u
#define XSAVE_COMPONENTS      63u
#define XSAVE_EAX_COMPACTION  ((1u << 1) | (1u << 3)) /* XSAVEC, XSAVES */

static bool is_indexed(uint32_t leaf)
{
    switch (leaf) {
    case 0x4:
    case 0x7:
    case 0xB:
    case 0xD:
    case 0xF:
    case 0x10:
    case 0x12:
    case 0x14:
    case 0x17:
    case 0x18:
    case 0x1D:
    case 0x1E:
    case 0x1F:
    case 0x23:
    case 0x24:
    case 0x8000001D:
        return true;
    default:
        return false;
    }
}

/* Sub-leaves 0 and 1 of the XSAVE leaf depend on XCR0:
 * only the entry for the basic state counts. */
static bool is_basic_xsave(const struct cpuid_entry *entry)
{
    return entry->xss_in == 0 && (entry->xcr0_in == 1 || entry->xcr0_in == 3);
}

static const struct cpuid_entry *find(const struct cpuid_page *page, uint32_t leaf,
                                      uint32_t subleaf)
{
    for (uint32_t i = 0; i < page->count && i < CPUID_PAGE_ENTRIES_MAX; i++) {
        const struct cpuid_entry *entry = &page->entries[i];

        if (entry->eax_in != leaf)
            continue;
        if (is_indexed(leaf) && entry->ecx_in != subleaf)
            continue;
        if (leaf == LEAF_XSAVE && subleaf < XSAVE_COMPONENT_FIRST && !is_basic_xsave(entry))
            continue;
        return entry;
    }
    return NULL;
}

/* The size of the XSAVE area for the components in XCR0. */
static uint32_t xsave_size(const struct cpuid_page *page, uint64_t xcr0, bool compacted)
{
    uint32_t size = XSAVE_LEGACY_SIZE;

    for (uint32_t component = XSAVE_COMPONENT_FIRST; component < XSAVE_COMPONENTS; component++) {
        const struct cpuid_entry *entry;
        uint32_t end;

        if (!(xcr0 >> component & 1))
            continue;
        entry = find(page, LEAF_XSAVE, component);
        if (!entry)
            continue;
        end = compacted ? size + entry->eax : entry->ebx + entry->eax;
        if (end > size)
            size = end;
    }
    return size;
}

static void fix_up(const struct cpuid_page *page, const struct cpuid_context *context,
                   uint32_t leaf, uint32_t subleaf, struct cpuid_registers *r)
{
    switch (leaf) {
    case LEAF_FEATURES:
        r->ebx &= ~FEATURES_EBX_APIC_ID;
        r->ecx &= ~FEATURES_ECX_OSXSAVE;
        if (context->os_xsave)
            r->ecx |= FEATURES_ECX_OSXSAVE;
        break;
    case LEAF_EXTENDED_FEATURES:
        if (subleaf == 0)
            r->ecx &= ~EXTENDED_ECX_OSPKE;
        break;
    case LEAF_TOPOLOGY:
        r->edx = 0;
        break;
    case LEAF_XSAVE:
        if (subleaf == 0)
            r->ebx = xsave_size(page, context->xcr0, false);
        else if (subleaf == 1 && (r->eax & XSAVE_EAX_COMPACTION))
            r->ebx = xsave_size(page, context->xcr0, true);
        break;
    case LEAF_PROCESSOR:
        r->eax = 0;
        r->ebx &= ~0xFFu;
        r->ecx &= ~0xFFu;
        break;
    }
}

struct cpuid_registers cpuid_look_up(const struct cpuid_page *page,
                                     const struct cpuid_context *context, uint32_t leaf,
                                     uint32_t subleaf)
{
    const struct cpuid_entry *entry = find(page, leaf, subleaf);
    struct cpuid_registers r = {0};

    if (!entry)
        return r;
    r = (struct cpuid_registers){entry->eax, entry->ebx, entry->ecx, entry->edx};
    fix_up(page, context, leaf, subleaf, &r);
    return r;
}

enum status cpuid_init(struct cpuid *cpuid, const struct cpuid_page *page)
{
    *cpuid = (struct cpuid){.page = *page};
    return cpuid->page.count > 0 && cpuid->page.count <= CPUID_PAGE_ENTRIES_MAX ? STATUS_OK
                                                                                : STATUS_BAD_FORMAT;
}

void cpuid_set_xcr0(struct cpuid *cpuid, uint64_t xcr0)
{
    cpuid->context = (struct cpuid_context){.os_xsave = true, .xcr0 = xcr0};
}

struct cpuid_registers cpuid_read(const struct cpuid *cpuid, uint32_t leaf, uint32_t subleaf)
{
    return cpuid_look_up(&cpuid->page, &cpuid->context, leaf, subleaf);
}
