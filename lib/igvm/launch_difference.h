/* SPDX-License-Identifier: MIT */
/*
 * In what two launch images differ, page by page, part by part: the n-th page of a part is compared
 * with the n-th page of the part of that name in the other image, wherever they lie. So a kernel
 * that grew by a page does not make every page after it a difference.
 */
#ifndef SNPVTPM_LIB_IGVM_LAUNCH_DIFFERENCE_H
#define SNPVTPM_LIB_IGVM_LAUNCH_DIFFERENCE_H

#include "lib/igvm/launch_pages.h"

enum launch_difference_kind {
    LAUNCH_CONTENTS, /* in both images, with other contents */
    LAUNCH_TYPE,     /* in both images, with another type or other permissions */
    LAUNCH_MOVED,    /* in both images, the same at another address */
    LAUNCH_ADDED,    /* only in the second image */
    LAUNCH_REMOVED,  /* only in the first image */
    LAUNCH_ORDER,    /* the same pages, measured in another order; part is "" */
};

/* Consecutive pages of one part, in one or both images, with the same kind of difference. */
struct launch_difference {
    enum launch_difference_kind kind;
    const char *part;    /* lives as long as the lists */
    uint64_t first_gpa;  /* of the first of these pages in the first image, 0 when it has none */
    uint64_t second_gpa; /* the same in the second image */
    size_t pages;
};

/*
 * Calls visit for each difference, by parts in the order of the first image, then those that only
 * the second has. Returns the number of calls: 0 means that the measurements are the same.
 */
size_t launch_difference_each(const struct launch_pages *first, const struct launch_pages *second,
                              void (*visit)(void *context,
                                            const struct launch_difference *difference),
                              void *context);

/*
 * One line without full stop, e.g. "firmware: 2 pages from 0xffc00000 have other contents". Returns
 * what snprintf would.
 */
int launch_difference_text(const struct launch_difference *difference, char *text, size_t size);

#endif
