/* SPDX-License-Identifier: MIT */
/*
 * For C libraries before glibc 2.38: since then a program that uses strtoul() refers to it by
 * another name, under which 0b is a prefix, too. libtpms reads numbers of profiles with it, which
 * are ours.
 */
#include <stdlib.h>

unsigned long strtoul_of_c23(const char *text, char **end, int base) __asm__("__isoc23_strtoul");

unsigned long strtoul_of_c23(const char *text, char **end, int base)
{
    return strtoul(text, end, base);
}
