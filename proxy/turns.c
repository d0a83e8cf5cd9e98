/* SPDX-License-Identifier: MIT */
#include "proxy/turns.h"

#include <pthread.h>
#include <stdlib.h>

#include "proxy/clock.h"

/* Of turns of one kind. */
struct lane {
    int64_t closed_until_ms;
    unsigned window; /* how many may be held */
    unsigned held;
};

/* Somebody who waits; in the thread's own memory. */
struct waiter {
    struct turn *turn;
    pthread_cond_t woken;
    struct waiter *next;
};

struct turns {
    pthread_mutex_t lock; /* of all that follows, and of shares and turns */
    unsigned places, held;
    uint64_t served;
    struct lane lanes[TURN_KINDS];
    struct waiter *waiting; /* in the order of their arrival */
};

struct turns *turns_new(unsigned places)
{
    struct turns *turns = calloc(1, sizeof(*turns));

    if (!turns)
        return NULL;
    pthread_mutex_init(&turns->lock, NULL);
    turns->places = places;
    for (int kind = 0; kind < TURN_KINDS; kind++)
        turns->lanes[kind].window = places;
    return turns;
}

void turns_free(struct turns *turns)
{
    if (!turns)
        return;
    pthread_mutex_destroy(&turns->lock);
    free(turns);
}

unsigned turns_waiting(struct turns *turns)
{
    unsigned count = 0;

    pthread_mutex_lock(&turns->lock);
    for (const struct waiter *waiter = turns->waiting; waiter; waiter = waiter->next)
        count++;
    pthread_mutex_unlock(&turns->lock);
    return count;
}

static void init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

/* Whether the turn can be had now; its peer leaves a place for those that come. */
static bool may_go(const struct turns *turns, const struct turn *turn, int64_t now_ms)
{
    const struct lane *lane = &turns->lanes[turn->kind];

    return lane->closed_until_ms <= now_ms && lane->held < lane->window &&
           turn->share->held < turns->places - turns->held;
}

static bool goes_before(const struct turn_share *one, const struct turn_share *other)
{
    return one->held != other->held ? one->held < other->held : one->last < other->last;
}

/* The link to who comes next, or NULL. */
static struct waiter **find_next(struct turns *turns, int64_t now_ms)
{
    struct waiter **best = NULL;

    for (struct waiter **link = &turns->waiting; *link; link = &(*link)->next)
        if (may_go(turns, (*link)->turn, now_ms) &&
            (!best || goes_before((*link)->turn->share, (*best)->turn->share)))
            best = link;
    return best;
}

static void hand_out(struct turns *turns, int64_t now_ms)
{
    struct waiter **link;

    while ((link = find_next(turns, now_ms))) {
        struct waiter *waiter = *link;
        struct turn *turn = waiter->turn;

        *link = waiter->next;
        turn->held = true;
        turn->share->held++;
        turns->held++;
        turns->lanes[turn->kind].held++;
        pthread_cond_signal(&waiter->woken);
    }
}

static void leave(struct turns *turns, const struct waiter *waiter)
{
    struct waiter **link = &turns->waiting;

    while (*link != waiter)
        link = &(*link)->next;
    *link = waiter->next;
}

/* Sleeps until it is woken, or until the lane opens or the time is up. */
static void sleep_for_turn(struct turns *turns, struct waiter *waiter, int64_t now_ms,
                           int64_t deadline_ms)
{
    int64_t opens_ms = turns->lanes[waiter->turn->kind].closed_until_ms;
    int64_t until_ms = opens_ms > now_ms ? opens_ms : deadline_ms;
    struct timespec until = {
        .tv_sec = until_ms / 1000,
        .tv_nsec = until_ms % 1000 * NS_PER_MS,
    };

    (void)pthread_cond_timedwait(&waiter->woken, &turns->lock, &until);
}

static void wait_for_turn(struct turns *turns, struct waiter *waiter, int64_t deadline_ms)
{
    const struct turn *turn = waiter->turn;
    struct waiter **link = &turns->waiting;

    while (*link)
        link = &(*link)->next;
    *link = waiter;
    for (;;) {
        int64_t now_ms = clock_now_ms();

        hand_out(turns, now_ms);
        if (turn->held)
            return;
        if (now_ms >= deadline_ms || turns->lanes[turn->kind].closed_until_ms >= deadline_ms)
            break;
        sleep_for_turn(turns, waiter, now_ms, deadline_ms);
    }
    leave(turns, waiter);
}

bool turn_take(struct turn *turn, enum turn_kind kind, int64_t deadline_ms)
{
    struct waiter waiter = {.turn = turn};

    if (turn->held)
        return true;
    turn->kind = kind;
    init_condition(&waiter.woken);
    pthread_mutex_lock(&turn->turns->lock);
    wait_for_turn(turn->turns, &waiter, deadline_ms);
    pthread_mutex_unlock(&turn->turns->lock);
    pthread_cond_destroy(&waiter.woken);
    return turn->held;
}

/* Those who wait are to see for how long it is closed. */
static void close_lane(struct turns *turns, enum turn_kind kind, int64_t until_ms)
{
    struct lane *lane = &turns->lanes[kind];

    lane->window = 1;
    if (lane->closed_until_ms < until_ms)
        lane->closed_until_ms = until_ms;
    for (struct waiter *waiter = turns->waiting; waiter; waiter = waiter->next)
        if (waiter->turn->kind == kind)
            pthread_cond_signal(&waiter->woken);
}

void turn_end(struct turn *turn, int64_t pause_ms)
{
    struct turns *turns = turn->turns;
    struct lane *lane;
    int64_t now_ms = clock_now_ms();

    if (!turn->held)
        return;
    pthread_mutex_lock(&turns->lock);
    lane = &turns->lanes[turn->kind];
    turn->held = false;
    turn->share->held--;
    turns->held--;
    lane->held--;
    if (pause_ms > 0) {
        close_lane(turns, turn->kind, now_ms + pause_ms);
    } else {
        turn->share->last = ++turns->served;
        if (lane->window < turns->places)
            lane->window++;
    }
    hand_out(turns, now_ms);
    pthread_mutex_unlock(&turns->lock);
}
