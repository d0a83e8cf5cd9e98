/* SPDX-License-Identifier: MIT */
#ifndef SNPVTPM_IGVM_HEX_H
#define SNPVTPM_IGVM_HEX_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Prints two lowercase hex digits for each byte. */
static inline void print_hex(FILE *stream, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        fprintf(stream, "%02x", bytes[i]);
}

#endif
