/* SPDX-License-Identifier: MIT */
/* A volume as the admin API tells of it, its lease included. Inside kbs/admin only. */
#ifndef SNPVTPM_KBS_ADMIN_VOLUME_ANSWER_H
#define SNPVTPM_KBS_ADMIN_VOLUME_ANSWER_H

#include "kbs/admin/call.h"
#include "kbs/store/leases.h"

#define STATE_TEXT_SIZE (20 + 1 + 2 * (RELEASE_STATE_SIZE - 8) + 1)

#define STATE_TEXT_BLANK "blank" /* what is called so has no state */

/* A volume with what its leases are about; without any the policy is the one to begin with. */
struct volume_found {
    struct volume volume;
    bool has_leases; /* a policy was set at some time */
    struct lease_policy policy;
    struct lease_record record;
};

/* Finds the volume that the call is about, or refuses. */
MUST_CHECK bool volume_find(struct call *call, struct volume_found *found);

/* Whether it has leases now; refuses otherwise. */
MUST_CHECK bool volume_has_leases(struct call *call, const struct volume_found *found);

/* The volume without its lease. */
json_t *volume_json(const struct volume *volume);

/* Replies with the volume that the call is about. gives_up, which may be NULL, is the sentence that
 * says what the owner gave up. */
bool volume_answer(struct call *call, unsigned http, const char *gives_up);

/* A state as text: counter, colon, root. */
const char *state_text(const uint8_t state[RELEASE_STATE_SIZE], char text[STATE_TEXT_SIZE]);

/* The same with a part of the root, which is enough to tell it by. */
#define SHORT_STATE_SIZE (20 + 1 + 16 + 1)
const char *short_state(const uint8_t state[RELEASE_STATE_SIZE], char text[SHORT_STATE_SIZE]);

/* What has become of the newest lease by now: "none", "pending", "active", "over", "released". */
const char *lease_phase_name(const struct lease_record *record, const struct lease_policy *policy,
                             time_t now);

/* The report_id of who has or had it, in hexadecimal; or null. */
json_t *lease_holder_json(const struct lease_record *record);

/* The names of modes; and the mode of that name, or false. */
const char *lease_mode_name(enum lease_mode mode);
MUST_CHECK bool lease_mode_of(const char *name, enum lease_mode *mode);

#endif
