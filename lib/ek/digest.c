/* SPDX-License-Identifier: MIT */
#include "lib/ek/digest.h"

#include <openssl/sha.h>

#include "lib/ek/template.h"

bool ek_keys_digest(const struct ek_keys *keys, uint8_t digest[EK_DIGEST_SIZE])
{
    uint8_t bytes[EK_PUBLIC_MAX];
    struct writer w = writer_over(bytes, sizeof(bytes));

    return ek_public_write(&w, EK_RSA_2048, keys) && SHA384(bytes, w.used, digest);
}
