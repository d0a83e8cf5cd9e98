/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/peers.h"
#include "tests/unit/registered.h"

static const struct peer first = {.kind = PEER_CID, .id = 3};
static const struct peer second = {.kind = PEER_CID, .id = 4};
static const struct peer process = {.kind = PEER_PROCESS, .id = 3};

TEST(each_peer_has_its_own_number_of_connections)
{
    struct peers *peers = peers_new(&(struct peers_limits){.total = 9, .per_peer = 2, .rate = 1});
    struct peer_account *account;

    assert_int_equal(peers_enter(peers, &first, &account), PEERS_ADMITTED);
    assert_int_equal(peers_enter(peers, &first, &account), PEERS_ADMITTED);
    assert_int_equal(peers_enter(peers, &first, &account), PEERS_TOO_MANY_OF_PEER);
    assert_int_equal(peers_enter(peers, &second, &account), PEERS_ADMITTED);
    assert_int_equal(peers_enter(peers, &process, &account), PEERS_ADMITTED); /* no CID 3 */
    peers_free(peers);
}

TEST(a_place_is_free_again_when_a_connection_ends)
{
    struct peers *peers = peers_new(&(struct peers_limits){.total = 1, .per_peer = 1, .rate = 1});
    struct peer_account *account, *other;

    assert_int_equal(peers_enter(peers, &first, &account), PEERS_ADMITTED);
    assert_int_equal(peers_enter(peers, &second, &other), PEERS_TOO_MANY);
    peers_leave(peers, account);
    assert_int_equal(peers_enter(peers, &second, &other), PEERS_ADMITTED);
    peers_free(peers);
}

TEST(whoever_talks_too_fast_waits_and_nobody_else_does)
{
    struct peers *peers = peers_new(&(struct peers_limits){.total = 4, .per_peer = 4, .rate = 10});
    struct peer_account *account, *other;
    int wait_ms;

    assert_int_equal(peers_enter(peers, &first, &account), PEERS_ADMITTED);
    assert_int_equal(peers_enter(peers, &second, &other), PEERS_ADMITTED);
    for (int i = 0; i < PEERS_BURST; i++)
        assert_int_equal(peers_turn_ms(peers, account), 0);
    for (int i = 0; i < 10; i++) /* a burst takes no time, or a little on a busy machine */
        wait_ms = peers_turn_ms(peers, account);
    assert_in_range(wait_ms, 1, 1001);
    assert_int_equal(peers_turn_ms(peers, other), 0);
    peers_free(peers);
}

TEST(coming_back_does_not_renew_a_burst)
{
    struct peers *peers = peers_new(&(struct peers_limits){.total = 1, .per_peer = 1, .rate = 1});
    struct peer_account *account;

    assert_int_equal(peers_enter(peers, &first, &account), PEERS_ADMITTED);
    for (int i = 0; i < PEERS_BURST + 5; i++)
        (void)!peers_turn_ms(peers, account);
    peers_leave(peers, account);
    assert_int_equal(peers_enter(peers, &second, &account), PEERS_ADMITTED);
    peers_leave(peers, account);
    assert_int_equal(peers_enter(peers, &first, &account), PEERS_ADMITTED);
    assert_true(peers_turn_ms(peers, account) > 1000);
    peers_free(peers);
}

TEST(the_kernel_tells_who_connected_to_a_unix_socket)
{
    struct peer peer;
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_true(peer_of_socket(ends[0], &peer));
    assert_int_equal(peer.kind, PEER_PROCESS);
    assert_int_equal(peer.id, getpid());
    assert_non_null(strstr(peer.name, "unix pid "));
    assert_false(peer_of_socket(-1, &peer));
    close(ends[0]);
    close(ends[1]);
}
