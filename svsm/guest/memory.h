/* SPDX-License-Identifier: MIT */
/*
 * Access to the guest's memory, which the host can take away at any instant: each access may fail,
 * none can bring the kernel down. Callers check addresses with guest_range_ok() first.
 */
#ifndef SVSM_GUEST_MEMORY_H
#define SVSM_GUEST_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "svsm/base/status.h"
#include "svsm/mm/address.h"

MUST_CHECK enum status guest_read(void *to, gpa_t from, size_t size);
MUST_CHECK enum status guest_write(gpa_t to, const void *from, size_t size);

/* Atomically replaces a byte. */
MUST_CHECK enum status guest_exchange_byte(gpa_t at, uint8_t value, uint8_t *old);

#endif
