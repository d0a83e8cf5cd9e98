/* SPDX-License-Identifier: MIT */
/* The digest by which a TPM is named in requests, records and manifests. */
#ifndef SNPVTPM_LIB_EK_DIGEST_H
#define SNPVTPM_LIB_EK_DIGEST_H

#include <stdbool.h>

#include "lib/base/must_check.h"
#include "lib/ek/keys.h"

/* SHA-384 of the RSA key's TPMT_PUBLIC. False when OpenSSL fails. */
MUST_CHECK bool ek_keys_digest(const struct ek_keys *keys, uint8_t digest[EK_DIGEST_SIZE]);

#endif
