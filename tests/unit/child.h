/* SPDX-License-Identifier: MIT */
/*
 * Processes that a test starts die with it, however it ends: also when it is killed, or aborts.
 * Every test that starts one does it by child_fork(); the scripts have setpriv --pdeathsig and
 * tests/when-gone.sh.
 */
#ifndef SNPVTPM_TESTS_UNIT_CHILD_H
#define SNPVTPM_TESTS_UNIT_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <unistd.h>

/* To be called in a new process: from now on it is killed when parent ends. False: that has ended
 * already, and nobody would tell. */
static inline bool child_ends_with(pid_t parent)
{
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

/* fork(). The child, and whatever it executes, is killed when the calling *thread* ends. */
static inline pid_t child_fork(void)
{
    pid_t parent = getpid(), pid = fork();

    if (pid == 0 && !child_ends_with(parent))
        _exit(127);
    return pid;
}

#endif
