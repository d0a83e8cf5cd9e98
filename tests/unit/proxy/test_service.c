/* SPDX-License-Identifier: MIT */
/*
 * The program, with real sockets and terminals, before a KBS that tells its clients apart.
 * Argument: the path of the program.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "proxy/frame.h"
#include "tests/unit/child.h"
#include "tests/unit/kbs/scratch.h"
#include "tests/unit/proxy/canned_kbs.h"
#include "tests/unit/proxy/certificates.h"
#include "tests/unit/proxy/frames.h"
#include "tests/unit/proxy/program.h"
#include "tests/unit/proxy/pty.h"
#include "tests/unit/proxy/vm.h"
#include "tests/unit/registered.h"

#define CLIENTS  200
#define PAUSE_US 20000

/* Sanitizers keep freed memory, and take their time. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static const char *program;

/* A proxy and its KBS. */
struct world {
    struct canned_kbs kbs;
    char socket_path[PATH_MAX];
    pid_t pid;
    FILE *log;
};

#define ARGUMENTS_MAX 24

/* Starts the proxy with --unix, --url and the arguments up to NULL. */
static void start_proxy(struct world *world, const char *const more[])
{
    const char *arguments[ARGUMENTS_MAX] = {
        program, "--unix", scratch_path("socket", world->socket_path), "--url", world->kbs.url,
    };
    size_t count = 5;

    for (; *more; more++)
        arguments[count++] = *more;
    world->pid = program_start(program, arguments, &world->log);
    program_says(world->log, "\"serving\"");
}

#define START(world, ...)                                                                          \
    (canned_kbs_start(&(world)->kbs), start_proxy(world, (const char *const[]){__VA_ARGS__, NULL}))

/* It ends well, and leaves nothing behind. */
static void stop(struct world *world)
{
    int status = program_stop(world->pid);

    if (status != 0)
        program_show(world->log);
    assert_int_equal(status, 0);
    assert_int_equal(access(world->socket_path, F_OK), -1);
    fclose(world->log);
    canned_kbs_stop(&world->kbs);
    assert_int_equal(world->kbs.mixed_up, 0);
}

/* What one of several clients does, each in a thread. */
struct client {
    const struct world *world;
    int attestations;
    bool reconnects;
    int failed;
};

static void *run_client(void *context)
{
    struct client *client = context;
    int vm = -1;

    for (int i = 0; i < client->attestations; i++) {
        if (vm < 0)
            vm = vm_try_connect(client->world->socket_path);
        if (vm < 0 || !canned_kbs_attests(vm))
            client->failed++;
        if (client->reconnects && vm >= 0) {
            close(vm);
            vm = -1;
        }
    }
    if (vm >= 0)
        close(vm);
    return NULL;
}

/* Returns how many attestations failed. */
static int run_clients(const struct world *world, int count, int attestations, bool reconnects)
{
    struct client *clients = calloc((size_t)count, sizeof(*clients));
    pthread_t *threads = calloc((size_t)count, sizeof(*threads));
    int failed = 0;

    for (int i = 0; i < count; i++) {
        clients[i] = (struct client){
            .world = world,
            .attestations = attestations,
            .reconnects = reconnects,
        };
        assert_int_equal(pthread_create(&threads[i], NULL, run_client, &clients[i]), 0);
    }
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        failed += clients[i].failed;
    }
    free(threads);
    free(clients);
    return failed;
}

TEST(two_hundred_clients_at_once_each_get_their_own_secret)
{
    static struct world world;

    START(&world, "--per-peer", "256", "--rate", "100000");
    assert_int_equal(run_clients(&world, CLIENTS, 3, false), 0);
    assert_int_equal(world.kbs.released, CLIENTS * 3);
    stop(&world);
}

/* The KBS gives so many to a client, and all VMs of a host are one. The proxy may see a connection
 * end after the next one begins, so there is room for both. */
TEST(there_are_no_more_connections_to_the_kbs_than_allowed)
{
    static struct world world;
    int vms[16];

    START(&world, "--per-peer", "32", "--rate", "1000", "--kbs-connections", "4");
    for (int i = 0; i < 16; i++) {
        vms[i] = vm_connect(world.socket_path);
        vm_sends(vms[i], NEGOTIATION_REQUEST);
    }
    for (int i = 0; i < 16; i++)
        free(vm_hears(vms[i]));
    assert_int_equal(world.kbs.sessions, 16); /* which are all under way */
    for (int i = 0; i < 16; i++)
        close(vms[i]);
    assert_int_equal(run_clients(&world, 16, 3, false), 0);
    stop(&world);
    assert_in_range(world.kbs.most_connections, 1, 4);
}

/* In KiB. */
static long resident_memory(pid_t pid)
{
    char path[64], line[256];
    long size = -1;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    file = fopen(path, "r");
    while (size < 0 && fgets(line, sizeof(line), file))
        (void)!sscanf(line, "VmRSS: %ld", &size);
    fclose(file);
    return size;
}

TEST(memory_is_flat_over_ten_thousand_exchanges)
{
    static struct world world;
    int rounds = SANITIZED ? 10 : 80;
    long before, after;

    START(&world, "--per-peer", "256", "--rate", "1000000");
    assert_int_equal(run_clients(&world, 8, rounds, true), 0);
    before = resident_memory(world.pid);
    for (int i = 0; i < 8; i++) /* an exchange is a message and its answer */
        assert_int_equal(run_clients(&world, 8, rounds, true), 0);
    after = resident_memory(world.pid);
    print_message("%u attestations; resident memory was %ld KiB, is %ld KiB\n", world.kbs.released,
                  before, after);
    if (!SANITIZED)
        assert_true(after - before < 1024);
    stop(&world);
}

/* Each misbehaves in its way and stays; the last one never reads what it is sent. */
TEST(hostile_clients_hold_up_nobody_else)
{
    static const char oversized[] = "\1\0\1\0\0\0\0\0{}", half[] = "\377\0\0\0";
    static struct world world;
    static char garbage[5 * FRAME_MAX];
    int hostile[5], vm;
    int64_t start_ms;

    START(&world, "--rate", "1000");
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
        hostile[i] = vm_connect(world.socket_path);
    memset(garbage, 0x55, sizeof(garbage));
    vm_sends_bytes(hostile[0], oversized, sizeof(oversized) - 1);
    vm_sends_bytes(hostile[1], half, sizeof(half) - 1);
    vm_sends_bytes(hostile[2], garbage, sizeof(garbage));
    assert_int_equal(fcntl(hostile[4], F_SETFL, O_NONBLOCK), 0);
    for (int i = 0; i < 20000; i++)
        (void)!write(hostile[4], "\2\0\0\0\0\0\0\0{}", 10);

    start_ms = clock_now_ms();
    vm = vm_connect(world.socket_path);
    assert_true(canned_kbs_attests(vm));
    assert_true(clock_now_ms() - start_ms < 5000);
    close(vm);
    vm_receives(hostile[0], FAILURE_OF_VM);
    assert_true(canned_kbs_attests(hostile[0])); /* it came to its senses */
    assert_true(canned_kbs_attests(hostile[3])); /* it was idle, as it may */
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
        close(hostile[i]);
    stop(&world);
}

TEST(more_connections_than_allowed_are_refused_until_one_ends)
{
    static struct world world;
    int vms[4], surplus;

    START(&world, "--connections", "4", "--per-peer", "16", "--rate", "1000");
    for (int i = 0; i < 4; i++) {
        vms[i] = vm_connect(world.socket_path);
        assert_true(canned_kbs_attests(vms[i]));
    }
    surplus = vm_connect(world.socket_path);
    vm_is_left(surplus);
    close(surplus);
    program_says(world.log, "too-many-connections");
    close(vms[0]);
    program_says(world.log, "\"closed\"");
    vms[0] = vm_connect(world.socket_path);
    for (int i = 0; i < 100 && !canned_kbs_attests(vms[0]); i++) { /* its place is free soon */
        close(vms[0]);
        usleep(PAUSE_US);
        vms[0] = vm_connect(world.socket_path);
    }
    assert_true(canned_kbs_attests(vms[0]));
    for (int i = 0; i < 4; i++)
        close(vms[i]);
    stop(&world);
}

TEST(one_peer_does_not_take_all_connections)
{
    static struct world world;
    int first, second;

    START(&world, "--per-peer", "1");
    first = vm_connect(world.socket_path);
    assert_true(canned_kbs_attests(first));
    second = vm_connect(world.socket_path);
    vm_is_left(second);
    program_says(world.log, "too-many-connections-of-peer");
    close(first);
    close(second);
    stop(&world);
}

TEST(a_peer_that_never_stops_asking_is_slowed_down)
{
    static struct world world;
    int64_t start_ms;
    int vm;

    START(&world, "--rate", "10");
    vm = vm_connect(world.socket_path);
    start_ms = clock_now_ms();
    for (int i = 0; i < 25; i++) /* 50 messages, of which 16 are free */
        assert_true(canned_kbs_attests(vm));
    assert_true(clock_now_ms() - start_ms >= 900);
    close(vm);
    stop(&world);
}

static void *start_kbs_later(void *context)
{
    usleep(1000000);
    canned_kbs_start(context);
    return NULL;
}

TEST(a_kbs_that_comes_up_within_the_deadline_is_not_missed)
{
    static struct world world;
    pthread_t thread;
    int vm;

    START(&world, "--timeout", "20");
    canned_kbs_stop(&world.kbs);
    assert_int_equal(pthread_create(&thread, NULL, start_kbs_later, &world.kbs), 0);
    vm = vm_connect(world.socket_path);
    assert_true(canned_kbs_attests(vm));
    pthread_join(thread, NULL);
    close(vm);
    stop(&world);
}

/* The VM is told when the other end is not whom the options name. */
TEST(over_https_only_the_kbs_that_was_named_is_asked)
{
    static struct world world;
    struct authority ours, theirs;
    struct identity identity;
    char ca[PATH_MAX];
    int vm;

    authority_make(&ours, "ours");
    authority_make(&theirs, "theirs");
    identity_make(&identity, &ours, "IP:127.0.0.1", 1);
    world.kbs.certificate = identity.certificate;
    world.kbs.key = identity.key;
    authority_write(&ours, scratch_path("ca.pem", ca));
    START(&world, "--ca", ca, "--pin", identity.pin);
    vm = vm_connect(world.socket_path);
    assert_true(canned_kbs_attests(vm));
    authority_write(&theirs, ca); /* read anew for each conversation */
    vm_asks(vm, NEGOTIATION_REQUEST, NEGOTIATION_FAILURE("kbs-tls"));
    authority_write(&ours, ca);
    assert_true(canned_kbs_attests(vm));
    close(vm);
    stop(&world);
    identity_free(&identity);
    authority_free(&ours);
    authority_free(&theirs);
}

TEST(a_serial_device_is_served_and_opened_again_when_it_comes_back)
{
    static struct world world;
    char path[PATH_MAX];
    int vm;

    close(pty_open(scratch_path("tty", path))); /* skips, if it must, before there is anything */
    unlink(path);
    START(&world, "--serial", scratch_path("tty", path), "--timeout", "5", "--rate", "1000");
    rewind(world.log);
    program_says(world.log, "device-unavailable"); /* the VM is not there yet */
    for (int boot = 0; boot < 3; boot++) {
        vm = pty_open(path);
        program_says(world.log, "\"opened\"");
        assert_true(canned_kbs_attests(vm));
        vm_sends_bytes(vm, "noise of a firmware", 19);
        vm_receives(vm, FAILURE_OF_VM);
        assert_true(canned_kbs_attests(vm)); /* another boot on the same line */
        close(vm);
        program_says(world.log, "\"closed\"");
    }
    stop(&world);
}

TEST(what_is_in_progress_finishes_when_told_to_end)
{
    static struct world world;
    int busy, idle;
    char *answer;

    START(&world, "--timeout", "10");
    busy = vm_connect(world.socket_path);
    idle = vm_connect(world.socket_path);
    assert_true(canned_kbs_attests(idle));
    atomic_store(&world.kbs.delay_ms, 1000);
    vm_sends(busy, NEGOTIATION_REQUEST);
    canned_kbs_await_request(&world.kbs, 4); /* after the three of the other */
    kill(world.pid, SIGTERM);
    vm_is_left(idle);
    assert_int_equal(access(world.socket_path, F_OK), -1);
    answer = vm_hears(busy);
    assert_non_null(answer);
    assert_null(strstr(answer, "reason"));
    free(answer);
    close(busy);
    close(idle);
    assert_int_equal(program_exit_status(world.pid), 0);
    fclose(world.log);
    canned_kbs_stop(&world.kbs);
}

TEST(a_kbs_that_hangs_does_not_hold_up_the_end)
{
    static struct world world;
    int64_t start_ms;
    int busy;

    START(&world, "--timeout", "60");
    busy = vm_connect(world.socket_path);
    atomic_store(&world.kbs.delay_ms, 8000);
    vm_sends(busy, NEGOTIATION_REQUEST);
    canned_kbs_await_request(&world.kbs, 1);
    start_ms = clock_now_ms();
    assert_int_equal(program_stop(world.pid), 0);
    assert_true(clock_now_ms() - start_ms < 7000);
    program_says(world.log, "cut-off");
    close(busy);
    fclose(world.log);
    canned_kbs_stop(&world.kbs);
}

/* Makes a listening socket, or one for notifications, as systemd does. */
static int make_socket(const char *path, int type)
{
    struct sockaddr_un address = vm_address(path);
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    if (type == SOCK_STREAM)
        assert_int_equal(listen(fd, 4), 0);
    return fd;
}

/* Starts the proxy with fd as its only passed socket. */
static pid_t start_activated(const char *url, int fd, const char *notify)
{
    pid_t pid = child_fork();

    if (pid == 0) {
        char own_pid[32];

        snprintf(own_pid, sizeof(own_pid), "%d", getpid());
        setenv("LISTEN_PID", own_pid, 1);
        setenv("LISTEN_FDS", "1", 1);
        setenv("NOTIFY_SOCKET", notify, 1);
        if (fd == 3)
            fcntl(fd, F_SETFD, 0);
        else
            dup2(fd, 3);
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        execl(program, program, "--url", url, NULL);
        _exit(127);
    }
    return pid;
}

static void hear_notification(int fd, const char *expected)
{
    struct timeval patience = {.tv_sec = 10};
    char text[64] = "";

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    assert_true(recv(fd, text, sizeof(text) - 1, 0) > 0);
    assert_string_equal(text, expected);
}

TEST(systemd_passes_sockets_and_hears_of_readiness)
{
    struct canned_kbs kbs = {0};
    char path[PATH_MAX], notify_path[PATH_MAX];
    int listening = make_socket(scratch_path("passed", path), SOCK_STREAM);
    int notify = make_socket(scratch_path("notify", notify_path), SOCK_DGRAM), vm;
    pid_t pid;

    canned_kbs_start(&kbs);
    pid = start_activated(kbs.url, listening, notify_path);
    hear_notification(notify, "READY=1");
    vm = vm_connect(path);
    assert_true(canned_kbs_attests(vm));
    close(vm);
    assert_int_equal(program_stop(pid), 0);
    hear_notification(notify, "STOPPING=1");
    assert_int_equal(access(path, F_OK), 0); /* it is systemd's */
    close(listening);
    close(notify);
    canned_kbs_stop(&kbs);
}

TEST(a_passed_socket_of_another_kind_is_refused)
{
    char path[PATH_MAX];
    int datagrams = make_socket(scratch_path("datagrams", path), SOCK_DGRAM);

    assert_int_equal(program_exit_status(start_activated("http://127.0.0.1:1", datagrams, "")), 3);
    close(datagrams);
}

TEST(vsock_is_served_or_its_absence_is_named)
{
    static struct world world;
    FILE *messages;
    const char *const arguments[] = {program,   "--url", "http://127.0.0.1:1",
                                     "--vsock", "19952", NULL};
    int probe = socket(AF_VSOCK, SOCK_STREAM, 0), vm;

    if (probe < 0) {
        world.pid = program_start(program, arguments, &messages);
        program_says(messages, "this kernel has no vsock");
        assert_int_equal(program_exit_status(world.pid), 3);
        fclose(messages);
        return;
    }
    close(probe);
    START(&world, "--vsock", "19952");
    assert_int_equal(program_run(program, arguments), 5); /* another process has it */
    vm = vm_try_connect_vsock(19952);
    if (vm >= 0) {
        assert_true(canned_kbs_attests(vm));
        close(vm);
    } else {
        print_message("no VM came: there is no vsock loopback (module vsock_loopback)\n");
    }
    stop(&world);
}

TEST(exit_statuses_tell_failures_apart)
{
    static struct world world;
    char wrong[PATH_MAX], right[PATH_MAX];
    FILE *file;

    file = fopen(scratch_path("wrong.conf", wrong), "w");
    fputs("timeout = soon;", file);
    fclose(file);
    file = fopen(scratch_path("right.conf", right), "w");
    fputs("url = \"https://kbs.example\"; unix = \"/nonexistent/socket\";", file);
    fclose(file);
    START(&world, "--timeout", "5");
    assert_int_equal(RUN(program, "--help"), 0);
    assert_int_equal(RUN(program, "--config", right, "--check-config"), 0);
    assert_int_equal(RUN(program, "--config", right), 3);
    assert_int_equal(RUN(program, "--config", wrong, "--check-config"), 4);
    assert_int_equal(RUN(program, "--unix", "/nonexistent"), 2);
    assert_int_equal(RUN(program, "--url", "http://127.0.0.1:1"), 2);
    assert_int_equal(RUN(program, "--url", "http://127.0.0.1:1", "--unix", world.socket_path), 5);
    assert_int_equal(RUN(program, "--url", "http://127.0.0.1:1", "--unix", wrong), 3);
    stop(&world);
}

TEST_GROUP(scratch_make, scratch_remove)

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s PROXY\n", argv[0]);
        return 2;
    }
    program = argv[1];
    signal(SIGPIPE, SIG_IGN);
    return tests_run();
}
