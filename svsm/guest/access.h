/* SPDX-License-Identifier: MIT */
/*
 * The guest's memory, checked and copied in one step. Between a check and an access another vCPU
 * can have the page made a VMSA, or a calling area: so both happen under the guest's lock.
 */
#ifndef SNPVTPM_SVSM_GUEST_ACCESS_H
#define SNPVTPM_SVSM_GUEST_ACCESS_H

#include "svsm/base/status.h"
#include "svsm/guest/ranges.h"

/* Whether a range may be read and written now; for errors that come early, never instead of what
 * follows. */
MUST_CHECK bool guest_owns(struct guest_ranges *guest, gpa_t start, uint64_t size);

/* STATUS_OUT_OF_RANGE when it is not the guest's to name, STATUS_FAULT when it is not there. */
MUST_CHECK enum status guest_read(struct guest_ranges *guest, void *to, gpa_t from, size_t size);
MUST_CHECK enum status guest_write(struct guest_ranges *guest, gpa_t to, const void *from,
                                   size_t size);

#endif
