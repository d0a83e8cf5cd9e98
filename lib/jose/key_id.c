/* SPDX-License-Identifier: MIT */
#include "lib/jose/key_id.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

bool key_id_of(const EVP_PKEY *key, uint8_t id[SIGNING_KEY_ID_SIZE])
{
    uint8_t digest[SHA384_DIGEST_LENGTH], *der = NULL;
    int size = i2d_PUBKEY(key, &der);
    bool known = size > 0 && SHA384(der, (size_t)size, digest);

    if (known)
        memcpy(id, digest, SIGNING_KEY_ID_SIZE);
    OPENSSL_free(der);
    return known;
}
