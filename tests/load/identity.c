/* SPDX-License-Identifier: MIT */
#include "tests/load/identity.h"

#include <stdio.h>

#include <openssl/sha.h>

bool identity_make(unsigned number, struct identity *identity)
{
    char image[32], secret[32];
    size_t image_size = (size_t)snprintf(image, sizeof(image), "load image %u", number);
    size_t secret_size = (size_t)snprintf(secret, sizeof(secret), "load secret %u", number);

    identity->number = number;
    return SHA384((const uint8_t *)image, image_size, identity->measurement) &&
           SHA512((const uint8_t *)secret, secret_size, identity->secret);
}
