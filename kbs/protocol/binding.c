/* SPDX-License-Identifier: MIT */
#include "kbs/protocol/binding.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/sha.h>

static bool bind_coconut(const struct attest_request *request,
                         uint8_t report_data[REPORT_DATA_SIZE])
{
    uint8_t bound[2 * P521_COORDINATE_SIZE + RELEASE_CHALLENGE_MAX];
    struct p521_point key = jwk_p521_point(&request->key);

    static_assert(sizeof(key) == 2 * P521_COORDINATE_SIZE, "no padding");
    memcpy(bound, &key, sizeof(key));
    memcpy(bound + sizeof(key), request->nonce, request->nonce_size);
    return SHA512(bound, sizeof(key) + request->nonce_size, report_data) != NULL;
}

/* All strings in it are of base64, or constants: so sorting is all that makes it canonical. */
static bool bind_coco(const struct attest_request *request, uint8_t report_data[REPORT_DATA_SIZE])
{
    json_t *bound =
        json_pack("{s:s, s:s, s:o}", "additional-evidence", request->additional_evidence, "nonce",
                  request->nonce_text, "tee-pubkey", jwk_to_json(&request->key));
    char *text = bound ? json_dumps(bound, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    bool done;

    memset(report_data, 0, REPORT_DATA_SIZE);
    done = text && SHA384((const uint8_t *)text, strlen(text), report_data);
    free(text);
    json_decref(bound);
    return done;
}

bool binding_report_data(const struct attest_request *request,
                         uint8_t report_data[REPORT_DATA_SIZE])
{
    return request->form == ATTEST_FORM_COCONUT ? bind_coconut(request, report_data)
                                                : bind_coco(request, report_data);
}
