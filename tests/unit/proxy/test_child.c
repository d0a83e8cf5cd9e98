/* SPDX-License-Identifier: MIT */
/* What becomes of programs when the test that started them is killed. Arguments: kbs and
 * snp-vtpm-proxy. */
#include <stdio.h>
#include <sys/wait.h>

#include "proxy/clock.h"
#include "tests/unit/child.h"
#include "tests/unit/kbs/scratch.h"
#include "tests/unit/proxy/program.h"
#include "tests/unit/registered.h"

#define PATIENCE_MS 20000

static const char *kbs_program, *proxy_program;

/* The pids of what a test has started. */
struct started {
    pid_t proxy, kbs;
};

static pid_t start_proxy(void)
{
    char path[PATH_MAX];
    const char *const arguments[] = {
        proxy_program, "--unix", scratch_path("socket", path), "--url", "http://127.0.0.1:1", NULL};
    FILE *messages;
    pid_t pid = program_start(proxy_program, arguments, &messages);

    program_says(messages, "\"serving\"");
    return pid;
}

static pid_t start_kbs(void)
{
    char folder[PATH_MAX], config[PATH_MAX];
    const char *const arguments[] = {kbs_program, "serve", "--config",
                                     scratch_path("kbs/kbs.conf", config), NULL};
    FILE *messages;
    pid_t pid;

    assert_int_equal(RUN(kbs_program, "init", scratch_path("kbs", folder), "--listen",
                         "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--kds", "none"),
                     0);
    pid = program_start(kbs_program, arguments, &messages);
    program_says(messages, "serving");
    return pid;
}

/* A test that has started programs, and never comes to stop them. */
static pid_t start_test(struct started *started)
{
    int told[2];
    pid_t test;

    assert_int_equal(pipe(told), 0);
    test = child_fork();
    if (test == 0) {
        struct started mine = {.proxy = start_proxy(), .kbs = start_kbs()};

        (void)!write(told[1], &mine, sizeof(mine));
        for (;;)
            pause();
    }
    close(told[1]);
    assert_int_equal(read(told[0], started, sizeof(*started)), sizeof(*started));
    close(told[0]);
    return test;
}

/* It was killed, and not by us. */
static void assert_killed(pid_t pid)
{
    int64_t deadline_ms = clock_now_ms() + PATIENCE_MS;
    int status;

    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (clock_left_ms(deadline_ms) == 0) {
            kill(pid, SIGKILL);
            fail_msg("process %d outlives the test that started it", (int)pid);
        }
        usleep(10000);
    }
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* Orphans become this process's children, so that their ends are seen. */
TEST(what_a_test_started_dies_with_it)
{
    struct started started;
    pid_t test;

    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    test = start_test(&started);
    assert_int_equal(kill(test, SIGKILL), 0);
    assert_killed(test);
    assert_killed(started.proxy);
    assert_killed(started.kbs);
}

/* Between fork() and the child's asking for the signal. */
TEST(a_child_whose_parent_is_gone_already_ends_by_itself)
{
    pid_t stranger = getpid(), pid = fork();
    int status;

    if (pid == 0)
        _exit(child_ends_with(stranger) ? 0 : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 0);
    pid = fork();
    if (pid == 0)
        _exit(child_ends_with(getpid()) ? 0 : 1); /* who is not its parent */
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 1);
}

TEST_GROUP(scratch_make, scratch_remove)

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s KBS PROXY\n", argv[0]);
        return 2;
    }
    kbs_program = argv[1];
    proxy_program = argv[2];
    return tests_run();
}
