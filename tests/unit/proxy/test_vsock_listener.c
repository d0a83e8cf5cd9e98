/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "proxy/peers.h"
#include "proxy/vsock_listener.h"
#include "tests/unit/proxy/vm.h"
#include "tests/unit/registered.h"

#define PORT      19951
#define ACCEPT_MS 2000

/* Listens on PORT, or skips the test with the reason. */
static int listen_or_skip(void)
{
    int fd;

    switch (vsock_listener_open(PORT, &fd)) {
    case VSOCK_LISTENER_OK:
        return fd;
    case VSOCK_LISTENER_UNSUPPORTED:
        print_message("skipped: this kernel has no vsock\n");
        skip();
    default:
        fail_msg("vsock port %d: %s", PORT, strerror(errno));
    }
    return -1;
}

TEST(a_port_that_is_served_is_named_so)
{
    int first = listen_or_skip(), second;

    assert_int_equal(vsock_listener_open(PORT, &second), VSOCK_LISTENER_IN_USE);
    close(first);
    assert_int_equal(vsock_listener_open(PORT, &second), VSOCK_LISTENER_OK);
    close(second);
}

TEST(a_peer_is_known_by_its_cid)
{
    int listening = listen_or_skip(), vm = vm_try_connect_vsock(PORT), fd;
    struct pollfd descriptor = {.fd = listening, .events = POLLIN};
    struct peer peer;

    if (vm < 0) {
        close(listening);
        print_message("skipped: no vsock loopback (module vsock_loopback)\n");
        skip();
    }
    assert_int_equal(poll(&descriptor, 1, ACCEPT_MS), 1);
    fd = accept(listening, NULL, NULL);
    assert_true(peer_of_socket(fd, &peer));
    assert_int_equal(peer.kind, PEER_CID);
    assert_int_equal(peer.id, VMADDR_CID_LOCAL);
    assert_string_equal(peer.name, "vsock cid 1");
    close(fd);
    close(vm);
    close(listening);
}
