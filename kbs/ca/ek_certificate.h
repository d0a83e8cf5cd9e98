/* SPDX-License-Identifier: MIT */
/*
 * Certificates of endorsement keys, by the TCG EK Credential Profile 2.5: which volume's TPM has
 * the key, and which KBS says so (docs/ek-certificates.md).
 */
#ifndef SNPVTPM_KBS_CA_EK_CERTIFICATE_H
#define SNPVTPM_KBS_CA_EK_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <openssl/types.h>

#include "lib/base/must_check.h"
#include "lib/ek/keys.h"
#include "lib/snp/report.h"

/* A certificate authority: its key and its own certificate. */
struct authority {
    EVP_PKEY *key;
    X509 *certificate;
};

/* Whose keys they are. */
struct ek_owner {
    const uint8_t *volume_id; /* 16 bytes */
    const char *volume_name;
};

/* Whether these can be endorsement keys: an odd modulus of 2048 bits, points on their curves. */
MUST_CHECK bool ek_keys_are_sound(const struct ek_keys *keys);

/*
 * A certificate for the key of that kind, which is to be freed; NULL when it is none, without
 * memory or without randomness. It lasts as long as the authority's own.
 */
MUST_CHECK X509 *ek_certificate_issue(const struct authority *authority, const struct ek_keys *keys,
                                      enum ek_kind kind, const struct ek_owner *owner, time_t now);

#endif
