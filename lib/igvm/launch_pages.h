/* SPDX-License-Identifier: MIT */
/*
 * The pages of a launch image in the order in which the AMD secure processor measures them: all
 * that goes into a launch measurement, with a digest in place of each page's contents, and what
 * each page is for. Whoever has two such lists can say in what two images differ
 * (lib/igvm/launch_difference.h). `igvm measure --pages` writes them, the KBS keeps them.
 *
 * Host code only (libcrypto, heap).
 */
#ifndef SNPVTPM_LIB_IGVM_LAUNCH_PAGES_H
#define SNPVTPM_LIB_IGVM_LAUNCH_PAGES_H

#include <stddef.h>
#include <stdint.h>

#include "lib/igvm/igvm_reader.h"
#include "lib/snp/launch_digest.h"

#define LAUNCH_PAGES_MAX 65536u /* 256 MiB of measured memory */
#define LAUNCH_PARTS_MAX 64
#define LAUNCH_PART_SIZE 32 /* of a part's name with its NUL */

struct launch_page {
    uint64_t gpa;
    uint8_t type; /* enum snp_page_type */
    uint8_t vmpl_permissions[VMPL_COUNT - 1];
    uint8_t part;                         /* index of its part's name */
    uint8_t contents[LAUNCH_DIGEST_SIZE]; /* zeros for the types whose contents are not measured */
};

/* Starts as all zeros. */
struct launch_pages {
    struct launch_page *pages;
    size_t count;
    size_t capacity;
    char parts[LAUNCH_PARTS_MAX][LAUNCH_PART_SIZE]; /* printable ASCII */
    size_t part_count;
};

enum launch_pages_status {
    LAUNCH_PAGES_OK,
    LAUNCH_PAGES_TOO_MANY,  /* pages or parts */
    LAUNCH_PAGES_MALFORMED, /* not what launch_pages_encode writes */
    LAUNCH_PAGES_VERSION,   /* written by a newer program */
    LAUNCH_PAGES_NO_MEMORY,
    LAUNCH_PAGES_CRYPTO_FAILED,
};

/* Frees everything, so that *pages is empty again. */
void launch_pages_free(struct launch_pages *pages);

/*
 * Appends the measured pages of an IGVM file for the platform with this mask bit: memory as the
 * file orders it, then processors, as KVM does it. headers are those that igvm_next() gave; their
 * data is read here only. The caller frees *pages, also on failure.
 */
MUST_CHECK enum launch_pages_status launch_pages_add_image(struct launch_pages *pages,
                                                           const struct igvm_header *headers,
                                                           size_t count, uint32_t platform_mask);

/*
 * Appends one page of the part with this name, which is cut to LAUNCH_PART_SIZE. contents points to
 * its PAGE_SIZE bytes, or is NULL for the types whose contents are not measured. Lower VMPLs get no
 * permissions, as with KVM.
 */
MUST_CHECK enum launch_pages_status launch_pages_add(struct launch_pages *pages,
                                                     enum snp_page_type type, uint64_t gpa,
                                                     const uint8_t *contents, const char *part);

/* The same for a page whose contents' digest and part's index are known. */
MUST_CHECK enum launch_pages_status launch_pages_append(struct launch_pages *pages,
                                                        const struct launch_page *page);

/* What the page is for: "SVSM kernel", "service tpm", "firmware" and so on. */
const char *launch_pages_part(const struct launch_pages *pages, const struct launch_page *page);

/* Adds one page to a launch digest; false when libcrypto fails. */
MUST_CHECK bool launch_page_extend(const struct launch_page *page, struct launch_digest *digest);

/* The launch measurement of these pages; false when libcrypto fails. */
MUST_CHECK bool launch_pages_digest(const struct launch_pages *pages, struct launch_digest *digest);

/*
 * The list as bytes, which the caller frees:
 *
 *   "SNPPAGES", version u8 = 1, parts u8, runs u32le
 *   each part:  length u8 (1 to 31), so many printable ASCII characters
 *   each run:   gpa u64le of its first page, pages u32le, type u8, permissions of VMPL1 to VMPL3
 *               u8 each, part u8, digests u8 (0: none, 1: one for all pages, 2: one for each),
 *               so many digests of 48 bytes
 *
 * A run is pages of one part, one type and one set of permissions, each 4096 behind the one before.
 */
MUST_CHECK enum launch_pages_status launch_pages_encode(const struct launch_pages *pages,
                                                        uint8_t **bytes, size_t *size);

/* The other way, from bytes that may be anything. The caller frees *pages, also on failure. */
MUST_CHECK enum launch_pages_status launch_pages_decode(struct launch_pages *pages,
                                                        const void *bytes, size_t size);

/* The status in words, without capital and full stop. */
const char *launch_pages_text(enum launch_pages_status status);

#endif
