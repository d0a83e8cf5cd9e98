/* SPDX-License-Identifier: MIT */
#include "tests/unit/proxy/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t program_start(const char *program, const char *const arguments[], FILE **messages)
{
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0)
        abort();
    pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
        execv(program, (char *const *)arguments);
        _exit(127);
    }
    close(ends[1]);
    *messages = fdopen(ends[0], "r");
    return pid;
}

void program_says(FILE *messages, const char *text)
{
    char line[2048] = "";

    while (!strstr(line, text))
        if (!fgets(line, sizeof(line), messages))
            fail_msg("it ended without saying \"%s\", and last said: %s", text, line);
}

int program_exit_status(pid_t pid)
{
    int status = -1;

    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int program_stop(pid_t pid)
{
    if (pid <= 0 || kill(pid, SIGTERM) != 0) /* 0 would be the whole process group */
        return -1;
    return program_exit_status(pid);
}

int program_run(const char *program, const char *const arguments[])
{
    FILE *messages;
    pid_t pid = program_start(program, arguments, &messages);
    char line[1024];

    while (fgets(line, sizeof(line), messages))
        ;
    fclose(messages);
    return program_exit_status(pid);
}
