/* SPDX-License-Identifier: MIT */
/*
 * The certificates of an emulated chip: AMD's shape (names' order, signature algorithm, extensions;
 * VCEK specification 57230), under names that say they are not AMD's.
 *
 * There is no CRL distribution point, because nobody publishes a CRL of an emulated chip.
 * Each function returns a new certificate that the caller frees, or NULL when libcrypto fails.
 */
#ifndef SNPVTPM_EMULATOR_AMD_SP_CHIP_CERTIFICATES_H
#define SNPVTPM_EMULATOR_AMD_SP_CHIP_CERTIFICATES_H

#include <stdint.h>

#include <openssl/x509.h>

#include "lib/base/must_check.h"
#include "lib/snp/report.h"

/* The root: self-signed, valid for 25 years. key is an RSA-4096 pair. */
MUST_CHECK X509 *chip_certificates_ark(EVP_PKEY *key);

/* The intermediate CA, signed by the ARK, valid for 25 years. key is an RSA-4096 pair. */
MUST_CHECK X509 *chip_certificates_ask(EVP_PKEY *key, X509 *ark, EVP_PKEY *ark_key);

/* The chip's certificate, signed by the ASK, valid for 7 years. key is a P-384 pair. */
MUST_CHECK X509 *chip_certificates_vcek(EVP_PKEY *key, X509 *ask, EVP_PKEY *ask_key,
                                        const uint8_t chip_id[CHIP_ID_SIZE], uint64_t tcb);

#endif
