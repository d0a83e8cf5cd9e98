/* SPDX-License-Identifier: MIT */
/* Tables of settings, and how one of each kind is read into a struct policy. */
#ifndef SNPVTPM_KBS_POLICY_SETTING_H
#define SNPVTPM_KBS_POLICY_SETTING_H

#include <libconfig.h>

#include "kbs/evidence/bits.h"
#include "kbs/policy/policy.h"

/* A policy that is being read. */
struct reading {
    struct policy *policy;
    struct policy_error *error;
};

struct setting;

typedef bool read_setting(struct reading *reading, const config_setting_t *found,
                          const struct setting *setting);

struct setting {
    const char *name;
    read_setting *read;
    size_t offset;                 /* in struct policy, of what is set */
    size_t max;                    /* of a number; of bytes: how many */
    const struct setting *members; /* of a group; a nameless one ends them */
    const struct bit_names *bits;  /* of a mask; NULL: its bits have numbers only */
};

/* Versions of reports that a policy can name. */
#define REPORT_VERSION_MIN 2
#define REPORT_VERSION_MAX 5

/* The settings of a policy, at its top level. */
extern const struct setting policy_settings[];

read_setting read_group, read_boolean, read_byte, read_number, read_bytes, read_bits;

/* Sets the error: line of found, its path, what is wrong. Returns false. */
__attribute__((format(printf, 3, 4))) bool
fail_at(struct reading *reading, const config_setting_t *found, const char *format, ...);

/* A list of strings without repetition, each handed to take with its place in the list. */
MUST_CHECK bool read_strings(struct reading *reading, const config_setting_t *found,
                             unsigned max_count,
                             bool (*take)(struct reading *reading, const config_setting_t *element,
                                          const char *text, unsigned at));

#endif
