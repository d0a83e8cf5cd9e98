/* SPDX-License-Identifier: MIT */
/* Opening replies under the terms of an image that pins no key. */
#ifndef SNPVTPM_TESTS_UNIT_ATTEST_UNSIGNED_H
#define SNPVTPM_TESTS_UNIT_ATTEST_UNSIGNED_H

#include "services/attest/release_reply.h"

static const struct release_terms unsigned_terms;

static inline enum attest_error open_unsigned(EVP_PKEY *own, const struct jwe *reply,
                                              uint8_t key[STATE_KEY_SIZE])
{
    struct release_context context = {.terms = &unsigned_terms, .own = own};

    return release_reply_open(&context, reply, key);
}

#endif
