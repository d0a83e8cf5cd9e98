/* SPDX-License-Identifier: MIT */
/* Memory and string functions of a kernel without a C library. */
#ifndef SNPVTPM_LIB_FREESTANDING_STRING_H
#define SNPVTPM_LIB_FREESTANDING_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *left, const void *right, size_t size);
size_t strlen(const char *text);

/* Zeroes a secret; the compiler never drops it. */
void wipe(void *secret, size_t size);

/* Zeroes memory fast; size in bytes, a multiple of 64. */
void zero_pages(void *pages, size_t size);

#endif
