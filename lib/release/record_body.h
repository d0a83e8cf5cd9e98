/* SPDX-License-Identifier: MIT */
/* What is signed in a release record. Private to lib/release and its tests: believe no body whose
 * signature release_record_open() has not verified. */
#ifndef SNPVTPM_LIB_RELEASE_RECORD_BODY_H
#define SNPVTPM_LIB_RELEASE_RECORD_BODY_H

#include "lib/release/record.h"

/* Parses "SVXR", size and TLVs, which must be all there is; false leaves *record all zeros. */
MUST_CHECK bool release_body_parse(const uint8_t *bytes, size_t size,
                                   struct release_record *record);

#endif
