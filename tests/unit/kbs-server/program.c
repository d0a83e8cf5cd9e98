/* SPDX-License-Identifier: MIT */
#include "tests/unit/kbs-server/program.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/child.h"
#include "tests/unit/registered.h"

#define ARGUMENTS_MAX 24
#define READY_FD      9

const char *program_path;
char program_output[PROGRAM_OUTPUT_MAX];

static int exit_status(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status))
        fail_msg("kbs was ended by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

int program_run_with(const char *const given[])
{
    const char *arguments[ARGUMENTS_MAX] = {program_path};
    size_t used = 0;
    ssize_t got;
    int out[2];
    pid_t pid;

    for (size_t i = 0; i < ARGUMENTS_MAX - 2 && given[i]; i++)
        arguments[1 + i] = given[i];
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    pid = child_fork();
    if (pid == 0) {
        dup2(out[1], STDOUT_FILENO);
        dup2(out[1], STDERR_FILENO);
        execv(program_path, (char *const *)arguments);
        _exit(127);
    }
    close(out[1]);
    while ((got = read(out[0], program_output + used, sizeof(program_output) - 1 - used)) > 0)
        used += (size_t)got;
    program_output[used] = '\0';
    close(out[0]);
    return exit_status(pid);
}

/* The ports of "public http://127.0.0.1:1\nadmin https://127.0.0.1:2\n" */
static bool read_ports(int fd, struct program_server *server)
{
    FILE *ready = fdopen(fd, "r");
    char line[256];

    while (fgets(line, sizeof(line), ready)) {
        unsigned port = 0;

        if (sscanf(strrchr(line, ':'), ":%u", &port) == 1)
            *(strncmp(line, "admin", 5) == 0 ? &server->admin_port : &server->port) = port;
    }
    fclose(ready);
    return server->port != 0 && server->admin_port != 0;
}

/* The log goes with its folder: what it says is shown with the failure. */
static void print_log(const char *log)
{
    FILE *file = fopen(log, "r");
    char line[1024];

    while (file && fgets(line, sizeof(line), file))
        print_error("%s", line);
    if (file)
        fclose(file);
}

struct program_server program_serve(const char *config, const char *log)
{
    return program_serve_with(NULL, config, log);
}

struct program_server program_serve_with(const char *variable, const char *config, const char *log)
{
    struct program_server server = {0};
    int ready[2];

    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    server.pid = child_fork();
    if (server.pid == 0) {
        int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);

        dup2(out, STDERR_FILENO);
        /* It may be that number already, and dup2() leaves it to be closed then. */
        if (ready[1] == READY_FD)
            fcntl(READY_FD, F_SETFD, 0);
        else
            dup2(ready[1], READY_FD);
        execlp("env", "env", variable ? variable : "--", program_path, "serve", "--config", config,
               "--ready-fd", "9", (char *)NULL);
        _exit(127);
    }
    close(ready[1]);
    if (!read_ports(ready[0], &server)) {
        print_log(log);
        fail_msg("kbs did not get ready; its log is above");
    }
    return server;
}

int program_end(const struct program_server *server, int signal)
{
    kill(server->pid, signal);
    return exit_status(server->pid);
}
