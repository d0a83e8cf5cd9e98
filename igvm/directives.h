/* SPDX-License-Identifier: MIT */
/* The headers that the builder puts into an image, each for its only platform, SEV-SNP. */
#ifndef SNPVTPM_IGVM_DIRECTIVES_H
#define SNPVTPM_IGVM_DIRECTIVES_H

#include "lib/igvm/image.h"
#include "lib/snp/vmsa.h"

#define SNP_PLATFORM_MASK 1u

/* SUPPORTED_PLATFORM and GUEST_POLICY. */
void add_platform(struct image *image, uint64_t policy);

/* size: multiple of PAGE_SIZE, less than 4 GiB. */
void add_required_memory(struct image *image, uint64_t gpa, uint64_t size);

/* A parameter area of size bytes, deposited at gpa. */
void add_parameter_area(struct image *image, uint32_t index, uint64_t gpa, uint64_t size);

/* Something that the loader writes at byte_offset of an area. */
void add_parameter(struct image *image, enum igvm_header_type type, uint32_t index,
                   uint32_t byte_offset);

/*
 * One page. contents: PAGE_SIZE borrowed bytes; NULL for a page of zeros, SECRETS and CPUID. A page
 * that happens to hold only zeros is stored without data: it is measured the same.
 */
void add_page(struct image *image, enum igvm_page_data_type type, uint64_t gpa,
              const uint8_t *contents);

/* NORMAL pages of zeros for [gpa, end). */
void add_zero_pages(struct image *image, uint64_t gpa, uint64_t end);

/*
 * NORMAL pages from gpa on with size bytes of contents, of which whole pages are borrowed, the last
 * page filled up with zeros. Returns the GPA of the first page after them.
 */
uint64_t add_contents(struct image *image, uint64_t gpa, const uint8_t *contents, size_t size);

/* The state in which the boot processor starts. */
void add_boot_processor(struct image *image, const struct vmsa *vmsa);

#endif
