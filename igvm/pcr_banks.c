/* SPDX-License-Identifier: MIT */
#include "igvm/pcr_banks.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    const char *name;
    uint32_t bank;
} NAMES[] = {
    {"sha1", BOOT_PCR_BANK_SHA1},
    {"sha256", BOOT_PCR_BANK_SHA256},
    {"sha384", BOOT_PCR_BANK_SHA384},
    {"sha512", BOOT_PCR_BANK_SHA512},
};

/* The bank of that name, or 0. */
static uint32_t bank_named(const char *name, size_t length)
{
    for (size_t i = 0; i < COUNT(NAMES); i++) {
        if (strlen(NAMES[i].name) == length && memcmp(NAMES[i].name, name, length) == 0)
            return NAMES[i].bank;
    }
    return 0;
}

enum tool_status pcr_banks_option(const char *list, uint32_t *banks)
{
    *banks = 0;
    if (strcmp(list, "as-found") == 0)
        return TOOL_OK;
    for (const char *name = list;; name++) {
        size_t length = strcspn(name, ",");
        uint32_t bank = bank_named(name, length);

        if (bank == 0)
            return complain(TOOL_USAGE,
                            "--pcr-banks %s: a list of sha1, sha256, sha384 and sha512, such as "
                            "sha256,sha384, or as-found",
                            list);
        *banks |= bank;
        name += length;
        if (*name == '\0')
            return TOOL_OK;
    }
}

void pcr_banks_print(FILE *out, uint32_t banks)
{
    const char *between = "";

    for (size_t i = 0; i < COUNT(NAMES); i++) {
        if (banks & NAMES[i].bank) {
            fprintf(out, "%s%s", between, NAMES[i].name);
            between = ", ";
        }
    }
}
