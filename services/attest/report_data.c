/* SPDX-License-Identifier: MIT */
#include "services/attest/report_data.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdbool.h>

static_assert(sizeof(struct p521_point) == 2 * P521_COORDINATE_SIZE, "x and y adjoin");

static enum attest_error sha512_of_both(const void *first, size_t first_size, const void *second,
                                        size_t second_size, uint8_t digest[REPORT_DATA_SIZE])
{
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    bool hashed = hash && EVP_DigestInit_ex2(hash, EVP_sha512(), NULL) == 1 &&
                  EVP_DigestUpdate(hash, first, first_size) == 1 &&
                  EVP_DigestUpdate(hash, second, second_size) == 1 &&
                  EVP_DigestFinal_ex(hash, digest, NULL) == 1;

    EVP_MD_CTX_free(hash);
    return hashed ? ATTEST_OK : ATTEST_ERR_INTERNAL;
}

enum attest_error report_data_for_key(const struct p521_point *own,
                                      const struct challenge *challenge,
                                      uint8_t report_data[REPORT_DATA_SIZE])
{
    return sha512_of_both(own, sizeof(*own), challenge->bytes, challenge->size, report_data);
}

enum attest_error report_data_for_manifest(const uint8_t nonce[REPORT_NONCE_SIZE],
                                           const uint8_t *manifest, size_t manifest_size,
                                           uint8_t report_data[REPORT_DATA_SIZE])
{
    return sha512_of_both(nonce, REPORT_NONCE_SIZE, manifest, manifest_size, report_data);
}
