/* SPDX-License-Identifier: MIT */
#include "services/attest/ek_request.h"

#include <string.h>

#include "lib/base/bytes.h"
#include "lib/ek/digest.h"

static_assert(RELEASE_EK_KEYS_SIZE == sizeof(struct ek_keys) &&
                  RELEASE_DIGEST_SIZE == EK_DIGEST_SIZE,
              "what a request carries");

bool ek_request_add(const struct ek_request *ek, struct release_request *request)
{
    request->has_ek_digest = request->has_ek_keys = true;
    memcpy(request->ek_keys, &ek->keys, sizeof(request->ek_keys));
    request->has_ek_certificates = !bytes_are_zero(ek->certificates, sizeof(ek->certificates));
    memcpy(request->ek_certificates, ek->certificates, sizeof(request->ek_certificates));
    return ek_keys_digest(&ek->keys, request->ek_digest);
}
