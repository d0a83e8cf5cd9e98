/* SPDX-License-Identifier: MIT */
/*
 * Strict base64 (RFC 4648 sections 4 and 5), in the two variants of the attestation protocols.
 *
 * Decoding accepts only what encoding produces: no white space, no missing or superfluous padding,
 * no stray bits in the last digit.
 */
#ifndef SNPVTPM_LIB_JOSE_BASE64_H
#define SNPVTPM_LIB_JOSE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/must_check.h"

enum base64_variant {
    BASE64_STANDARD, /* "+/", padded: SVSM protocol, KBS nonce */
    BASE64_URL,      /* "-_", never padded: JOSE */
};

/* Characters, without the NUL, that size bytes need at most. */
#define BASE64_LENGTH(size) (((size) + 2) / 3 * 4)

/*
 * Writes the text of size bytes and a NUL to text, which has room for BASE64_LENGTH(size) + 1.
 * Returns the length without the NUL.
 */
size_t base64_encode(enum base64_variant variant, const void *bytes, size_t size, char *text);

/*
 * Decodes length characters to at most room bytes of out and tells how many in *size.
 * False: the text is not canonical base64 or does not fit; out then holds nothing of use.
 */
MUST_CHECK bool base64_decode(enum base64_variant variant, const char *text, size_t length,
                              void *out, size_t room, size_t *size);

/* As base64_decode, for a text that must hold exactly size bytes. */
MUST_CHECK bool base64_decode_exact(enum base64_variant variant, const char *text, size_t length,
                                    void *out, size_t size);

#endif
