/* SPDX-License-Identifier: MIT */
/*
 * What the measured image demands of a key release: which keys may have signed it, and for which
 * volume it is. Nothing that comes from the host changes these terms.
 */
#ifndef SNPVTPM_SERVICES_ATTEST_RELEASE_TERMS_H
#define SNPVTPM_SERVICES_ATTEST_RELEASE_TERMS_H

#include "lib/boot/boot_params.h"
#include "lib/release/record.h"
#include "services/attest/attest_error.h"
#include "services/attest/attestation_protocol.h"

struct release_terms {
    size_t pin_count; /* 0: no signed record is demanded */
    struct release_pin pins[BOOT_KBS_PINS_MAX];
    bool has_volume;
    uint8_t volume[RELEASE_VOLUME_ID_SIZE];
};

/* Takes the terms over from the image's parameters; false when they contradict themselves. */
MUST_CHECK bool release_terms_of(const struct boot_kbs *kbs, struct release_terms *terms);

/*
 * Where a signed record is demanded: checks that the challenge is a KBS's that signs, and appends
 * our request, so that the report binds it. *request comes with its operation and what is about a
 * lease, and gets volume and kid. *advert and *request are for release_reply_open.
 */
MUST_CHECK enum attest_error release_terms_apply(const struct release_terms *terms,
                                                 struct challenge *challenge,
                                                 struct release_advert *advert,
                                                 struct release_request *request);

#endif
