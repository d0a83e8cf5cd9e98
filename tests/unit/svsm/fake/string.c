/* SPDX-License-Identifier: MIT */
/* What the kernel's string functions have and the host's do not. */
#include "lib/freestanding/string.h"

void wipe(void *secret, size_t size)
{
    memset(secret, 0, size);
    __asm__ volatile("" : : "r"(secret) : "memory");
}

void zero_pages(void *pages, size_t size)
{
    memset(pages, 0, size);
}
