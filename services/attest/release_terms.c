/* SPDX-License-Identifier: MIT */
#include "services/attest/release_terms.h"

#include <string.h>

#include "lib/base/bytes.h"

bool release_terms_of(const struct boot_kbs *kbs, struct release_terms *terms)
{
    *terms = (struct release_terms){0};
    if (kbs->flags & ~BOOT_KBS_REQUIRE_SIGNED || kbs->pin_count > BOOT_KBS_PINS_MAX ||
        (kbs->pin_count > 0) != (kbs->flags == BOOT_KBS_REQUIRE_SIGNED))
        return false;
    terms->pin_count = kbs->pin_count;
    for (size_t i = 0; i < terms->pin_count; i++) {
        memcpy(terms->pins[i].kid, kbs->pins[i].kid, sizeof(terms->pins[i].kid));
        memcpy(terms->pins[i].point, kbs->pins[i].point, sizeof(terms->pins[i].point));
    }
    terms->has_volume = !bytes_are_zero(kbs->volume_id, sizeof(kbs->volume_id));
    memcpy(terms->volume, kbs->volume_id, sizeof(terms->volume));
    /* Only a signed record says for which volume a key is. */
    return terms->pin_count > 0 || !terms->has_volume;
}

static bool is_pinned(const struct release_terms *terms, const uint8_t kid[RELEASE_KID_SIZE])
{
    for (size_t i = 0; i < terms->pin_count; i++)
        if (memcmp(terms->pins[i].kid, kid, RELEASE_KID_SIZE) == 0)
            return true;
    return false;
}

enum attest_error release_terms_apply(const struct release_terms *terms,
                                      struct challenge *challenge, struct release_advert *advert,
                                      struct release_request *request)
{
    uint8_t bytes[RELEASE_CHALLENGE_MAX];

    if (challenge->size != RELEASE_ADVERT_SIZE ||
        !release_advert_parse(challenge->bytes, challenge->size, advert) ||
        !(advert->capabilities & RELEASE_CAP_SIGNED))
        return ATTEST_ERR_UNSIGNED;
    request->has_volume = terms->has_volume;
    memcpy(request->volume, terms->volume, sizeof(request->volume));
    /* A KBS that has a newer key may still hold the one that this image knows. */
    request->has_kid = !is_pinned(terms, advert->kid);
    if (request->has_kid)
        memcpy(request->kid, terms->pins[0].kid, sizeof(request->kid));
    challenge->size = release_request_write(challenge->bytes, request, bytes);
    if (challenge->size == 0 || challenge->size > sizeof(challenge->bytes))
        return ATTEST_ERR_INTERNAL;
    memcpy(challenge->bytes, bytes, challenge->size);
    return ATTEST_OK;
}
