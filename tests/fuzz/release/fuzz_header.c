/* SPDX-License-Identifier: MIT */
/* The input is what follows "epk" in a protected header that begins as it has to. */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "lib/jose/base64.h"
#include "lib/jose/jwe_ecdh.h"
#include "lib/release/record.h"

/* A JWE without a record, and its header but for the final brace. */
static struct jwe jwe;
static char header[JWE_PROTECTED_MAX];
static size_t start;

static void make_header(void)
{
    EVP_PKEY *own = p521_generate();
    struct p521_point to;

    if (!own || !p521_point_of(own, &to) || jwe_encrypt(&to, "s", 1, &jwe) != JWE_OK ||
        !base64_decode(BASE64_URL, jwe.protected, strlen(jwe.protected), header, sizeof(header),
                       &start))
        abort();
    start--;
    EVP_PKEY_free(own);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t record[RELEASE_RECORD_MAX];
    size_t record_size;

    if (start == 0)
        make_header();
    if (BASE64_LENGTH(start + size) > JWE_PROTECTED_MAX)
        return 0;
    memcpy(header + start, data, size);
    base64_encode(BASE64_URL, header, start + size, jwe.protected);
    if (jwe_release_member(&jwe, record, sizeof(record), &record_size) &&
        (record_size > sizeof(record) || (record_size > 0 && !jwe_header_is_canonical(&jwe))))
        abort();
    return 0;
}
