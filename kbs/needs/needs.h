/* SPDX-License-Identifier: MIT */
/*
 * What a server needs of its store to do all that it can: the policy that its configuration names,
 * and keys to sign with. A server that lacks some of it serves all the same, refuses what takes it,
 * and says so: in its log, to /healthz, and in the status, until an administrator has mended it.
 */
#ifndef SNPVTPM_KBS_NEEDS_NEEDS_H
#define SNPVTPM_KBS_NEEDS_NEEDS_H

#include "kbs/store/store.h"

/* Value, name for programs. */
#define NEEDS(N)                                                                                   \
    N(POLICY, "attestation-policy")                                                                \
    N(RELEASE_KEY, "release-key")                                                                  \
    N(TOKEN_KEY, "token-key")

enum need {
#define N(value, name) NEED_##value,
    NEEDS(N)
#undef N
        NEED_COUNT
};

#define NEED_TEXT_MAX 767 /* characters */

struct needs {
    unsigned missing;                          /* how many are */
    char texts[NEED_COUNT][NEED_TEXT_MAX + 1]; /* what is missing, what is refused therefore, and
                                                   what to do; empty for what is there */
};

/* Looks for all of it; policy is the name that the configuration has. */
MUST_CHECK enum store_status needs_look(struct store_unit *unit, const char *policy,
                                        struct needs *needs);

const char *need_name(enum need need);

#endif
