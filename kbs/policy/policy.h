/* SPDX-License-Identifier: MIT */
/*
 * What an owner demands of evidence before a secret or a volume's key is released: a small
 * declarative text (libconfig's language; docs/kbs-policies.md has the reference), validated as it
 * is loaded. What a policy does not mention has the strict default.
 */
#ifndef SNPVTPM_KBS_POLICY_POLICY_H
#define SNPVTPM_KBS_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "kbs/evidence/requirements.h"
#include "kbs/store/images.h"
#include "lib/base/must_check.h"

#define POLICY_IMAGES_MAX 64

struct policy {
    struct requirements requirements;
    size_t image_count; /* 0: every image that is registered and not retired */
    char images[POLICY_IMAGES_MAX][STORE_NAME_MAX + 1];
};

struct policy_error {
    char text[512]; /* which line, what is wrong, what is allowed */
};

/* The text of the policy "default" that every KBS begins with: strict, and says so in comments. */
extern const char policy_default_text[];

/* Parses and validates; unknown settings, wrong types and contradictions are errors. Files that the
 * text wants to include are refused. *policy is to be freed when true is returned. */
MUST_CHECK bool policy_parse(const char *text, struct policy *policy, struct policy_error *error);

void policy_free(struct policy *policy);

/* Whether an image of that name may have what the policy protects. */
MUST_CHECK bool policy_admits_image(const struct policy *policy, const char *name);

#endif
