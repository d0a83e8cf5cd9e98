/* SPDX-License-Identifier: MIT */
#include "services/attest/ek_request.h"

#include <openssl/sha.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/ek/template.h"

static_assert(RELEASE_EK_KEYS_SIZE == sizeof(struct ek_keys) &&
                  RELEASE_DIGEST_SIZE == EK_DIGEST_SIZE,
              "what a request carries");

bool ek_request_add(const struct ek_request *ek, struct release_request *request)
{
    uint8_t public[EK_PUBLIC_MAX];
    struct writer w = writer_over(public, sizeof(public));

    request->has_ek_digest = request->has_ek_keys = true;
    memcpy(request->ek_keys, &ek->keys, sizeof(request->ek_keys));
    request->has_ek_certificates = !bytes_are_zero(ek->certificates, sizeof(ek->certificates));
    memcpy(request->ek_certificates, ek->certificates, sizeof(request->ek_certificates));
    return ek_public_write(&w, EK_RSA_2048, &ek->keys) &&
           SHA384(public, w.used, request->ek_digest);
}
