/* SPDX-License-Identifier: MIT */
/*
 * The SVSM's own memory: the pages of its region behind the launch image. A page is zero when it is
 * handed out.
 */
#ifndef SNPVTPM_SVSM_MM_PAGE_ALLOCATOR_H
#define SNPVTPM_SVSM_MM_PAGE_ALLOCATOR_H

#include <stddef.h>

#include "svsm/base/address.h"
#include "svsm/base/status.h"

/* Makes [start, end) allocatable: page-aligned, validated, zero. */
MUST_CHECK enum status page_allocator_init(gpa_t start, gpa_t end);

/* One zeroed page of private memory (a pointer into the direct map), or NULL. */
void *page_allocate(void);

/* count adjacent zeroed pages, or NULL. */
void *page_allocate_adjacent(size_t count);

/* A page that is not the first of a 2 MiB page, as a VMSA must be (SNP erratum), or NULL. */
void *page_allocate_for_vmsa(void);

/* Takes back one page and zeroes it. */
void page_free(void *page);

/* Pages that are free now. */
size_t page_free_count(void);

#endif
