/* SPDX-License-Identifier: MIT */
#include "kbs/admin/volume_answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kbs/admin/json_values.h"
#include "lib/base/uuid.h"

static const struct {
    enum lease_mode mode;
    const char *name;
    /* What the owner has to reckon with: after a power cut, and from a host that shows an older
     * copy of the disk. With states of the same epoch it is another sentence. */
    const char *loses, *loses_same_epoch;
} modes[] = {
    {LEASE_OFF, "off",
     "rollback and clones are not noticed: any older copy of the disk opens, and so does a copy "
     "beside the running VM",
     NULL},
    {LEASE_STRICT, "strict",
     "nothing: each change is anchored before it is answered; while the KBS is away, commands that "
     "change something are refused",
     NULL},
    {LEASE_CLASSED, "classed",
     "a power cut loses unimportant changes that were waiting for a batch; nobody can take back "
     "counters, lockout, authorizations or definitions",
     "nothing at a power cut; the host can take back unimportant changes that were waiting for a "
     "batch, but no counters, lockout, authorizations or definitions"},
    {LEASE_BOOT, "boot",
     "a power cut loses all changes since the VM started; a host that cuts the power takes them "
     "back",
     "nothing at a power cut; the host can take back changes since the VM started, but none of "
     "earlier starts"},
};

#define MODES (sizeof(modes) / sizeof(modes[0]))

static size_t mode_index(enum lease_mode mode)
{
    size_t i = 0;

    while (i < MODES - 1 && modes[i].mode != mode)
        i++;
    return i;
}

const char *lease_mode_name(enum lease_mode mode)
{
    return modes[mode_index(mode)].name;
}

bool lease_mode_of(const char *name, enum lease_mode *mode)
{
    for (size_t i = 0; i < MODES; i++)
        if (strcmp(name, modes[i].name) == 0) {
            *mode = modes[i].mode;
            return true;
        }
    return false;
}

static const char *loses(const struct lease_policy *policy)
{
    size_t i = mode_index(policy->mode);

    return policy->same_epoch && modes[i].loses_same_epoch ? modes[i].loses_same_epoch
                                                           : modes[i].loses;
}

#define ROOT_SIZE (RELEASE_STATE_SIZE - sizeof(uint64_t))

/* As many bytes of the root. */
static const char *write_state(const uint8_t state[RELEASE_STATE_SIZE], size_t bytes, char *text)
{
    int used = snprintf(text, SHORT_STATE_SIZE, "%" PRIu64 ":", lease_counter(state));

    hex_text(state + sizeof(uint64_t), bytes, text + used);
    return text;
}

const char *state_text(const uint8_t state[RELEASE_STATE_SIZE], char text[STATE_TEXT_SIZE])
{
    return write_state(state, ROOT_SIZE, text);
}

const char *short_state(const uint8_t state[RELEASE_STATE_SIZE], char text[SHORT_STATE_SIZE])
{
    return write_state(state, 8, text);
}

json_t *volume_json(const struct volume *volume)
{
    char id[UUID_TEXT_LENGTH + 1];

    uuid_text(volume->id, id);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:o, s:o, s:o}", "name", volume->name, "id",
                     id, "image", volume->image, "policy", volume->policy, "release",
                     volume->release == VOLUME_RELEASE_ANY ? "any" : "signed", "key_version",
                     (int)volume->key_version, "created", json_time(volume->created), "retired",
                     json_time(volume->retired), "last_released", json_time(volume->last_released));
}

static json_t *seconds_json(uint32_t seconds)
{
    return seconds == LEASE_FOREVER ? json_null() : json_integer(seconds);
}

static json_t *policy_json(const struct lease_policy *policy)
{
    return json_pack("{s:s, s:s, s:b, s:o, s:o, s:s, s:b, s:b}", "mode",
                     lease_mode_name(policy->mode), "loses", loses(policy), "same_epoch",
                     policy->same_epoch, "lease_time", seconds_json(policy->active_time),
                     "confirm_time", seconds_json(policy->pending_time), "unopened",
                     policy->ephemeral ? "ephemeral" : "stop", "manufacture", policy->manufacture,
                     "adopt", policy->adopt);
}

const char *lease_phase_name(const struct lease_record *record, const struct lease_policy *policy,
                             time_t now)
{
    static const char *const names[] = {[LEASE_NONE] = "none",
                                        [LEASE_PENDING] = "pending",
                                        [LEASE_ACTIVE] = "active",
                                        [LEASE_RELEASED] = "released"};

    /* A released one is anybody's, though it still counts. */
    return record->phase != LEASE_NONE && record->phase != LEASE_RELEASED &&
                   lease_left(record, policy, now) == 0
               ? "over"
               : names[record->phase];
}

json_t *lease_holder_json(const struct lease_record *record)
{
    return record->phase == LEASE_NONE ? json_null()
                                       : json_hex(record->holder, sizeof(record->holder));
}

static json_t *until_json(uint32_t left, time_t now)
{
    return left == 0 || left == LEASE_FOREVER ? json_null() : json_time(now + (time_t)left);
}

static json_t *state_json(bool there, const uint8_t state[RELEASE_STATE_SIZE])
{
    char text[STATE_TEXT_SIZE];

    return there ? json_string(state_text(state, text)) : json_null();
}

static json_t *complaint_json(const struct lease_complaint *complaint)
{
    if (complaint->when == 0)
        return json_null();
    return json_pack("{s:o, s:o, s:o}", "time", json_time(complaint->when), "state",
                     complaint->has_state ? state_json(true, complaint->state)
                                          : json_string(STATE_TEXT_BLANK),
                     "report_id", json_hex(complaint->report_id, sizeof(complaint->report_id)));
}

static json_t *version_json(uint32_t version)
{
    return version == 0 ? json_null() : json_integer(version);
}

static json_t *lease_json(const struct lease_policy *policy, const struct lease_record *record,
                          time_t now)
{
    uint32_t left = lease_left(record, policy, now);
    bool held = record->phase != LEASE_NONE;
    json_t *json = policy_json(policy);
    json_t *state =
        json_pack("{s:b, s:o, s:o, s:I, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "frozen",
                  record->frozen, "next_key_version", version_json(record->next_version),
                  "last_key_version", version_json(record->last_version), "generation",
                  (json_int_t)record->generation, "epoch", (json_int_t)record->epoch, "phase",
                  lease_phase_name(record, policy, now), "holder", lease_holder_json(record),
                  "since", json_time(held ? record->granted : 0), "until", until_json(left, now),
                  "committed", state_json(record->has_committed, record->committed), "ek_digest",
                  record->has_ek_digest ? json_hex(record->ek_digest, sizeof(record->ek_digest))
                                        : json_null(),
                  "complaint", complaint_json(&record->complaint));

    json_object_update(json, state);
    json_decref(state);
    return json;
}

/* A volume whose key was released has a state already, as far as anybody knows. */
static struct lease_policy first_policy(const struct volume *volume)
{
    return (struct lease_policy){
        .mode = LEASE_OFF,
        .manufacture = volume->last_released == 0,
        .adopt = volume->last_released != 0,
        .pending_time = LEASE_TIME_DEFAULT,
        .active_time = LEASE_TIME_DEFAULT,
    };
}

bool volume_find(struct call *call, struct volume_found *found)
{
    enum store_status status = volume_by_name(call->unit, call->object, &found->volume);

    if (status == STORE_OK) {
        status = lease_load(call->unit, &found->volume, &found->policy, &found->record);
        found->has_leases = status == STORE_OK;
        if (status == STORE_NOT_FOUND) {
            found->policy = first_policy(&found->volume);
            status = STORE_OK;
        }
    }
    return status == STORE_OK || call_refuse_status(call, status, "volume", call->object);
}

bool volume_has_leases(struct call *call, const struct volume_found *found)
{
    return found->policy.mode != LEASE_OFF ||
           call_refuse(call, HTTP_CONFLICT, "lease-none",
                       "volume %s has no leases: its mode is off (kbsctl volume set-lease)",
                       call->object);
}

bool volume_answer(struct call *call, unsigned http, const char *gives_up)
{
    struct volume_found found;
    json_t *json;

    if (!volume_find(call, &found))
        return false;
    json = volume_json(&found.volume);
    json_object_set_new(json, "lease",
                        lease_json(&found.policy, &found.record, call->request->now));
    if (gives_up)
        json_object_set_new(json, "gives_up", json_string(gives_up));
    return call_reply(call, http, json);
}
