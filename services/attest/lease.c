/* SPDX-License-Identifier: MIT */
#include "services/attest/lease.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <string.h>
#include <time.h>

#include "lib/base/bytes.h"
#include "lib/base/hex.h"
#include "services/attest/ek_request.h"
#include "services/common/log.h"

#define FOREVER  UINT32_MAX
#define SHORT_ID 8 /* bytes of a report_id that are enough to tell VMs apart */

/* Milliseconds that an exchange may take while the guest runs. */
#define KEEP_TIMEOUT_MIN 2000
#define KEEP_TIMEOUT_MAX 20000

/* What a policy asks for; the rest is permission. */
#define POLICY_ASKS                                                                                \
    (RELEASE_FLAG_STRICT | RELEASE_FLAG_CLASSED | RELEASE_FLAG_BOOT | RELEASE_FLAG_SAME_EPOCH)

static_assert(RELEASE_STATE_SIZE == sizeof(uint64_t) + STATE_ROOT_SIZE, "a state's name");
static_assert(RELEASE_VOLUME_ID_SIZE == STATE_VOLUME_ID_SIZE, "a volume's name");

void lease_pause(unsigned int seconds)
{
    struct timespec time = {.tv_sec = seconds};

    (void)nanosleep(&time, NULL);
}

static void state_write(const struct state_name *state, uint8_t out[RELEASE_STATE_SIZE])
{
    put_be64(out, state->counter);
    memcpy(out + sizeof(uint64_t), state->root, STATE_ROOT_SIZE);
}

static struct state_name state_read(const uint8_t bytes[RELEASE_STATE_SIZE])
{
    struct state_name state = {.counter = get_be64(bytes)};

    memcpy(state.root, bytes + sizeof(uint64_t), STATE_ROOT_SIZE);
    return state;
}

/* ACQUIRE */

static uint64_t grant_flags(uint32_t flags)
{
    return (flags & RELEASE_FLAG_MANUFACTURE ? STATE_GRANT_MANUFACTURE : 0) |
           (flags & RELEASE_FLAG_ADOPT ? STATE_GRANT_ADOPT : 0) |
           (flags & RELEASE_FLAG_EPHEMERAL ? STATE_GRANT_EPHEMERAL : 0) |
           (flags & RELEASE_FLAG_CLASSED ? STATE_GRANT_ANCHOR_MAJOR : 0) |
           (flags & RELEASE_FLAG_STRICT ? STATE_GRANT_ANCHOR_ALL : 0) |
           (flags & RELEASE_FLAG_REKEY ? STATE_GRANT_REKEY : 0);
}

/* A KBS tells of a lease whole or not at all. */
static bool tells_lease(const struct release_record *record)
{
    return record->has_epoch || record->has_lease || record->has_ttl || record->has_flags ||
           record->has_committed || record->has_committed_epoch;
}

/* What is written without being anchored has to open again, as nothing else is kept of it. */
static bool can_keep(uint32_t policy)
{
    switch (policy) {
    case RELEASE_FLAG_STRICT:
    case RELEASE_FLAG_STRICT | RELEASE_FLAG_SAME_EPOCH:
    case RELEASE_FLAG_CLASSED | RELEASE_FLAG_SAME_EPOCH:
    case RELEASE_FLAG_BOOT | RELEASE_FLAG_SAME_EPOCH:
        return true;
    default:
        return false;
    }
}

static enum attest_error check_lease(const struct release_record *record)
{
    if (!record->has_epoch || record->epoch == 0 || !record->has_lease || !record->has_ttl ||
        !record->has_flags || !record->has_generation || !record->has_volume ||
        (record->has_committed_epoch && !record->has_committed) ||
        (record->flags & RELEASE_FLAG_REKEY && !record->has_key_version))
        return ATTEST_ERR_LEASE_MALFORMED;
    return can_keep(record->flags & POLICY_ASKS) ? ATTEST_OK : ATTEST_ERR_LEASE_POLICY;
}

static void take_lease(struct lease *lease, const struct release_record *record,
                       const struct released_keys *keys, struct state_grant *grant)
{
    grant->flags = STATE_GRANT_LEASED | grant_flags(record->flags);
    grant->epoch = record->epoch;
    grant->generation = record->generation;
    memcpy(grant->volume_id, record->volume, sizeof(grant->volume_id));
    if (record->has_committed) {
        grant->flags |= STATE_GRANT_COMMITTED;
        grant->committed = state_read(record->committed);
    }
    if (record->has_committed_epoch) {
        grant->flags |= STATE_GRANT_SAME_EPOCH;
        grant->committed_epoch = record->committed_epoch;
    }
    if (grant->flags & STATE_GRANT_REKEY)
        memcpy(grant->next_key, keys->next, sizeof(grant->next_key));

    lease->stage = LEASE_STAGE_GRANTED;
    lease->in_doubt = false;
    lease->terms = (struct release_request){
        .has_sequence = true,
        .has_epoch = true,
        .epoch = record->epoch,
        .has_lease = true,
        .has_from = record->has_committed,
        .has_key_version = record->has_key_version,
        .key_version = record->key_version,
    };
    memcpy(lease->terms.lease, record->lease, sizeof(lease->terms.lease));
    memcpy(lease->terms.from, record->committed, sizeof(lease->terms.from));
}

static void say_who(const struct release_record *record)
{
    char holder[2 * SHORT_ID + 1];

    hex_text(record->holder, SHORT_ID, holder);
    if (record->retry_after == FOREVER)
        log_warning("attestation: the VM with report_id %s... has the state volume, since %" PRIu32
                    " s ago and until the owner breaks its lease",
                    holder, record->held_for);
    else
        log_warning("attestation: the VM with report_id %s... has the state volume, since %" PRIu32
                    " s ago and for %" PRIu32 " s more at most, unless it goes on; waiting for it",
                    holder, record->held_for, record->retry_after);
}

/* Time that is spent with waiting for another VM. */
struct wait {
    bool begun;
    uint32_t left; /* seconds, as the KBS said first */
};

/* Waits for a while. False: it was long enough. */
static bool wait_more(struct lease *lease, struct wait *wait, const struct release_record *record)
{
    uint32_t pause;

    if (!wait->begun) {
        say_who(record);
        wait->begun = true;
        wait->left = record->retry_after == FOREVER ? 0 : record->retry_after + 1;
    }
    if (wait->left == 0)
        return false;
    pause = wait->left < LEASE_ASK_AGAIN ? wait->left : LEASE_ASK_AGAIN;
    lease->pause(pause);
    wait->left -= pause;
    return true;
}

/* Asks until the answer is something else than that another VM has the lease. */
static enum attest_error ask_for_lease(struct lease *lease, const struct kbs_access *access,
                                       struct release_record *record, struct released_keys *keys)
{
    struct release_request request = {.op = RELEASE_OP_ACQUIRE, .has_sequence = true};
    struct wait wait = {0};

    for (;;) {
        enum attest_error error;

        request.sequence = ++lease->sequence;
        error = kbs_ask(access, &request, record, keys);
        if (error != ATTEST_ERR_RELEASE_BUSY || !record->has_holder || !record->has_held_for ||
            !record->has_retry_after)
            return error;
        if (!wait_more(lease, &wait, record))
            return ATTEST_ERR_LEASE_HELD;
    }
}

enum attest_error lease_acquire(struct lease *lease, const struct kbs_access *access,
                                struct state_grant *grant)
{
    struct released_keys keys;
    struct release_record record;
    enum attest_error error;
    bool leased;

    *grant = (struct state_grant){0};
    lease->stage = LEASE_STAGE_NONE;
    if (access->terms->pin_count == 0)
        return fetch_key(access->proxy, access->timeout, access->requester, access->terms,
                         grant->key);
    error = ask_for_lease(lease, access, &record, &keys);
    leased = !error && tells_lease(&record);
    if (leased)
        error = check_lease(&record);
    if (!error)
        memcpy(grant->key, keys.key, sizeof(grant->key));
    if (!error && leased)
        take_lease(lease, &record, &keys, grant);
    OPENSSL_cleanse(&keys, sizeof(keys));
    return error;
}

/* A request under the lease. What it does not need is left out. */
static struct release_request request_of(const struct lease *lease, enum release_op op,
                                         const struct state_name *to)
{
    bool advances = op == RELEASE_OP_CONFIRM || op == RELEASE_OP_ANCHOR || op == RELEASE_OP_RELEASE;
    struct release_request request = lease->terms;

    request.op = op;
    request.has_from &= advances;
    request.has_key_version &= op == RELEASE_OP_CONFIRM;
    request.has_to = to != NULL;
    if (to)
        state_write(to, request.to);
    return request;
}

/* CONFIRM and COMPLAIN */

/* Whether nobody can tell if the KBS has done it: then asking again does no harm. */
static bool is_no_answer(enum attest_error error)
{
    switch (error) {
    case ATTEST_ERR_PROXY_SILENT:
    case ATTEST_ERR_KBS_UNREACHABLE:
    case ATTEST_ERR_KBS_BUSY:
    case ATTEST_ERR_KBS_ERROR:
    case ATTEST_ERR_KBS_GATEWAY:
        return true;
    default:
        return false;
    }
}

/* What OK tells: it must be about this lease. */
static enum attest_error take_time(struct lease *lease, const struct release_record *record,
                                   uint32_t *time)
{
    if (!record->has_epoch || record->epoch != lease->terms.epoch || !record->has_lease ||
        memcmp(record->lease, lease->terms.lease, sizeof(record->lease)) != 0 || !record->has_ttl)
        return ATTEST_ERR_LEASE_MALFORMED;
    lease->time = record->ttl;
    *time = lease->time;
    return ATTEST_OK;
}

static void set_committed(struct lease *lease, const uint8_t state[RELEASE_STATE_SIZE])
{
    lease->terms.has_from = true;
    memcpy(lease->terms.from, state, RELEASE_STATE_SIZE);
    lease->in_doubt = false;
}

enum attest_error lease_confirm(struct lease *lease, const struct kbs_access *access,
                                const struct state_name *state, const struct ek_request *ek,
                                uint32_t *time, struct ek_certificates *certificates)
{
    struct release_request request = request_of(lease, RELEASE_OP_CONFIRM, state);
    struct release_record record;
    enum attest_error error = ATTEST_ERR_REQUEST;

    if (lease->stage != LEASE_STAGE_GRANTED)
        return error;
    lease->stage = LEASE_STAGE_NONE;
    if (ek && !ek_request_add(ek, &request))
        return ATTEST_ERR_INTERNAL;
    for (unsigned int attempt = 1; attempt <= LEASE_CONFIRM_ATTEMPTS; attempt++) {
        request.sequence = ++lease->sequence;
        error = kbs_confirm(access, &request, &record, certificates);
        if (!is_no_answer(error) || attempt == LEASE_CONFIRM_ATTEMPTS)
            break;
        log_warning("attestation: %s; asking again for the new state's confirmation",
                    attest_error_words(error));
        lease->pause(1);
    }
    if (!error)
        error = take_time(lease, &record, time);
    if (error)
        return error;
    lease->stage = LEASE_STAGE_KEPT;
    set_committed(lease, request.to);
    return ATTEST_OK;
}

enum attest_error lease_complain(struct lease *lease, const struct kbs_access *access,
                                 const struct state_name *found)
{
    struct release_request request = request_of(lease, RELEASE_OP_COMPLAIN, found);
    struct release_record record;
    struct released_keys none;

    if (lease->stage != LEASE_STAGE_GRANTED)
        return ATTEST_ERR_REQUEST;
    lease->stage = LEASE_STAGE_NONE;
    request.sequence = ++lease->sequence;
    return kbs_ask(access, &request, &record, &none);
}

/* ANCHOR, RENEW, RELEASE */

static bool is_same(const struct release_request *a, const struct release_request *b)
{
    return a->op == b->op && a->has_to == b->has_to &&
           (!a->has_to || memcmp(a->to, b->to, sizeof(a->to)) == 0);
}

/*
 * What is asked next to get to what is wanted. The state in doubt may be the committed one, on
 * which another one has to build; asking for it again tells, and does no harm.
 */
static struct release_request next_request(const struct lease *lease,
                                           const struct release_request *wanted)
{
    struct state_name doubtful = state_read(lease->doubtful);

    if (!lease->in_doubt || !wanted->has_to ||
        memcmp(wanted->to, lease->doubtful, sizeof(wanted->to)) == 0)
        return *wanted;
    return request_of(lease, RELEASE_OP_ANCHOR, &doubtful);
}

/*
 * The lease is renewed when a third of its time is over. An answer that is not there when another
 * third is over is lost, and there is time to ask again.
 */
static unsigned int keep_timeout(const struct lease *lease)
{
    uint64_t third = UINT64_C(1000) * lease->time / 3;

    if (third < KEEP_TIMEOUT_MIN)
        return KEEP_TIMEOUT_MIN;
    return third < KEEP_TIMEOUT_MAX ? (unsigned int)third : KEEP_TIMEOUT_MAX;
}

static enum attest_error begin(struct lease *lease, const struct kbs_access *access,
                               const struct release_request *wanted)
{
    struct kbs_access in_time = *access;

    in_time.timeout = keep_timeout(lease);
    lease->asked = next_request(lease, wanted);
    lease->asked.sequence = ++lease->sequence;
    lease->exchange = exchange_begin(&in_time, &lease->asked);
    return lease->exchange ? ATTEST_OK : ATTEST_ERR_INTERNAL;
}

/* What an answer, or its absence, means for the lease. */
static enum attest_error conclude(struct lease *lease, enum attest_error error,
                                  const struct release_record *record, uint32_t *time)
{
    if (!error)
        error = take_time(lease, record, time);
    switch (error) {
    case ATTEST_OK:
        if (lease->asked.has_to)
            set_committed(lease, lease->asked.to);
        return ATTEST_OK;
    case ATTEST_ERR_RELEASE_SUPERSEDED:
    case ATTEST_ERR_RELEASE_STALE: /* somebody else, or the owner, committed another state */
        lease->stage = LEASE_STAGE_LOST;
        return ATTEST_ERR_LEASE_LOST;
    case ATTEST_ERR_RELEASE_DENIED: /* this time it was not done; about other times it says nothing
                                     */
    case ATTEST_ERR_RELEASE_FROZEN:
        return error;
    default:
        if (lease->asked.has_to) {
            lease->in_doubt = true;
            memcpy(lease->doubtful, lease->asked.to, sizeof(lease->doubtful));
        }
        return error;
    }
}

enum attest_error lease_keep(struct lease *lease, const struct kbs_access *access,
                             enum release_op op, const struct state_name *state, uint32_t *time)
{
    struct release_request wanted = request_of(lease, op, state);
    struct release_record record;
    struct released_keys none;
    enum attest_error error = ATTEST_OK;

    if (lease->stage != LEASE_STAGE_KEPT)
        return lease->stage == LEASE_STAGE_LOST ? ATTEST_ERR_LEASE_LOST : ATTEST_ERR_REQUEST;
    if (!lease->exchange)
        error = begin(lease, access, &wanted);
    if (error)
        return error;
    error = exchange_go_on(lease->exchange, LEASE_KEEP_WAIT, LEASE_KEEP_GAP, &record, &none);
    if (error == ATTEST_ERR_PENDING)
        return error;
    exchange_end(lease->exchange);
    lease->exchange = NULL;
    error = conclude(lease, error, &record, time);
    return error || is_same(&lease->asked, &wanted) ? error : ATTEST_ERR_PENDING;
}
