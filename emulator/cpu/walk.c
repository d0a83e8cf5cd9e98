/* SPDX-License-Identifier: MIT */
#include "emulator/cpu/walk.h"

#include "emulator/cpu/npt.h"
#include "emulator/cpu/rmp.h"

#define PTE_PRESENT 0x1ull
#define PTE_WRITE   0x2ull
#define PTE_USER    0x4ull
#define PTE_LARGE   0x80ull
#define PTE_ADDRESS (0x000ffffffffff000ull & ~CBIT)

/* The bytes behind a GPA if this VMPL may access them so, else NULL. */
static void *reach(const struct vmpl_context *context, gpa_t address, bool private,
                   enum rmp_permission access)
{
    hpa_t backing;

    if (!guest_memory_find(address, &backing))
        return NULL;
    if (private && !rmp_allows(address, context->vmpl, access))
        return NULL;
    if (!private && (rmp_find(address)->flags & RMP_ASSIGNED))
        return NULL;
    return host_ptr(backing);
}

bool walk(const struct vmpl_context *context, uint64_t gva, struct translation *out)
{
    const struct vmsa *save = context->save;
    uint64_t entry = save->cr3, rights = PTE_WRITE | PTE_USER;

    if (!(save->cr0 & CR0_PG)) {
        *out = (struct translation){gpa(gva & 0xFFFFFFFF), true, true, true, NULL};
        return true;
    }
    if (!(save->efer & EFER_LMA) || (save->cr4 & CR4_LA57))
        return false;
    for (unsigned shift = 39;; shift -= 9) {
        gpa_t slot = gpa((entry & PTE_ADDRESS) | (gva >> shift & 511) * 8);
        uint64_t *pte = reach(context, slot, true, RMP_READ);

        if (!pte || !(*pte & PTE_PRESENT))
            return false;
        entry = *pte;
        rights &= entry;
        if (shift == 12 || (shift <= 30 && (entry & PTE_LARGE))) {
            uint64_t offset_mask = (1ull << shift) - 1;

            out->gpa = gpa((entry & PTE_ADDRESS & ~offset_mask) | (gva & offset_mask));
            out->private = entry & CBIT;
            out->writable = rights & PTE_WRITE;
            out->user = rights & PTE_USER;
            out->entry = pte;
            return true;
        }
    }
}

/* Bytes from gva to the end of its page, at most size. */
static size_t page_piece(uint64_t gva, size_t size)
{
    size_t piece = PAGE_SIZE - (gva & ~PAGE_MASK);

    return piece < size ? piece : size;
}

static bool read_bytes(const struct vmpl_context *context, uint64_t gva, void *to, size_t size,
                       bool fetch)
{
    for (size_t done = 0, piece; done < size; done += piece) {
        struct translation at;
        const void *from;

        if (!walk(context, gva + done, &at))
            return false;
        from = reach(context, at.gpa, at.private || fetch, RMP_READ);
        if (!from)
            return false;
        piece = page_piece(gva + done, size - done);
        memcpy((uint8_t *)to + done, from, piece);
    }
    return true;
}

bool guest_read(const struct vmpl_context *context, uint64_t gva, void *to, size_t size)
{
    return read_bytes(context, gva, to, size, false);
}

bool guest_write(const struct vmpl_context *context, uint64_t gva, const void *from, size_t size)
{
    for (size_t done = 0, piece; done < size; done += piece) {
        struct translation at;
        void *to;

        if (!walk(context, gva + done, &at))
            return false;
        to = reach(context, at.gpa, at.private, RMP_WRITE);
        if (!to)
            return false;
        piece = page_piece(gva + done, size - done);
        memcpy(to, (const uint8_t *)from + done, piece);
    }
    return true;
}

bool guest_fetch(const struct vmpl_context *context, void *to, size_t size)
{
    const struct vmsa *save = context->save;

    return read_bytes(
        context, guest_in_64bit_mode(context) ? save->rip : (uint32_t)(save->cs.base + save->rip),
        to, size, true);
}
