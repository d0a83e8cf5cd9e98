/* SPDX-License-Identifier: MIT */
/* JWKs. What is parsed and written again is parsed the same; to what is a key can be encrypted. */
#include <stdlib.h>
#include <string.h>

#include "lib/jose/jwe_seal.h"
#include "lib/jose/strict_json.h"

static bool is_equal(const struct jwk *one, const struct jwk *two)
{
    return one->kind == two->kind && one->first_size == two->first_size &&
           one->second_size == two->second_size &&
           memcmp(one->first, two->first, sizeof(one->first)) == 0 &&
           memcmp(one->second, two->second, sizeof(one->second)) == 0;
}

static void check(const struct jwk *key)
{
    json_t *json = jwk_to_json(key), *jwe;
    struct jwk again;

    if (!json || jwk_parse(json, &again) != JWK_OK || !is_equal(&again, key))
        abort();
    json_decref(json);
    if (key->kind == JWK_RSA || !jwk_is_key(key))
        return;
    jwe = jwe_seal(key, "secret", 6);
    if (!jwe)
        abort();
    json_decref(jwe);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *json = strict_json_load(data, size);
    struct jwk key;

    if (json && jwk_parse(json, &key) == JWK_OK)
        check(&key);
    json_decref(json);
    return 0;
}
