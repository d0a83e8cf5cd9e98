/* SPDX-License-Identifier: MIT */
/* The sections of the status page. Inside kbs/admin only. */
#ifndef SNPVTPM_KBS_ADMIN_PAGE_H
#define SNPVTPM_KBS_ADMIN_PAGE_H

#include <stdio.h>
#include <time.h>

#include "kbs/store/store.h"

struct page {
    FILE *out;
    struct store_unit *unit;
    time_t now;
    unsigned rows; /* of the section so far */
};

/* Each writes its section, or fails with the store. */
MUST_CHECK enum store_status page_volumes(struct page *page);
MUST_CHECK enum store_status page_attestations(struct page *page);
MUST_CHECK enum store_status page_images(struct page *page);
MUST_CHECK enum store_status page_policies(struct page *page);
MUST_CHECK enum store_status page_tokens(struct page *page);
MUST_CHECK enum store_status page_keys(struct page *page);

#endif
