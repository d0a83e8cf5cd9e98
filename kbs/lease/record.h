/* SPDX-License-Identifier: MIT */
/* How the store keeps a lease's record: bytes of one size, which begin with their format. */
#ifndef SNPVTPM_KBS_LEASE_RECORD_H
#define SNPVTPM_KBS_LEASE_RECORD_H

#include <stddef.h>

#include "kbs/lease/lease.h"

#define LEASE_RECORD_SIZE 310

void lease_record_encode(const struct lease_record *record, uint8_t out[LEASE_RECORD_SIZE]);

/* False when it is none, or of another format; *record is then empty. key_version is not part of
 * it, as the volume has it. */
MUST_CHECK bool lease_record_decode(const uint8_t *bytes, size_t size, struct lease_record *record);

#endif
