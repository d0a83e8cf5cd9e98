/* SPDX-License-Identifier: MIT */
/* PVALIDATE and RMPADJUST (APM vol. 3), through the direct map. */
#ifndef SNPVTPM_SVSM_ARCH_RMP_H
#define SNPVTPM_SVSM_ARCH_RMP_H

#include <stdbool.h>

#include "lib/snp/page.h"
#include "svsm/base/address.h"
#include "svsm/base/status.h"

/* The instruction's own code, or that it faulted: page not mapped, or (RMPADJUST) not validated. */
enum rmp_result {
    RMP_DONE = RMP_SUCCESS,
    RMP_BAD_INPUT = RMP_FAIL_INPUT,
    RMP_NO_PERMISSION = RMP_FAIL_PERMISSION,
    RMP_WRONG_SIZE = RMP_FAIL_SIZEMISMATCH,
    RMP_FAULTED = 0x7FFFFFFF, /* not an architected code */
};

enum rmp_page_size {
    RMP_4K = 0,
    RMP_2M = 1,
};

/* Sets (or rescinds) Validated; *unchanged when it already was so. */
MUST_CHECK enum rmp_result rmp_validate(gpa_t page, enum rmp_page_size size, bool validate,
                                        bool *unchanged);

/* Sets the permissions of vmpl: enum rmp_permission bits, and whether the page is a VMSA. */
MUST_CHECK enum rmp_result rmp_adjust(gpa_t page, enum rmp_page_size size, unsigned vmpl,
                                      uint8_t permissions, bool vmsa);

#endif
