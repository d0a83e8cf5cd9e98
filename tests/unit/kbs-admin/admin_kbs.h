/* SPDX-License-Identifier: MIT */
/* A KBS with a store in a folder, and tokens of an owner and an auditor, for the tests of its
 * administration. */
#ifndef SNPVTPM_TESTS_UNIT_KBS_ADMIN_ADMIN_KBS_H
#define SNPVTPM_TESTS_UNIT_KBS_ADMIN_ADMIN_KBS_H

#include <limits.h>

#include <jansson.h>

#include "kbs/evidence/evidence.h"
#include "kbs/kbs.h"
#include "kbs/store/tokens.h"

struct admin_kbs {
    char path[PATH_MAX]; /* of its database */
    struct master_keys keys;
    struct trust trust;
    struct verifier verifier;
    struct kbs kbs;
    char owner[TOKEN_TEXT_MAX + 1], auditor[TOKEN_TEXT_MAX + 1];
};

/* Makes the files in folder; asserts that all goes well. */
void admin_kbs_start(struct admin_kbs *admin, const char *folder);
void admin_kbs_stop(struct admin_kbs *admin);

/* Makes a token that expires then (0: never). */
void admin_kbs_add_token(struct admin_kbs *admin, const char *name, enum role role, time_t expires,
                         char text[TOKEN_TEXT_MAX + 1]);

/* Appends a line to the audit log; hands over members. */
void admin_kbs_log(struct admin_kbs *admin, const char *event, json_t *members, time_t now);

/* Images, volumes, a policy with markup in it, attestations with every kind of trouble. */
void admin_kbs_fill(struct admin_kbs *admin);

#endif
