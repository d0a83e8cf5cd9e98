/* SPDX-License-Identifier: MIT */
/* /admin/v1/volumes/NAME/...: the policy of a volume's leases, and what its owner overrides. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kbs/admin/routes.h"
#include "kbs/admin/volume_answer.h"
#include "kbs/lease/lease.h"
#include "lib/base/hex.h"

#define TIME_MIN 10          /* seconds: a third of it is how often a VM has to renew */
#define TIME_MAX (7 * 86400) /* what is longer is for ever */

/* The volume, which must not be retired. */
MUST_CHECK static bool find_active(struct call *call, struct volume_found *found)
{
    if (!volume_find(call, found))
        return false;
    return !found->volume.retired ||
           call_refuse_status(call, STORE_RETIRED, "volume", call->object);
}

/* The same, and it must have leases. */
MUST_CHECK static bool find_leased(struct call *call, struct volume_found *found)
{
    return find_active(call, found) && volume_has_leases(call, found);
}

/* Stores what a command made of the record, and answers. */
static bool store_record(struct call *call, const struct volume_found *found, const char *gives_up)
{
    enum store_status status = lease_save(call->unit, found->volume.id, &found->record);

    if (status != STORE_OK)
        return call_refuse_status(call, status, "volume", call->object);
    return volume_answer(call, HTTP_OK, gives_up);
}

static const char *holder_text(const struct lease_record *record,
                               char text[2 * RELEASE_REPORT_ID_SIZE + 1])
{
    return hex_text(record->holder, sizeof(record->holder), text);
}

/* The policy */

struct wishes {
    const char *mode, *unopened;
    int same_epoch, manufacture, adopt; /* -1: as it is */
    const json_t *lease_time, *confirm_time;
};

MUST_CHECK static bool take_wishes(struct call *call, struct wishes *wishes)
{
    *wishes = (struct wishes){.same_epoch = -1, .manufacture = -1, .adopt = -1};
    return call_unpack(call, "{s?s, s?s, s?b, s?b, s?b, s?o, s?o}", "mode", &wishes->mode,
                       "unopened", &wishes->unopened, "same_epoch", &wishes->same_epoch,
                       "manufacture", &wishes->manufacture, "adopt", &wishes->adopt, "lease_time",
                       &wishes->lease_time, "confirm_time", &wishes->confirm_time);
}

/* NULL leaves it as it is; null is for ever. */
MUST_CHECK static bool take_time(struct call *call, const char *member, const json_t *value,
                                 uint32_t *seconds)
{
    json_int_t number = json_integer_value(value);

    if (!value)
        return true;
    if (json_is_null(value)) {
        *seconds = LEASE_FOREVER;
        return true;
    }
    if (!json_is_integer(value) || number < TIME_MIN || number > TIME_MAX)
        return call_refuse(call, HTTP_BAD_REQUEST, "time-invalid",
                           "%s: must be %d to %d seconds, or null, which is for ever", member,
                           TIME_MIN, TIME_MAX);
    *seconds = (uint32_t)number;
    return true;
}

MUST_CHECK static bool take_mode(struct call *call, const char *name, enum lease_mode *mode)
{
    return !name || lease_mode_of(name, mode) ||
           call_refuse(call, HTTP_BAD_REQUEST, "mode-invalid",
                       "mode: must be \"off\", \"strict\", \"classed\" or \"boot\"");
}

MUST_CHECK static bool take_unopened(struct call *call, const char *name, bool *ephemeral)
{
    if (!name)
        return true;
    *ephemeral = strcmp(name, "ephemeral") == 0;
    return *ephemeral || strcmp(name, "stop") == 0 ||
           call_refuse(call, HTTP_BAD_REQUEST, "unopened-invalid",
                       "unopened: must be \"stop\" or \"ephemeral\"");
}

static void take_flag(int wish, bool *flag)
{
    if (wish >= 0)
        *flag = wish;
}

/* The policy as it is, with the wishes in it. */
MUST_CHECK static bool apply(struct call *call, const struct wishes *wishes,
                             const struct volume_found *found, struct lease_policy *policy)
{
    *policy = found->policy;
    if (!take_mode(call, wishes->mode, &policy->mode))
        return false;
    /* No write that was answered is lost at a power cut; strict anchors before it answers. */
    if (found->policy.mode == LEASE_OFF)
        policy->same_epoch = policy->mode == LEASE_CLASSED || policy->mode == LEASE_BOOT;
    take_flag(wishes->same_epoch, &policy->same_epoch);
    take_flag(wishes->manufacture, &policy->manufacture);
    take_flag(wishes->adopt, &policy->adopt);
    return take_unopened(call, wishes->unopened, &policy->ephemeral) &&
           take_time(call, "lease_time", wishes->lease_time, &policy->active_time) &&
           take_time(call, "confirm_time", wishes->confirm_time, &policy->pending_time);
}

/* Who has the lease writes by the rules that were told with it. */
MUST_CHECK static bool change_rules(struct call *call, struct volume_found *found,
                                    const struct lease_policy *policy)
{
    char holder[2 * RELEASE_REPORT_ID_SIZE + 1];

    if (policy->mode == found->policy.mode && policy->same_epoch == found->policy.same_epoch)
        return true;
    if (lease_left(&found->record, &found->policy, call->request->now) > 0)
        return call_refuse(call, HTTP_CONFLICT, "lease-held",
                           "report_id %s has the lease, and writes by the rules of now: shut that "
                           "VM down, or break the lease (kbsctl volume lease break), before you "
                           "change mode or same_epoch",
                           holder_text(&found->record, holder));
    /* One that was given back or is over could be taken up again under the older rules. */
    return found->record.phase == LEASE_NONE || lease_break(&found->record);
}

#define TIME_TEXT_MAX 16

static const char *time_text(uint32_t seconds, char text[TIME_TEXT_MAX])
{
    if (seconds == LEASE_FOREVER)
        return "forever";
    snprintf(text, TIME_TEXT_MAX, "%" PRIu32, seconds);
    return text;
}

static void note_policy(struct call *call, const struct lease_policy *policy)
{
    char lease[TIME_TEXT_MAX], confirm[TIME_TEXT_MAX];

    snprintf(call->detail, sizeof(call->detail),
             "mode %s, same_epoch %d, lease_time %s, confirm_time %s, unopened %s, manufacture %d, "
             "adopt %d",
             lease_mode_name(policy->mode), policy->same_epoch,
             time_text(policy->active_time, lease), time_text(policy->pending_time, confirm),
             policy->ephemeral ? "ephemeral" : "stop", policy->manufacture, policy->adopt);
}

bool leases_set_policy(struct call *call)
{
    struct lease_policy policy;
    struct volume_found found;
    struct wishes wishes;
    enum store_status status;

    if (!take_wishes(call, &wishes) || !find_active(call, &found) ||
        !apply(call, &wishes, &found, &policy) || !change_rules(call, &found, &policy))
        return false;
    status = lease_set_policy(call->unit, found.volume.id, &policy);
    if (status != STORE_OK)
        return call_refuse_status(call, status, "volume", call->object);
    note_policy(call, &policy);
    return store_record(call, &found, NULL);
}

/* What the owner overrides */

bool leases_break(struct call *call)
{
    char holder[2 * RELEASE_REPORT_ID_SIZE + 1];
    struct volume_found found;

    if (!call_unpack(call, "{}") || !find_leased(call, &found))
        return false;
    if (!lease_break(&found.record))
        return call_refuse(call, HTTP_CONFLICT, "lease-free",
                           "nobody has the lease of volume %s: the next VM need not wait",
                           call->object);
    snprintf(call->detail, sizeof(call->detail), "it was that of report_id %s",
             holder_text(&found.record, holder));
    return store_record(call, &found,
                        "The VM that had the lease persists nothing from now on, even if it still "
                        "runs: changes of its TPM since the last anchor are lost, and it has to be "
                        "started anew.");
}

/* Another complaint may have come since the owner looked. */
MUST_CHECK static bool check_complaint(struct call *call, const struct lease_complaint *complaint,
                                       const char *state)
{
    char text[STATE_TEXT_SIZE] = STATE_TEXT_BLANK;

    if (complaint->has_state)
        state_text(complaint->state, text);
    return complaint->when == 0 || strcmp(state, text) == 0 ||
           call_refuse(call, HTTP_CONFLICT, "complaint-other",
                       "the last VM that complained saw another state: %s (kbsctl volume lease "
                       "show)",
                       text);
}

static void note_accepted(struct call *call, const struct lease_record *record)
{
    char accepted[SHORT_STATE_SIZE] = STATE_TEXT_BLANK, before[SHORT_STATE_SIZE] = "none";

    if (record->complaint.has_state)
        short_state(record->complaint.state, accepted);
    if (record->has_committed)
        short_state(record->committed, before);
    snprintf(call->detail, sizeof(call->detail), "%s, the committed one was %s", accepted, before);
}

bool leases_accept_disk(struct call *call)
{
    char holder[2 * RELEASE_REPORT_ID_SIZE + 1];
    struct volume_found found;
    const char *state;
    bool blank;

    if (!call_unpack(call, "{s:s}", "state", &state) || !find_leased(call, &found) ||
        !check_complaint(call, &found.record.complaint, state))
        return false;
    if (found.record.phase == LEASE_ACTIVE &&
        lease_left(&found.record, &found.policy, call->request->now) > 0)
        return call_refuse(call, HTTP_CONFLICT, "lease-held",
                           "report_id %s opened the volume since then, and has the lease: shut "
                           "that VM down, or break the lease (kbsctl volume lease break)",
                           holder_text(&found.record, holder));
    blank = !found.record.complaint.has_state;
    note_accepted(call, &found.record);
    if (!lease_accept(&found.record))
        return call_refuse(call, HTTP_CONFLICT, "complaint-none",
                           "no VM complained about the disk of volume %s: start one with the disk "
                           "that you want to accept",
                           call->object);
    return store_record(
        call, &found,
        blank ? "The TPM of this volume is lost, with all that is sealed to it: the next VM makes "
                "a new one if the disk is blank and the volume's policy lets it."
              : "The KBS cannot tell whether this was the newest state: what was written after it "
                "is lost, and counters, lockout, authorizations and definitions are as they were "
                "then.");
}

/* A volume without leases can be frozen, too. */
static bool set_frozen(struct call *call, bool change(struct lease_record *record),
                       const char *code, const char *refusal, const char *gives_up)
{
    struct volume_found found;
    enum store_status status = STORE_OK;

    if (!call_unpack(call, "{}") || !find_active(call, &found))
        return false;
    if (!change(&found.record))
        return call_refuse(call, HTTP_CONFLICT, code, "volume %s %s", call->object, refusal);
    if (!found.has_leases)
        status = lease_set_policy(call->unit, found.volume.id, &found.policy);
    if (status != STORE_OK)
        return call_refuse_status(call, status, "volume", call->object);
    return store_record(call, &found, gives_up);
}

bool leases_freeze(struct call *call)
{
    return set_frozen(
        call, lease_freeze, "frozen", "is frozen already",
        "No VM gets the volume's key, and one that runs with a lease persists nothing "
        "from its next request on, until the volume is thawed.");
}

bool leases_thaw(struct call *call)
{
    return set_frozen(call, lease_thaw, "not-frozen", "is not frozen",
                      "VMs get the volume's key again: what it was frozen for is no reason any "
                      "more. Lease and committed state are those of before.");
}
