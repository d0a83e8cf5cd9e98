/* SPDX-License-Identifier: MIT */
/* Whatever decodes must be exactly what encoding gives back. */
#include <stdlib.h>
#include <string.h>

#include "lib/jose/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(enum base64_variant variant, const char *text, size_t length)
{
    uint8_t *bytes = malloc(length + 1);
    char *again = malloc(BASE64_LENGTH(length) + 1);
    size_t size;

    if (base64_decode(variant, text, length, bytes, length, &size) &&
        (base64_encode(variant, bytes, size, again) != length || memcmp(again, text, length) != 0))
        abort();
    free(again);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    round_trip(BASE64_STANDARD, (const char *)data, size);
    round_trip(BASE64_URL, (const char *)data, size);
    return 0;
}
