/* SPDX-License-Identifier: MIT */
/* Attestation reports as the clients of Trustee write them: an object with a number for each
 * byte. */
#ifndef SNPVTPM_TESTS_UNIT_KBS_REPORT_JSON_H
#define SNPVTPM_TESTS_UNIT_KBS_REPORT_JSON_H

#include <jansson.h>

#include "lib/snp/report.h"

/* Of a report of version 3 or 4; NULL without memory. */
json_t *report_json(const struct snp_report *report);

/* Bytes as Trustee's clients write them: an array of numbers; NULL without memory. */
json_t *report_json_bytes(const uint8_t *bytes, size_t size);

#endif
