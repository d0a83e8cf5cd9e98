/* SPDX-License-Identifier: MIT */
/*
 * The KBS's challenge when it can sign release records (docs/release-records.md): 58 bytes that
 * older clients take for any challenge.
 *
 *   "SVSMKBS1" || minor u8 || capabilities u8 || kid[16] || random[32]
 */
#ifndef SNPVTPM_LIB_RELEASE_ADVERT_H
#define SNPVTPM_LIB_RELEASE_ADVERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/must_check.h"

#define RELEASE_ADVERT_SIZE   58
#define RELEASE_RANDOM_SIZE   32
#define RELEASE_KID_SIZE      16   /* first bytes of SHA-384 of the DER SubjectPublicKeyInfo */
#define RELEASE_CAP_SIGNED    0x01 /* signs release records */
#define RELEASE_CHALLENGE_MAX 1024 /* bytes of a challenge with a request behind the advert */

struct release_advert {
    uint8_t minor, capabilities;
    uint8_t kid[RELEASE_KID_SIZE];
    uint8_t random[RELEASE_RANDOM_SIZE];
};

void release_advert_write(const struct release_advert *advert, uint8_t out[RELEASE_ADVERT_SIZE]);

/* Whether the first RELEASE_ADVERT_SIZE of size bytes are an advert. */
MUST_CHECK bool release_advert_parse(const uint8_t *bytes, size_t size,
                                     struct release_advert *advert);

#endif
