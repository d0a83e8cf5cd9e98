/* SPDX-License-Identifier: MIT */
/* Decoding of the PVALIDATE list (58019, section 7.2); nothing here touches memory. */
#ifndef SNPVTPM_SVSM_REQUESTS_PVALIDATE_LIST_H
#define SNPVTPM_SVSM_REQUESTS_PVALIDATE_LIST_H

#include "lib/snp/svsm_abi.h"
#include "svsm/base/address.h"
#include "svsm/base/status.h"

struct pvalidate_entry {
    gpa_t page;
    uint64_t size; /* PAGE_SIZE or LARGE_PAGE_SIZE */
    bool validate; /* false: rescind */
    bool ignore_unchanged;
};

/* Whether a list at this address, with this header, is aligned, not empty and within one page. */
MUST_CHECK bool pvalidate_header_ok(gpa_t list, const struct svsm_pvalidate_list *header);

/* False for reserved bits, an unknown size, and a large page that is not aligned. */
MUST_CHECK bool pvalidate_entry_decode(uint64_t raw, struct pvalidate_entry *entry);

#endif
