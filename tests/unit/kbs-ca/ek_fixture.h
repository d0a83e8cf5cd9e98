/* SPDX-License-Identifier: MIT */
/* Endorsement keys for tests, as a TPM would tell them. */
#ifndef SNPVTPM_TESTS_UNIT_KBS_CA_EK_FIXTURE_H
#define SNPVTPM_TESTS_UNIT_KBS_CA_EK_FIXTURE_H

#include <openssl/types.h>

#include "lib/ek/keys.h"

/* Keys that this makes; the pairs are to be freed. */
struct ek_pairs {
    EVP_PKEY *pairs[EK_KINDS];
    struct ek_keys keys;
};

void ek_pairs_make(struct ek_pairs *pairs);
void ek_pairs_free(struct ek_pairs *pairs);

#endif
