/* SPDX-License-Identifier: MIT */
/* Tokens: first as they are, then with the input as claims of a token that verifies. Nothing but
 * what this program signed may verify. */
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>

#include "lib/jose/jwt.h"
#include "lib/jose/strict_json.h"

static EVP_PKEY *key;

static EVP_PKEY *find(void *context, const char *kid)
{
    (void)context;
    return strcmp(kid, "one") == 0 && EVP_PKEY_up_ref(key) == 1 ? key : NULL;
}

static void check_signed(const json_t *claims)
{
    char *token = jwt_sign(key, "one", claims);
    json_t *again;

    if (!token)
        return; /* too long */
    if (jwt_verify(token, strlen(token), find, NULL, &again) != JWT_OK ||
        !json_equal(again, (json_t *)claims))
        abort();
    json_decref(again);
    free(token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *claims;

    if (!key)
        key = EVP_EC_gen("P-256");
    if (jwt_verify((const char *)data, size, find, NULL, &claims) == JWT_OK)
        abort();
    claims = strict_json_load(data, size);
    if (claims)
        check_signed(claims);
    json_decref(claims);
    return 0;
}
