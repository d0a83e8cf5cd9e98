/* SPDX-License-Identifier: MIT */
/* JSON from strangers, bounded before jansson sees it: its parser recurses, and allocates for each
 * value. */
#ifndef SNPVTPM_LIB_JOSE_STRICT_JSON_H
#define SNPVTPM_LIB_JOSE_STRICT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "lib/base/must_check.h"
#include "lib/jose/base64.h"
#include "lib/jose/json_memory.h"

#define STRICT_JSON_DEPTH_MAX  16
#define STRICT_JSON_VALUES_MAX 20000 /* a report and its certificates, a number for each byte */

/* The object that size bytes of text are. NULL when it is none, has a member twice, is nested
 * deeper or has more values than the bounds above. The caller releases it. */
MUST_CHECK json_t *strict_json_load(const void *text, size_t size);

/* Why a text was not loaded. */
struct strict_json_problem {
    bool excessive; /* it is over a bound, rather than no such JSON */
    char text[96];  /* in words, without a full stop */
};

/* The same, for who tells the sender what is wrong. */
MUST_CHECK json_t *strict_json_load_or_say(const void *text, size_t size,
                                           struct strict_json_problem *problem);

/* The same in memory of its own, which the caller frees in any case. */
MUST_CHECK json_t *strict_json_load_region(struct json_region *region, const void *text,
                                           size_t size);

/* Whether value is the string expected. */
MUST_CHECK bool strict_json_is(const json_t *value, const char *expected);

/* Decodes a string of base64 to at most room bytes and tells how many in *size. */
MUST_CHECK bool strict_json_decode(enum base64_variant variant, const json_t *value, void *out,
                                   size_t room, size_t *size);

/* Decodes a string of base64 to new memory, which the caller frees; *out is NULL on failure. */
MUST_CHECK bool strict_json_decode_new(enum base64_variant variant, const json_t *value,
                                       uint8_t **out, size_t *size);

/* Fills size bytes from an array of as many numbers below 256. */
MUST_CHECK bool strict_json_bytes(const json_t *array, void *out, size_t size);

/* size bytes as base64; NULL without memory. */
json_t *strict_json_encode(enum base64_variant variant, const void *bytes, size_t size);

#endif
