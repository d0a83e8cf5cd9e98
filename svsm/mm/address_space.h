/* SPDX-License-Identifier: MIT */
/*
 * A service's address space. All pages are mapped when they are asked for, so a service never
 * faults for memory it has; the kernel reaches them through the direct map after a walk, so a bad
 * pointer of a service is an error, never a fault of the kernel.
 */
#ifndef SNPVTPM_SVSM_MM_ADDRESS_SPACE_H
#define SNPVTPM_SVSM_MM_ADDRESS_SPACE_H

#include <stddef.h>

#include "svsm/base/address.h"
#include "svsm/base/status.h"

struct address_space {
    uint64_t *root;
    size_t pages, pages_max; /* owned pages; the limit */
};

/*
 * How the service may use a page. Pages of its own, which it may have written, are never
 * executable, and pages that are mapped in place are never writable: no code but what was measured.
 */
struct protection {
    bool read, write, execute;
};

MUST_CHECK enum status address_space_init(struct address_space *space, size_t pages_max);

/* Frees and zeroes all pages of the user half, tables included. */
void address_space_destroy(struct address_space *space);

/* Loads CR3. */
void address_space_activate(const struct address_space *space);

/* Maps fresh zero pages at [start, start + size), page-aligned and unused so far. */
MUST_CHECK enum status address_space_map_new(struct address_space *space, uva_t start,
                                             uint64_t size, struct protection protection);

/* Maps an existing page, which stays the caller's, for reading or executing. */
MUST_CHECK enum status address_space_map_in_place(struct address_space *space, uva_t start,
                                                  gpa_t page, bool executable);

/* Changes the protection of mapped pages. */
MUST_CHECK enum status address_space_protect(struct address_space *space, uva_t start,
                                             uint64_t size, struct protection protection);

/* Frees the owned pages of a range; holes in it are fine. */
void address_space_unmap(struct address_space *space, uva_t start, uint64_t size);

/* The first hole of size bytes in [from, to), or 0. */
uva_t address_space_find_hole(struct address_space *space, uva_t from, uva_t to, uint64_t size);

/* Copies between kernel memory and the service's; STATUS_FAULT where it has no such right. */
MUST_CHECK enum status user_read(struct address_space *space, void *to, uva_t from, size_t size);
MUST_CHECK enum status user_write(struct address_space *space, uva_t to, const void *from,
                                  size_t size);

#endif
