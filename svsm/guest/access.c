/* SPDX-License-Identifier: MIT */
#include "svsm/guest/access.h"

#include "svsm/arch/memory.h"

bool guest_owns(struct guest_ranges *guest, gpa_t start, uint64_t size)
{
    bool owns;

    lock_read(&guest->lock);
    owns = guest_range_ok(guest, start, size);
    lock_read_release(&guest->lock);
    return owns;
}

enum status guest_read(struct guest_ranges *guest, void *to, gpa_t from, size_t size)
{
    enum status status = STATUS_OUT_OF_RANGE;

    lock_read(&guest->lock);
    if (guest_range_ok(guest, from, size))
        status = guarded_read(to, from, size);
    lock_read_release(&guest->lock);
    return status;
}

enum status guest_write(struct guest_ranges *guest, gpa_t to, const void *from, size_t size)
{
    enum status status = STATUS_OUT_OF_RANGE;

    lock_read(&guest->lock);
    if (guest_range_ok(guest, to, size))
        status = guarded_write(to, from, size);
    lock_read_release(&guest->lock);
    return status;
}
