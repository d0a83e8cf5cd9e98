/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "lib/release/pin.h"

#define UNCOMPRESSED 4

bool release_is_p384(const EVP_PKEY *key)
{
    char group[32];

    return key && EVP_PKEY_is_a(key, "EC") &&
           EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
           strcmp(group, "secp384r1") == 0;
}

bool release_pin_of(const EVP_PKEY *key, struct release_pin *pin)
{
    uint8_t digest[SHA384_DIGEST_LENGTH], point[1 + sizeof(pin->point)], *der = NULL;
    size_t point_size = 0;
    int size;
    bool known;

    if (!release_is_p384(key))
        return false;
    size = i2d_PUBKEY(key, &der);
    known = size > 0 && SHA384(der, (size_t)size, digest) &&
            EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point),
                                            &point_size) == 1 &&
            point_size == sizeof(point) && point[0] == UNCOMPRESSED;
    if (known) {
        memcpy(pin->kid, digest, sizeof(pin->kid));
        memcpy(pin->point, point + 1, sizeof(pin->point));
    }
    OPENSSL_free(der);
    return known;
}

EVP_PKEY *release_pin_key(const struct release_pin *pin)
{
    static char group[] = "P-384";
    uint8_t point[1 + sizeof(pin->point)] = {UNCOMPRESSED};
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;

    memcpy(point + 1, pin->point, sizeof(pin->point));
    if (context && EVP_PKEY_fromdata_init(context) == 1 &&
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(context);
    return key;
}
