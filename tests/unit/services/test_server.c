/* SPDX-License-Identifier: MIT */
/* The native TPM's server with several clients at once, in a process of its own. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/file/io.h"
#include "services/tpm/mssim.h"
#include "services/tpm/server.h"
#include "tests/unit/child.h"
#include "tests/unit/registered.h"
#include "tests/unit/services/memory_disk.h"
#include "tests/unit/services/tpm_commands.h"

#define FIRST_PORT 21000
#define LAST_PORT  21100
#define CLIENTS    15

struct fixture {
    pid_t server;
    uint16_t port;
};

static int run_server(uint16_t port)
{
    static const uint8_t key[VOLUME_KEY_SIZE] = {1};
    struct memory_disk *disk = memory_disk_new();
    struct volume_storage storage = memory_disk_storage(disk);
    struct engine engine;
    uint8_t response[TPM_RESPONSE_MAX];
    bool served;

    if (engine_open(&engine, &storage, key) != ENGINE_MANUFACTURED ||
        engine_execute(&engine, 0, startup_clear, sizeof(startup_clear), response) !=
            TPM_HEADER_SIZE)
        return EXIT_FAILURE;
    served = server_run(&engine, port);
    engine_close(&engine);
    memory_disk_free(disk);
    return served ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Waits until somebody listens on the port, or the server has ended. */
static bool is_up(const struct fixture *f)
{
    int fd;

    while ((fd = connect_to(f->port)) < 0) {
        if (waitpid(f->server, NULL, WNOHANG) == f->server)
            return false;
        poll(NULL, 0, 10);
    }
    close(fd);
    return true;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    *state = f;
    alarm(120); /* a server that hangs would keep the test, too */
    for (f->port = FIRST_PORT; f->port < LAST_PORT; f->port += 2) {
        int taken = connect_to(f->port);

        if (taken >= 0) {
            close(taken);
            continue;
        }
        fflush(NULL);
        f->server = child_fork();
        assert_true(f->server >= 0);
        if (f->server == 0)
            _exit(run_server(f->port));
        if (is_up(f))
            return 0;
    }
    return -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    int status;

    kill(f->server, SIGTERM);
    assert_int_equal(waitpid(f->server, &status, 0), f->server);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EXIT_SUCCESS);
    free(f);
    return 0;
}

/* A TPM2_GetCapability of all commands, whose response is long, framed for the command port. */
static const uint8_t long_answer[] = {
    0,    0,    0,    MSSIM_SEND_COMMAND,
    0,    0,    0,    0,
    22, /* locality, size */
    0x80, 0x01, 0,    0,
    0,    22,   0,    0,
    0x01, 0x7a, 0,    0,
    0,    2, /* TPM_CAP_COMMANDS */
    0,    0,    0x01, 0x1f,
    0,    0,    0,    254, /* from the first on, 254 of them */
};

/* Sends a command and takes the answer. */
static void get_answer(int fd)
{
    uint8_t bytes[TPM_RESPONSE_MAX];
    uint8_t size[4];
    uint8_t end[4];

    assert_true(io_write_all(fd, long_answer, sizeof(long_answer)));
    assert_true(io_read_exactly(fd, size, sizeof(size)));
    assert_in_range(get_be32(size), 400, sizeof(bytes));
    assert_true(io_read_exactly(fd, bytes, get_be32(size)));
    assert_int_equal(get_be32(bytes + 6), TPM_RC_SUCCESS);
    assert_true(io_read_exactly(fd, end, sizeof(end)));
    assert_int_equal(get_be32(end), 0);
}

/* Sends commands, and takes no answer, until nothing more fits between the two. Returns how many
 * were sent whole. */
static size_t send_until_stuck(int fd)
{
    size_t sent = 0;

    for (;;) {
        struct pollfd writable = {.fd = fd, .events = POLLOUT};
        ssize_t part =
            send(fd, long_answer + sent % sizeof(long_answer),
                 sizeof(long_answer) - sent % sizeof(long_answer), MSG_DONTWAIT | MSG_NOSIGNAL);

        if (part > 0)
            sent += (size_t)part;
        else if (errno != EAGAIN || poll(&writable, 1, 300) == 0)
            break;
    }
    return sent / sizeof(long_answer);
}

TEST_FIXTURE(a_client_that_does_not_read_keeps_nobody_waiting, set_up, tear_down)
{
    const struct fixture *f = *state;
    int silent = connect_to(f->port);
    int other = connect_to(f->port);

    assert_in_range(send_until_stuck(silent), 1000, SIZE_MAX);
    for (int i = 0; i < 100; i++)
        get_answer(other);
    close(other);
    close(silent);
}

TEST_FIXTURE(a_client_that_reads_late_gets_all_its_answers, set_up, tear_down)
{
    const struct fixture *f = *state;
    int late = connect_to(f->port);
    size_t sent = send_until_stuck(late);
    uint8_t bytes[4 + TPM_RESPONSE_MAX + 4];

    while (sent-- > 0) {
        assert_true(io_read_exactly(late, bytes, 4));
        assert_true(io_read_exactly(late, bytes + 4, get_be32(bytes) + 4));
        assert_int_equal(get_be32(bytes + 4 + 6), TPM_RC_SUCCESS);
    }
    close(late);
}

TEST_FIXTURE(many_clients_take_turns, set_up, tear_down)
{
    const struct fixture *f = *state;
    int clients[CLIENTS];

    for (size_t i = 0; i < CLIENTS; i++)
        clients[i] = connect_to(f->port);
    for (int round = 0; round < 10; round++)
        for (size_t i = 0; i < CLIENTS; i++)
            get_answer(clients[i]);
    for (size_t i = 0; i < CLIENTS; i++)
        close(clients[i]);
}

TEST_FIXTURE(the_server_ends_though_a_client_does_not_read, set_up, tear_down)
{
    const struct fixture *f = *state;
    int silent = connect_to(f->port);

    send_until_stuck(silent);
    kill(f->server, SIGTERM); /* tear_down() waits for it */
    close(silent);
}
