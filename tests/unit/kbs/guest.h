/* SPDX-License-Identifier: MIT */
/* The SVSM's side of the KBS protocol, for tests: its key, its evidence, and what it decrypts. */
#ifndef SNPVTPM_TESTS_UNIT_KBS_GUEST_H
#define SNPVTPM_TESTS_UNIT_KBS_GUEST_H

#include <jansson.h>

#include "kbs/store/volumes.h"
#include "tests/unit/kbs/chip.h"

struct guest {
    const struct chip *chip;
    EVP_PKEY *key;
    struct p521_point point;
};

void guest_start(struct guest *guest, const struct chip *chip);
void guest_stop(struct guest *guest);

/* A signed report that binds the guest's key and nonce. */
struct snp_report guest_report(const struct guest *guest, const uint8_t *nonce, size_t size);

/* The body of /attest for the base64 nonce; table as of chip_table, may be NULL. */
json_t *guest_attestation(const struct guest *guest, const char *nonce,
                          const struct snp_report *report, const uint8_t *table, size_t size);

/* Decrypts a flattened JWE; false when it is not for this guest. */
bool guest_open(const struct guest *guest, const json_t *jwe, uint8_t secret[STATE_KEY_SIZE]);

#endif
