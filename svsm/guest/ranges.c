/* SPDX-License-Identifier: MIT */
#include "svsm/guest/ranges.h"

#include <stddef.h>

/* Both ranges are known not to wrap around. */
static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
    return a < b + b_size && b < a + a_size;
}

/* protected_size: how much of each calling area is out of bounds. */
static bool touches_vcpu(const struct guest_ranges *guest, gpa_t start, uint64_t size,
                         uint64_t protected_size)
{
    for (size_t i = 0; i < GUEST_VCPUS_MAX; i++) {
        const struct guest_vcpu *vcpu = &guest->vcpus[i];

        if (!vcpu->in_use)
            continue;
        if (overlap(start.v, size, vcpu->vmsa.v, PAGE_SIZE) ||
            overlap(start.v, size, vcpu->caa.v, protected_size) ||
            overlap(start.v, size, vcpu->launch_caa.v, protected_size))
            return true;
    }
    return false;
}

void guest_ranges_init(struct guest_ranges *guest)
{
    *guest = (struct guest_ranges){.lock = {.rank = LOCK_GUEST}};
    for (size_t i = 0; i < GUEST_PAGE_LOCKS; i++)
        guest->page_locks[i].rank = LOCK_PAGE_STATE;
}

struct lock *guest_page_lock(struct guest_ranges *guest, gpa_t page)
{
    return &guest->page_locks[page.v / LARGE_PAGE_SIZE % GUEST_PAGE_LOCKS];
}

struct guest_vcpu *guest_current_vcpu(struct guest_ranges *guest, uint32_t apic_id)
{
    for (size_t i = 0; i < GUEST_VCPUS_MAX; i++) {
        struct guest_vcpu *vcpu = &guest->vcpus[i];

        if (vcpu->in_use && vcpu->current && vcpu->apic_id == apic_id)
            return vcpu;
    }
    return NULL;
}

bool guest_range_ok(const struct guest_ranges *guest, gpa_t start, uint64_t size)
{
    return size > 0 && memory_map_covers(&guest->memory, start.v, size) &&
           !touches_vcpu(guest, start, size, CAA_PROTECTED_SIZE);
}

bool guest_pages_ok(const struct guest_ranges *guest, gpa_t start, uint64_t size)
{
    return (size == PAGE_SIZE || size == LARGE_PAGE_SIZE) && is_aligned(start.v, size) &&
           memory_map_covers(&guest->memory, start.v, size) &&
           !touches_vcpu(guest, start, size, PAGE_SIZE);
}
