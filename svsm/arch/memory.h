/* SPDX-License-Identifier: MIT */
/*
 * Pointers to private memory, and access to memory that may go away.
 *
 * With the other headers of arch/ this is the seam: below it are instructions, above it is C that
 * is built for the host, too (tests/unit/svsm/fake).
 */
#ifndef SNPVTPM_SVSM_ARCH_MEMORY_H
#define SNPVTPM_SVSM_ARCH_MEMORY_H

#include <stddef.h>

#include "svsm/base/address.h"
#include "svsm/base/status.h"

/* Private memory at a guest-physical address; it faults unless validated and ours. */
void *gpa_pointer(gpa_t a);

/* The inverse, for pointers into the direct map only. */
gpa_t direct_gpa(const void *pointer);

/* Where an object of the kernel's image lies. */
gpa_t image_gpa(const void *object);

/*
 * Access to the guest's memory, which the host can take away at any instant: each may fail with
 * STATUS_FAULT, and then has done a part; none can bring the kernel down.
 */
MUST_CHECK enum status guarded_read(void *to, gpa_t from, size_t size);
MUST_CHECK enum status guarded_write(gpa_t to, const void *from, size_t size);

/* Atomically replaces a byte. */
MUST_CHECK enum status guarded_exchange_byte(gpa_t at, uint8_t value, uint8_t *old);

/* Atomically replaces eight aligned bytes if they are as expected; *done says whether. */
MUST_CHECK enum status guarded_compare_exchange(gpa_t at, uint64_t expected, uint64_t value,
                                                bool *done);

#endif
