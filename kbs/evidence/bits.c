/* SPDX-License-Identifier: MIT */
#include "kbs/evidence/bits.h"

#include <stdio.h>

const struct bit_names policy_bits = {
    .count = 7,
    .bits = {{"SMT", 16},
             {"SINGLE_SOCKET", 20},
             {"CXL_ALLOW", 21},
             {"MEM_AES_256_XTS", 22},
             {"RAPL_DIS", 23},
             {"CIPHERTEXT_HIDING", 24},
             {"PAGE_SWAP_DISABLE", 25}},
};

const struct bit_names platform_info_bits = {
    .count = 7,
    .bits = {{"SMT_EN", 0},
             {"TSME_EN", 1},
             {"ECC_EN", 2},
             {"RAPL_DIS", 3},
             {"CIPHERTEXT_HIDING_EN", 4},
             {"ALIAS_CHECK_COMPLETE", 5},
             {"TIO_EN", 7}},
};

static const char *name_of(const struct bit_names *names, unsigned bit)
{
    for (size_t i = 0; names && i < names->count; i++)
        if (names->bits[i].bit == bit)
            return names->bits[i].name;
    return NULL;
}

const char *bits_text(const struct bit_names *names, uint64_t bits, char text[BITS_TEXT_MAX])
{
    size_t used = 0;

    text[0] = '\0';
    for (unsigned bit = 0; bit < 64 && used < BITS_TEXT_MAX; bit++) {
        const char *name = name_of(names, bit), *comma = used > 0 ? ", " : "";
        int length;

        if (!(bits >> bit & 1))
            continue;
        if (name)
            length = snprintf(text + used, BITS_TEXT_MAX - used, "%s%s", comma, name);
        else
            length = snprintf(text + used, BITS_TEXT_MAX - used, "%sbit %u", comma, bit);
        used += (size_t)length;
    }
    return text;
}
