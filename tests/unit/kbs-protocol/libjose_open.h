/* SPDX-License-Identifier: MIT */
/* Opens what jwe_seal makes, with libjose, which shares no code with it. */
#ifndef SNPVTPM_TESTS_UNIT_KBS_PROTOCOL_LIBJOSE_OPEN_H
#define SNPVTPM_TESTS_UNIT_KBS_PROTOCOL_LIBJOSE_OPEN_H

#include <jansson.h>
#include <stddef.h>

/* The content of the JWE for that key pair, of *size bytes, the caller's to free; NULL when it does
 * not open. */
char *libjose_open(const json_t *pair, const json_t *jwe, size_t *size);

#endif
