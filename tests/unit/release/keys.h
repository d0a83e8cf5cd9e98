/* SPDX-License-Identifier: MIT */
/* Keys and a record for the tests of release records. */
#ifndef SNPVTPM_TESTS_UNIT_RELEASE_KEYS_H
#define SNPVTPM_TESTS_UNIT_RELEASE_KEYS_H

#include "lib/jose/jwe_ecdh.h"
#include "lib/release/record.h"

/* The key of TV3 that signs; the caller frees it. */
EVP_PKEY *tv3_signing_key(void);
struct release_pin tv3_pin(void);

/* TV1's, and so TV3's, key of the SVSM and encryption but for the content key. */
EVP_PKEY *tv1_svsm_key(void);
struct jwe_fresh tv1_fresh(void);

/* The signed record of TV3. Returns its size. */
size_t tv3_record(uint8_t record[RELEASE_RECORD_MAX]);

/* Signs anything as if it were a record: body || signature to out. Returns the size of both. */
size_t sign_as_record(EVP_PKEY *key, const char *domain, size_t domain_size, const uint8_t *body,
                      size_t size, uint8_t *out);

#endif
