/* SPDX-License-Identifier: MIT */
/* Keys of P-384 and pins. Private to lib/release. */
#ifndef SNPVTPM_LIB_RELEASE_PIN_H
#define SNPVTPM_LIB_RELEASE_PIN_H

#include "lib/release/record.h"

MUST_CHECK bool release_is_p384(const EVP_PKEY *key);

/* The public key of a pin; NULL when its point is not on the curve. */
MUST_CHECK EVP_PKEY *release_pin_key(const struct release_pin *pin);

#endif
