/* SPDX-License-Identifier: MIT */
/* Keys that may sign release records, as an image pins them. */
#ifndef SNPVTPM_LIB_RELEASE_PIN_H
#define SNPVTPM_LIB_RELEASE_PIN_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/types.h>

#include "lib/base/must_check.h"
#include "lib/release/advert.h"

/* X and Y of P-384, big-endian. */
struct release_pin {
    uint8_t kid[RELEASE_KID_SIZE];
    uint8_t point[96];
};

MUST_CHECK bool release_is_p384(const EVP_PKEY *key);

/* The pin of a P-384 public key; false for keys of other kinds. */
MUST_CHECK bool release_pin_of(const EVP_PKEY *key, struct release_pin *pin);

enum release_key_status {
    RELEASE_KEY_OK,
    RELEASE_KEY_UNREADABLE, /* errno says why */
    RELEASE_KEY_NONE,       /* neither a public key nor a certificate in PEM */
    RELEASE_KEY_OTHER_KIND, /* not on P-384 */
};

/* The pin of the key in a PEM file: a public key, or a certificate of one. */
MUST_CHECK enum release_key_status release_pin_read(const char *path, struct release_pin *pin);

/* The status as the predicate of a sentence about the file, without a full stop. */
const char *release_key_text(enum release_key_status status);

/* The public key of a pin; NULL when its point is not on the curve. */
MUST_CHECK EVP_PKEY *release_pin_key(const struct release_pin *pin);

#endif
