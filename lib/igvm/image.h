/* SPDX-License-Identifier: MIT */
/*
 * A launch image in memory: the list of its variable headers, in the reader's own form. The builder
 * fills it and encodes it to a file; the other commands load it from one.
 */
#ifndef SNPVTPM_LIB_IGVM_IMAGE_H
#define SNPVTPM_LIB_IGVM_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/file/whole_file.h"
#include "lib/igvm/igvm_reader.h"

struct image_page;

/* Starts as all zeros. */
struct image {
    struct igvm_header *headers;
    size_t count;
    size_t capacity;
    struct image_page *pages; /* copies made by image_keep_page() */
    bool out_of_memory;       /* sticky: something could not be added */
};

/* Frees everything, so that *image is empty again. */
void image_free(struct image *image);

/*
 * Appends a copy of *header. Its data, if any, is only borrowed and must outlive the image. Failure
 * to allocate is remembered in out_of_memory; who reads the list looks at it first.
 */
void image_add(struct image *image, const struct igvm_header *header);

/*
 * Copies up to PAGE_SIZE bytes, padded with zeros, to a page that lives as long as the image. NULL
 * when out of memory, which is remembered as above.
 */
const uint8_t *image_keep_page(struct image *image, const void *bytes, size_t size);

/*
 * Appends all headers of an IGVM file, whose bytes must outlive the image. After an error the
 * image holds the headers before the offending one.
 */
MUST_CHECK enum igvm_error image_load(struct image *image, const void *bytes, size_t size);

/*
 * Looks for pages loaded twice by the platform with this mask bit. IGVM_ERROR_LOADED_TWICE with the
 * address of the first, or IGVM_ERROR_NO_MEMORY.
 */
MUST_CHECK enum igvm_error image_check_overlaps(const struct image *image, uint32_t platform_mask,
                                                uint64_t *twice);

/*
 * Lays the headers out as an IGVM file, in the order in which QEMU launches them the same way as it
 * reads them: platforms, policy, required memory, parameter areas, their usages, their insertions,
 * page data by ascending GPA, processor contexts, ID block. IGVM_ERROR_TOO_LARGE or
 * IGVM_ERROR_NO_MEMORY. The caller frees file->bytes.
 */
MUST_CHECK enum igvm_error image_encode(const struct image *image, struct file_bytes *file);

#endif
