/* SPDX-License-Identifier: MIT */
/*
 * SNP evidence as Trustee's clients send it: the report as a JSON object, in the form that the
 * Rust library virtee/sev gives it, and certificates as a list.
 */
#ifndef SNPVTPM_KBS_PROTOCOL_SNP_JSON_H
#define SNPVTPM_KBS_PROTOCOL_SNP_JSON_H

#include <stdbool.h>

#include <jansson.h>

#include "kbs/evidence/certificates.h"
#include "kbs/evidence/chain_cache.h"
#include "lib/base/must_check.h"
#include "lib/snp/report.h"

#define SNP_JSON_CERTIFICATES_MAX     8
#define SNP_JSON_CERTIFICATE_SIZE_MAX 8192 /* bytes */

/*
 * Writes the report's bytes again from its members, reserved fields being zero: what the chip
 * signed, if it was the report of a chip. False when a member is missing or out of its range. A
 * string instead of an object is the base64 of the bytes themselves.
 */
MUST_CHECK bool snp_json_report(const json_t *json, struct snp_report *report);

/* The certificates of a "cert_chain", which may be null; entries of other kinds are passed over.
 * known has some that need no parsing, and may be NULL. False when it is malformed; *out is then
 * empty. */
MUST_CHECK bool snp_json_certificates(const json_t *json, struct chain_cache *known,
                                      struct certificates *out);

#endif
