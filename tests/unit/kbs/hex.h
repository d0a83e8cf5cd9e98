/* SPDX-License-Identifier: MIT */
/* Hexadecimal test vectors to bytes. */
#ifndef SNPVTPM_TESTS_UNIT_KBS_HEX_H
#define SNPVTPM_TESTS_UNIT_KBS_HEX_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <openssl/crypto.h>

/* Fills exactly size bytes; the vector must hold as many. */
static inline void bytes_of_hex(const char *hex, void *out, size_t size)
{
    size_t got = 0;
    int done = OPENSSL_hexstr2buf_ex(out, size, &got, hex, '\0');

    assert(done == 1 && got == size);
    (void)done;
}

#endif
