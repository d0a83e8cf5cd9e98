/* SPDX-License-Identifier: MIT */
/* The times in certificates and CRLs. */
#ifndef SNPVTPM_KBS_EVIDENCE_ASN1_TIME_H
#define SNPVTPM_KBS_EVIDENCE_ASN1_TIME_H

#include <stdbool.h>
#include <time.h>

#include <openssl/types.h>

#include "lib/base/must_check.h"

/* Something holds from one time on and until before another. */
struct validity {
    time_t from, until;
};

/* False when either is absent or malformed. */
MUST_CHECK bool validity_parse(const ASN1_TIME *from, const ASN1_TIME *until,
                               struct validity *validity);

MUST_CHECK bool validity_includes(const struct validity *validity, time_t now);

/* Makes it hold only while other does too. */
void validity_narrow(struct validity *validity, const struct validity *other);

#define VALIDITY_TEXT_MAX 64

/* "2023-04-03 to 2030-04-03", for people. */
const char *validity_text(const struct validity *validity, char text[VALIDITY_TEXT_MAX]);

#endif
