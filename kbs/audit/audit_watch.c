/* SPDX-License-Identifier: MIT */
#include "kbs/audit/audit_watch.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kbs/audit/audit_line.h"
#include "kbs/audit/audit_segment.h"
#include "kbs/log.h"
#include "kbs/metrics.h"

#define LINES_AT_ONCE   1000u /* verified in one unit of work */
#define LOOK_MAX        1000u /* lines verified for who asks */
#define REMOVED_AT_ONCE 2000u
#define FOLLOW_EVERY    5000 /* ms between looks at what is new */
#define REST            50   /* times as long as verifying all took */

struct audit_watch {
    struct store *store;
    struct keyring *keyring;
    uint64_t whole_every; /* ms */
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t wake, verified;
    bool stopping, pruned;
    unsigned wanted, passes;  /* whole verifications: how many there shall be, and were */
    struct audit_check known; /* from the log's beginning to where it was followed to */
    time_t seen, whole;
    bool verifying; /* the whole */
    uint64_t again;
    uint64_t first_bad; /* what the last whole verification found, as the next one */
    const char *problem;
    bool told; /* the server's log has it */
};

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct timespec moment(uint64_t ms)
{
    return (struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
}

/* Following the log */

/* Keeps what was verified, unless another thread has come further. Where it is bad is found again
 * the next time: the log may be mended. */
static void keep(struct audit_watch *watch, const struct audit_check *check, bool ended)
{
    time_t now = time(NULL);

    pthread_mutex_lock(&watch->lock);
    if (audit_check_line(check) >= audit_check_line(&watch->known)) {
        watch->known = *check;
        watch->known.problem = NULL;
        watch->known.first_bad = 0;
    }
    if (ended && !check->problem) {
        watch->seen = now;
        watch->whole = watch->whole ? watch->whole : now;
    }
    pthread_mutex_unlock(&watch->lock);
}

/* Goes on from where the log was followed to. */
static enum store_status follow(struct audit_watch *watch, struct store_unit *unit, unsigned limit,
                                struct audit_check *check, bool *ended)
{
    const char *problem;
    enum store_status status = audit_base_check(unit, watch->keyring, &problem);

    pthread_mutex_lock(&watch->lock);
    *check = watch->known;
    pthread_mutex_unlock(&watch->lock);
    if (status == STORE_OK)
        status = audit_verify_step(unit, check, limit, ended);
    if (status != STORE_OK)
        return status;
    if (problem && !check->problem) {
        check->problem = problem;
        check->first_bad = check->archived;
        *ended = true;
    }
    keep(watch, check, *ended);
    return STORE_OK;
}

enum store_status audit_watch_look(struct audit_watch *watch, struct store_unit *unit,
                                   struct audit_state *state)
{
    struct audit_check check;
    struct audit_tail tail;
    bool ended;
    enum store_status status = follow(watch, unit, LOOK_MAX, &check, &ended);

    if (status == STORE_OK)
        status = audit_tail(unit, &tail);
    if (status != STORE_OK)
        return status;
    pthread_mutex_lock(&watch->lock);
    *state = (struct audit_state){
        .archived = check.archived,
        .last = tail.seq,
        .line = audit_check_line(&check),
        .seen = watch->seen,
        .whole = watch->whole,
        .again = watch->again,
        .first_bad = watch->problem ? watch->first_bad : check.first_bad,
        .problem = watch->problem ? watch->problem : check.problem,
    };
    memcpy(state->head, check.head, sizeof(state->head));
    pthread_mutex_unlock(&watch->lock);
    return STORE_OK;
}

/* The thread's time */

static bool has_work(const struct audit_watch *watch)
{
    return watch->pruned || watch->wanted > watch->passes;
}

/* Waits so long; also shorter, when there is work and that is to be begun. False at the end. */
static bool wait_for(struct audit_watch *watch, uint64_t ms, bool work)
{
    struct timespec until = moment(now_ms() + ms);
    bool stopping;
    int waited = 0;

    pthread_mutex_lock(&watch->lock);
    while (!watch->stopping && !(work && has_work(watch)) && waited != ETIMEDOUT)
        waited = pthread_cond_clockwait(&watch->wake, &watch->lock, CLOCK_MONOTONIC, &until);
    stopping = watch->stopping;
    pthread_mutex_unlock(&watch->lock);
    return !stopping;
}

/* Half of the time is left to others. */
static bool pause_since(struct audit_watch *watch, uint64_t began)
{
    return wait_for(watch, now_ms() - began, false);
}

static void tell(struct audit_watch *watch, uint64_t line, const char *problem)
{
    json_t *members;

    if (!problem || watch->told) {
        watch->told = problem != NULL;
        return;
    }
    watch->told = true;
    members = LOG_MEMBERS({"problem", problem});
    json_object_set_new(members, "line", json_integer((json_int_t)line));
    log_event("audit-broken", members);
    metric_add(METRIC_AUDIT_BROKEN, 1);
}

/* Follows the log to its end, or to what is bad; false when the thread is to stop. A store that
 * cannot be read is asked again later. */
static bool follow_to_the_end(struct audit_watch *watch)
{
    enum store_status status = STORE_OK;
    bool ended = false, going = true;
    struct audit_check check;

    while (going && status == STORE_OK && !ended) {
        uint64_t began = now_ms();
        struct store_unit *unit = NULL;

        status = store_begin_reading(watch->store, &unit);
        if (status == STORE_OK)
            status = follow(watch, unit, LINES_AT_ONCE, &check, &ended);
        store_abandon(unit);
        going = ended || pause_since(watch, began);
    }
    if (ended && !watch->problem)
        tell(watch, check.first_bad, check.problem);
    return going;
}

/* Verifying all */

static void note_progress(struct audit_watch *watch, bool verifying, uint64_t line)
{
    pthread_mutex_lock(&watch->lock);
    watch->verifying = verifying;
    watch->again = line;
    pthread_mutex_unlock(&watch->lock);
}

static void note_outcome(struct audit_watch *watch, const struct audit_check *check)
{
    if (check->problem)
        tell(watch, check->first_bad, check->problem);
    pthread_mutex_lock(&watch->lock);
    watch->passes++;
    watch->first_bad = check->first_bad;
    watch->problem = check->problem;
    if (!check->problem)
        watch->whole = time(NULL);
    pthread_cond_broadcast(&watch->verified);
    pthread_mutex_unlock(&watch->lock);
}

static enum store_status verify_some(struct audit_watch *watch, struct audit_check *check,
                                     bool *ended)
{
    struct store_unit *unit;
    enum store_status status = store_begin_reading(watch->store, &unit);

    if (status == STORE_OK)
        status = audit_verify_step(unit, check, LINES_AT_ONCE, ended);
    store_abandon(unit);
    return status;
}

/* False when the thread is to stop. */
static bool verify_all(struct audit_watch *watch)
{
    struct audit_check check = {0};
    enum store_status status = STORE_OK;
    bool ended = false, going = true;

    while (going && status == STORE_OK && !ended) {
        uint64_t began = now_ms();

        note_progress(watch, true, audit_check_line(&check));
        status = verify_some(watch, &check, &ended);
        going = ended || pause_since(watch, began);
    }
    note_progress(watch, false, 0);
    if (ended)
        note_outcome(watch, &check);
    return going;
}

/* Removing what was pruned */

static enum store_status remove_some(struct audit_watch *watch, uint64_t *count)
{
    struct store_unit *unit;
    enum store_status status = store_begin(watch->store, &unit);

    if (status != STORE_OK)
        return status;
    status = audit_remove_pruned(unit, REMOVED_AT_ONCE, count);
    if (status == STORE_OK)
        return store_commit(unit);
    store_abandon(unit);
    return status;
}

/* Whether it is done; what another server came before at is tried again later. */
static bool remove_pruned(struct audit_watch *watch)
{
    uint64_t count = REMOVED_AT_ONCE;
    enum store_status status = STORE_OK;
    bool going = true;

    pthread_mutex_lock(&watch->lock);
    watch->pruned = false;
    pthread_mutex_unlock(&watch->lock);
    while (going && status == STORE_OK && count == REMOVED_AT_ONCE) {
        uint64_t began = now_ms();

        status = remove_some(watch, &count);
        going = pause_since(watch, began);
    }
    return going && status == STORE_OK;
}

static bool is_set(struct audit_watch *watch, const bool *flag)
{
    bool set;

    pthread_mutex_lock(&watch->lock);
    set = *flag;
    pthread_mutex_unlock(&watch->lock);
    return set;
}

static bool is_wanted(struct audit_watch *watch)
{
    bool wanted;

    pthread_mutex_lock(&watch->lock);
    wanted = watch->wanted > watch->passes;
    pthread_mutex_unlock(&watch->lock);
    return wanted;
}

/* When all is to be verified after this time, which it was at last. */
static uint64_t next_time(const struct audit_watch *watch, uint64_t began)
{
    uint64_t ended = now_ms(), rested = ended + REST * (ended - began);

    return rested > began + watch->whole_every ? rested : began + watch->whole_every;
}

/* Whoever wants all to be verified finds what was pruned before removed, and new lines followed. */
static void *run(void *context)
{
    struct audit_watch *watch = context;
    uint64_t next = now_ms() + watch->whole_every;
    bool removed = false, going = true;

    while (going) {
        bool due = now_ms() >= next || is_wanted(watch);

        if (!removed || is_set(watch, &watch->pruned))
            removed = remove_pruned(watch);
        going = follow_to_the_end(watch);
        if (going && due) {
            uint64_t began = now_ms();

            going = verify_all(watch);
            next = next_time(watch, began);
        }
        going = going && wait_for(watch, FOLLOW_EVERY, true);
    }
    return NULL;
}

struct audit_watch *audit_watch_start(struct store *store, struct keyring *keyring,
                                      unsigned whole_every)
{
    struct audit_watch *watch = calloc(1, sizeof(*watch));

    if (!watch)
        return NULL;
    watch->store = store;
    watch->keyring = keyring;
    watch->whole_every = (uint64_t)whole_every * 1000;
    pthread_mutex_init(&watch->lock, NULL);
    pthread_cond_init(&watch->wake, NULL);
    pthread_cond_init(&watch->verified, NULL);
    if (pthread_create(&watch->thread, NULL, run, watch) == 0)
        return watch;
    free(watch);
    return NULL;
}

void audit_watch_stop(struct audit_watch *watch)
{
    if (!watch)
        return;
    pthread_mutex_lock(&watch->lock);
    watch->stopping = true;
    pthread_cond_broadcast(&watch->wake);
    pthread_cond_broadcast(&watch->verified);
    pthread_mutex_unlock(&watch->lock);
    pthread_join(watch->thread, NULL);
    pthread_cond_destroy(&watch->wake);
    pthread_cond_destroy(&watch->verified);
    pthread_mutex_destroy(&watch->lock);
    free(watch);
}

void audit_watch_pruned(struct audit_watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    watch->pruned = true;
    pthread_cond_broadcast(&watch->wake);
    pthread_mutex_unlock(&watch->lock);
}

bool audit_watch_verify(struct audit_watch *watch, unsigned seconds)
{
    struct timespec until = moment(now_ms() + (uint64_t)seconds * 1000);
    unsigned passes;
    bool done;
    int waited = 0;

    pthread_mutex_lock(&watch->lock);
    /* One that is under way may have passed what is asked about. */
    passes = watch->passes + (watch->verifying ? 2 : 1);
    if (watch->wanted < passes)
        watch->wanted = passes;
    pthread_cond_broadcast(&watch->wake);
    while (watch->passes < passes && !watch->stopping && waited != ETIMEDOUT)
        waited = pthread_cond_clockwait(&watch->verified, &watch->lock, CLOCK_MONOTONIC, &until);
    done = watch->passes >= passes;
    pthread_mutex_unlock(&watch->lock);
    return done;
}
