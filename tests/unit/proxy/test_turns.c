/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "proxy/turns.h"
#include "tests/unit/registered.h"

#define WAITERS_MAX 16

static struct turn_share greedy, modest;
static struct turns *turns;

static int end(void **state)
{
    (void)state;
    turns_free(turns);
    greedy = modest = (struct turn_share){0};
    return 0;
}

static struct turn turn_of(struct turn_share *share)
{
    return (struct turn){.turns = turns, .share = share};
}

static bool take_at_once(struct turn *turn, enum turn_kind kind)
{
    return turn_take(turn, kind, clock_now_ms());
}

/* Threads that each wait for a turn, and give it back at once; whose they were is noted in their
 * order. */
struct queue {
    struct turn_share *order[WAITERS_MAX];
    atomic_size_t served;
    size_t count;
    struct waiting {
        struct queue *queue;
        struct turn turn;
        int64_t pause_ms;
        bool taken;
        pthread_t thread;
    } waiting[WAITERS_MAX];
};

static void *wait_and_end(void *context)
{
    struct waiting *waiting = context;

    waiting->taken = turn_take(&waiting->turn, TURN_SESSION, clock_now_ms() + 20000);
    waiting->queue->order[atomic_fetch_add(&waiting->queue->served, 1)] = waiting->turn.share;
    turn_end(&waiting->turn, waiting->pause_ms);
    return NULL;
}

/* It ends its turn with that pause. */
static void queue_up(struct queue *queue, struct turn_share *share, int64_t pause_ms)
{
    struct waiting *waiting = &queue->waiting[queue->count++];

    *waiting = (struct waiting){.queue = queue, .turn = turn_of(share), .pause_ms = pause_ms};
    assert_int_equal(pthread_create(&waiting->thread, NULL, wait_and_end, waiting), 0);
}

static void await_waiting(unsigned count)
{
    while (turns_waiting(turns) < count)
        usleep(1000);
}

static void join(struct queue *queue)
{
    for (size_t i = 0; i < queue->count; i++) {
        pthread_join(queue->waiting[i].thread, NULL);
        assert_true(queue->waiting[i].taken);
    }
}

TEST_TEARDOWN(as_many_have_a_turn_as_there_are_places, end)
{
    struct turn_share other = {0};
    struct turn one, two, three;

    turns = turns_new(2);
    one = turn_of(&greedy);
    two = turn_of(&modest);
    three = turn_of(&other);
    assert_true(take_at_once(&one, TURN_SESSION));
    assert_true(take_at_once(&one, TURN_SESSION)); /* it has it already */
    assert_true(take_at_once(&two, TURN_EVIDENCE));
    assert_false(take_at_once(&three, TURN_SESSION));
    turn_end(&one, 0);
    turn_end(&one, 0);
    assert_true(take_at_once(&three, TURN_SESSION));
    turn_end(&two, 0);
    turn_end(&three, 0);
}

/* One peer: half of them; two: a third each. */
TEST_TEARDOWN(whoever_has_no_turn_finds_a_place, end)
{
    struct turn_share other = {0};
    struct turn mine[6], others[6], late;
    int had = 0, others_had = 0;

    turns = turns_new(6);
    for (int i = 0; i < 6; i++) {
        mine[i] = turn_of(&greedy);
        had += take_at_once(&mine[i], TURN_SESSION);
    }
    assert_int_equal(had, 3);
    for (int i = 0; i < 6; i++) {
        others[i] = turn_of(&other);
        others_had += take_at_once(&others[i], TURN_EVIDENCE);
    }
    assert_in_range(others_had, 1, 2);
    late = turn_of(&modest);
    assert_true(take_at_once(&late, TURN_SESSION));
    turn_end(&late, 0);
    for (int i = 0; i < 6; i++) {
        turn_end(&mine[i], 0);
        turn_end(&others[i], 0);
    }
}

/* While the only place is taken, eight of one peer queue up, then two of another. */
TEST_TEARDOWN(however_many_of_a_peer_wait_another_is_next_but_one, end)
{
    struct queue queue = {0};
    struct turn first;
    int places[2], found = 0;

    turns = turns_new(1);
    first = turn_of(&greedy);
    assert_true(take_at_once(&first, TURN_SESSION));
    for (int i = 0; i < 8; i++)
        queue_up(&queue, &greedy, 0);
    for (int i = 0; i < 2; i++)
        queue_up(&queue, &modest, 0);
    await_waiting(10);
    turn_end(&first, 0);
    join(&queue);
    for (int i = 0; i < 10; i++)
        if (queue.order[i] == &modest)
            places[found++] = i;
    assert_int_equal(found, 2);
    assert_int_equal(places[0], 0); /* it had none yet */
    assert_int_equal(places[1], 2); /* and the other had one in between */
}

TEST_TEARDOWN(a_turn_that_the_kbs_did_not_take_does_not_count, end)
{
    struct turn refused, other;
    uint64_t before;

    turns = turns_new(1);
    other = turn_of(&greedy);
    assert_true(take_at_once(&other, TURN_SESSION));
    turn_end(&other, 0);
    before = modest.last;
    refused = turn_of(&modest);
    assert_true(take_at_once(&refused, TURN_SESSION));
    turn_end(&refused, 1);
    assert_int_equal(modest.last, before);
    assert_true(modest.last < greedy.last);
}

TEST_TEARDOWN(nobody_goes_before_the_pause_is_over, end)
{
    struct turn one, two;
    int64_t start_ms;

    turns = turns_new(8);
    one = turn_of(&greedy);
    two = turn_of(&modest);
    assert_true(take_at_once(&one, TURN_SESSION));
    start_ms = clock_now_ms();
    turn_end(&one, 300);
    assert_false(take_at_once(&two, TURN_SESSION));
    assert_true(turn_take(&two, TURN_SESSION, start_ms + 20000));
    assert_true(clock_now_ms() >= start_ms + 300);
    turn_end(&two, 0);
}

TEST_TEARDOWN(those_who_wait_already_heed_a_pause_that_begins, end)
{
    struct queue queue = {0};
    struct turn first;
    int64_t start_ms;

    turns = turns_new(1);
    first = turn_of(&greedy);
    assert_true(take_at_once(&first, TURN_SESSION));
    for (int i = 0; i < 4; i++)
        queue_up(&queue, i % 2 ? &modest : &greedy, 0);
    await_waiting(4);
    start_ms = clock_now_ms();
    turn_end(&first, 200);
    join(&queue);
    assert_true(clock_now_ms() >= start_ms + 200);
}

/* A KBS that was asked for too much is not asked for as much at once again. */
TEST_TEARDOWN(after_a_pause_one_goes_and_then_more, end)
{
    struct turn_share shares[8] = {0};
    struct turn held[8];

    turns = turns_new(8);
    for (int i = 0; i < 8; i++)
        held[i] = turn_of(&shares[i]);
    for (int i = 0; i < 8; i++)
        assert_true(take_at_once(&held[i], TURN_SESSION));
    for (int i = 0; i < 8; i++)
        turn_end(&held[i], 1);
    assert_true(turn_take(&held[0], TURN_SESSION, clock_now_ms() + 20000));
    assert_false(take_at_once(&held[1], TURN_SESSION));
    turn_end(&held[0], 0);
    assert_true(take_at_once(&held[1], TURN_SESSION));
    assert_true(take_at_once(&held[2], TURN_SESSION));
    assert_false(take_at_once(&held[3], TURN_SESSION));
    turn_end(&held[1], 0);
    turn_end(&held[2], 0);
    for (int i = 0; i < 4; i++)
        assert_true(take_at_once(&held[i], TURN_SESSION));
    assert_false(take_at_once(&held[4], TURN_SESSION));
    for (int i = 0; i < 4; i++)
        turn_end(&held[i], 0);
}

TEST_TEARDOWN(new_sessions_and_evidence_do_not_pause_for_each_other, end)
{
    struct turn one, two;

    turns = turns_new(2);
    one = turn_of(&greedy);
    two = turn_of(&modest);
    assert_true(take_at_once(&one, TURN_SESSION));
    turn_end(&one, 60000);
    assert_true(take_at_once(&two, TURN_EVIDENCE));
    turn_end(&two, 60000);
    assert_false(take_at_once(&one, TURN_SESSION));
    assert_false(take_at_once(&one, TURN_EVIDENCE));
}

TEST_TEARDOWN(a_pause_longer_than_the_time_is_not_waited_for, end)
{
    struct turn turn;
    int64_t start_ms;

    turns = turns_new(1);
    turn = turn_of(&modest);
    assert_true(take_at_once(&turn, TURN_SESSION));
    turn_end(&turn, 60000);
    start_ms = clock_now_ms();
    assert_false(turn_take(&turn, TURN_SESSION, start_ms + 30000));
    assert_true(clock_now_ms() < start_ms + 30000);
    assert_int_equal(turns_waiting(turns), 0);
}

/* Many threads, peers and pauses: what is handed out comes back, and everybody is served. */
TEST_TEARDOWN(all_are_served_in_the_end, end)
{
    struct turn_share shares[4] = {0};
    struct queue *queue = calloc(1, sizeof(*queue));

    turns = turns_new(3);
    for (int round = 0; round < 20; round++) {
        *queue = (struct queue){0};
        for (int i = 0; i < WAITERS_MAX; i++)
            queue_up(queue, &shares[i % 4], i % 5 == 0);
        join(queue);
    }
    for (int i = 0; i < 4; i++)
        assert_int_equal(shares[i].held, 0);
    free(queue);
}
