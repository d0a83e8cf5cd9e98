/* SPDX-License-Identifier: MIT */
/* The bits that a report's POLICY and PLATFORM_INFO have, as AMD names them (56860). */
#ifndef SNPVTPM_KBS_EVIDENCE_BITS_H
#define SNPVTPM_KBS_EVIDENCE_BITS_H

#include <stddef.h>
#include <stdint.h>

struct bit_names {
    size_t count;
    struct {
        const char *name;
        unsigned bit;
    } bits[16];
};

/* Those that requirements can name. POLICY's DEBUG and MIGRATE_MA have requirements of their own.
 */
extern const struct bit_names policy_bits, platform_info_bits;

#define BITS_TEXT_MAX 192

/* "SMT, CXL_ALLOW" for a detail; a bit without a name is "bit 40". names may be NULL. */
const char *bits_text(const struct bit_names *names, uint64_t bits, char text[BITS_TEXT_MAX]);

#endif
