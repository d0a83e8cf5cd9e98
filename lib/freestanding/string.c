/* SPDX-License-Identifier: MIT */
/* The four functions that a freestanding compiler may call, and wiping. */
#include "lib/freestanding/string.h"

#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    void *start = to;
    size_t words = size / 8;
    size_t rest = size % 8;

    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(rest) : : "memory");
    return start;
}

void *memmove(void *to, const void *from, size_t size)
{
    uint8_t *t = to;
    const uint8_t *f = from;

    if (t <= f || t >= f + size)
        return memcpy(to, from, size);
    while (size-- > 0) {
        t[size] = f[size];
        __asm__ volatile("" ::: "memory"); /* no loop that the compiler turns into memmove */
    }
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    void *start = to;
    uint64_t pattern = 0x0101010101010101ull * (uint8_t)byte;
    size_t words = size / 8;
    size_t rest = size % 8;

    __asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(rest) : "a"(pattern) : "memory");
    return start;
}

int memcmp(const void *left, const void *right, size_t size)
{
    const uint8_t *l = left;
    const uint8_t *r = right;

    for (size_t i = 0; i < size; i++) {
        if (l[i] != r[i])
            return l[i] < r[i] ? -1 : 1;
    }
    return 0;
}

size_t strlen(const char *text)
{
    size_t length = 0;

    while (text[length] != '\0') {
        length++;
        __asm__ volatile("" ::: "memory");
    }
    return length;
}

void wipe(void *secret, size_t size)
{
    memset(secret, 0, size);
    __asm__ volatile("" : : "r"(secret) : "memory");
}

/* Unrolled plain stores: under an emulator several times faster than rep stosq. */
void zero_pages(void *pages, size_t size)
{
    uint64_t *word = pages;
    uint64_t *end = word + size / 8;

    for (; word < end; word += 8) {
        __asm__ volatile("movq $0, (%0)\n\t"
                         "movq $0, 8(%0)\n\t"
                         "movq $0, 16(%0)\n\t"
                         "movq $0, 24(%0)\n\t"
                         "movq $0, 32(%0)\n\t"
                         "movq $0, 40(%0)\n\t"
                         "movq $0, 48(%0)\n\t"
                         "movq $0, 56(%0)"
                         :
                         : "r"(word)
                         : "memory");
    }
}
