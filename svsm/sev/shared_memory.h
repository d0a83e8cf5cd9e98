/* SPDX-License-Identifier: MIT */
/*
 * Pages that the host may read and write: the GHCB, bounce buffers, virtio rings. Nothing secret
 * is ever stored there, and whatever is read from there is copied before it is judged.
 */
#ifndef SNPVTPM_SVSM_SEV_SHARED_MEMORY_H
#define SNPVTPM_SVSM_SEV_SHARED_MEMORY_H

#include <stddef.h>

#include "svsm/base/address.h"
#include "svsm/base/status.h"

struct shared_pages {
    volatile uint8_t *bytes;
    gpa_t gpa; /* where the host finds them */
    size_t size;
};

/* Shares count adjacent pages of private memory at start; they stay shared for ever. */
struct shared_pages shared_memory_convert(gpa_t start, size_t count);

/* Allocates count adjacent pages and shares them. */
MUST_CHECK enum status shared_memory_allocate(size_t count, struct shared_pages *pages);

/* Copies to and from shared pages; offset + size must lie within them. */
void shared_memory_put(const struct shared_pages *to, size_t offset, const void *from, size_t size);
void shared_memory_get(const struct shared_pages *from, size_t offset, void *to, size_t size);

#endif
