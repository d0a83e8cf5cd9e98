/* SPDX-License-Identifier: MIT */
/* Token buckets, at times that the test makes up. */
#include "kbs/server/client.h"
#include "kbs/server/rate_limit.h"
#include "tests/unit/registered.h"

static const struct rate unlimited = {0};

static struct rate_limit *make(struct rate each, struct rate all, size_t clients)
{
    struct rate_limit *limit = rate_limit_new(each, all, clients);

    assert_non_null(limit);
    return limit;
}

static void take(struct rate_limit *limit, uint64_t client, unsigned times, uint64_t now_ms)
{
    for (unsigned i = 0; i < times; i++)
        assert_int_equal(rate_limit_take(limit, client, now_ms), 0);
}

TEST(a_burst_passes_then_the_rate)
{
    struct rate_limit *limit = make((struct rate){5, 20}, unlimited, 8);

    take(limit, 7, 20, 1000);
    assert_int_equal(rate_limit_take(limit, 7, 1000), 1);
    assert_int_equal(rate_limit_take(limit, 7, 1199), 1);
    take(limit, 7, 1, 1200);
    assert_int_equal(rate_limit_take(limit, 7, 1200), 1);
    take(limit, 7, 5, 2200);
    assert_int_equal(rate_limit_take(limit, 7, 2200), 1);
    rate_limit_free(limit);
}

TEST(a_bucket_never_holds_more_than_the_burst)
{
    struct rate_limit *limit = make((struct rate){1000000, 3}, unlimited, 8);

    take(limit, 7, 3, 0);
    take(limit, 7, 3, UINT64_MAX / 2);
    assert_int_equal(rate_limit_take(limit, 7, UINT64_MAX / 2), 1);
    rate_limit_free(limit);
}

TEST(time_that_stands_still_or_goes_back_gives_nothing)
{
    struct rate_limit *limit = make((struct rate){1, 1}, unlimited, 8);

    take(limit, 7, 1, 5000);
    assert_int_equal(rate_limit_take(limit, 7, 5000), 1);
    assert_int_equal(rate_limit_take(limit, 7, 4000), 1);
    rate_limit_free(limit);
}

TEST(clients_do_not_share_their_buckets)
{
    struct rate_limit *limit = make((struct rate){1, 2}, unlimited, 8);

    take(limit, 1, 2, 0);
    assert_int_not_equal(rate_limit_take(limit, 1, 0), 0);
    take(limit, 2, 2, 0);
    rate_limit_free(limit);
}

TEST(all_clients_together_have_a_limit)
{
    struct rate_limit *limit = make((struct rate){10, 10}, (struct rate){2, 4}, 8);

    for (uint64_t client = 1; client <= 4; client++)
        take(limit, client, 1, 0);
    assert_int_equal(rate_limit_take(limit, 5, 0), 1);
    take(limit, 5, 1, 500);
    rate_limit_free(limit);
}

TEST(a_refusal_takes_nothing_from_the_others)
{
    struct rate_limit *limit = make((struct rate){1, 1}, (struct rate){1, 3}, 8);

    take(limit, 1, 1, 0);
    for (int i = 0; i < 100; i++)
        assert_int_not_equal(rate_limit_take(limit, 1, 0), 0);
    take(limit, 2, 1, 0);
    take(limit, 3, 1, 0);
    rate_limit_free(limit);
}

TEST(asking_takes_nothing)
{
    struct rate_limit *limit = make((struct rate){1, 1}, unlimited, 8);

    for (int i = 0; i < 100; i++)
        assert_int_equal(rate_limit_wait(limit, 1, true, 0), 0);
    take(limit, 1, 1, 0);
    assert_int_equal(rate_limit_wait(limit, 1, true, 0), 1);
    rate_limit_free(limit);
}

/* As of requests that were let in at once, before the first of them was refused. */
TEST(what_happened_is_charged_though_there_was_no_token)
{
    struct rate_limit *limit = make((struct rate){1, 2}, (struct rate){1, 100}, 8);

    for (int i = 0; i < 7; i++)
        rate_limit_charge(limit, 1, 0);
    assert_int_equal(rate_limit_wait(limit, 1, true, 0), 6);
    assert_int_equal(rate_limit_wait(limit, 1, true, 5999), 1);
    assert_int_equal(rate_limit_wait(limit, 1, true, 6000), 0);
    assert_int_equal(rate_limit_wait(limit, 2, true, 0), 0);
    rate_limit_free(limit);
}

TEST(what_all_did_together_is_charged_to_each_and_to_all)
{
    struct rate_limit *limit = make((struct rate){1, 1}, (struct rate){1, 3}, 8);

    for (uint64_t client = 1; client <= 5; client++)
        rate_limit_charge(limit, client, 0);
    for (uint64_t client = 1; client <= 5; client++)
        assert_int_equal(rate_limit_wait(limit, client, false, 0), 1);
    assert_int_equal(rate_limit_wait(limit, 6, false, 0), 0);
    assert_int_equal(rate_limit_wait(limit, 6, true, 0), 3);
    assert_int_equal(rate_limit_wait(limit, 6, true, 3000), 0);
    rate_limit_free(limit);
}

TEST(the_client_away_longest_makes_room)
{
    struct rate_limit *limit = make((struct rate){1, 1}, unlimited, 3);

    take(limit, 1, 1, 0);
    take(limit, 2, 1, 0);
    take(limit, 3, 1, 0);
    assert_int_not_equal(rate_limit_take(limit, 1, 0), 0); /* now 2 is the oldest */
    take(limit, 4, 1, 0);
    assert_int_not_equal(rate_limit_take(limit, 1, 0), 0);
    assert_int_not_equal(rate_limit_take(limit, 3, 0), 0);
    take(limit, 2, 1, 0);
    rate_limit_free(limit);
}

/* Twice as many clients as there are places, in turns, so that each finds its place taken. */
TEST(a_full_table_stays_whole)
{
    struct rate_limit *limit = make((struct rate){1, 1}, unlimited, 64);

    for (uint64_t round = 0; round < 50; round++)
        for (uint64_t client = 1; client <= 128; client++)
            take(limit, client * 0x100000001u, 1, round);
    rate_limit_free(limit);
}

TEST(no_rate_is_no_limit)
{
    struct rate_limit *limit = make(unlimited, unlimited, 2);

    take(limit, 1, 10000, 0);
    rate_limit_free(limit);
}

TEST(an_ipv6_network_is_one_client)
{
    assert_int_equal(client_key_of_text("2001:db8:0:1::1"),
                     client_key_of_text("2001:db8:0:1:ffff:ffff:ffff:ffff"));
    assert_int_not_equal(client_key_of_text("2001:db8:0:1::1"),
                         client_key_of_text("2001:db8:0:2::1"));
    assert_int_equal(client_key_of_text("::ffff:192.0.2.1"), client_key_of_text("192.0.2.1"));
    assert_int_not_equal(client_key_of_text("192.0.2.2"), client_key_of_text("192.0.2.1"));
    assert_int_not_equal(client_key_of_text("::1"), 0);
    assert_int_equal(client_key_of_text("unknown"), 0);
}
