/* SPDX-License-Identifier: MIT */
#include "tests/unit/proxy/program.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proxy/clock.h"
#include "tests/unit/child.h"
#include "tests/unit/registered.h"

#define PATIENCE_MS 20000
#define PAUSE_US    10000

/* A reader of what is written to file, with a position of its own. */
static FILE *read_from_start(int file)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    return fopen(path, "re");
}

pid_t program_start(const char *program, const char *const arguments[], FILE **messages)
{
    /* In memory: nobody has to read so that the program can go on. */
    int file = memfd_create("messages", MFD_CLOEXEC);
    pid_t pid;

    *messages = read_from_start(file);
    /* Appending: two threads' lines in such a file could otherwise take one place. */
    if (file < 0 || !*messages || fcntl(file, F_SETFL, O_APPEND) != 0)
        abort();
    pid = child_fork();
    if (pid == 0) {
        dup2(file, STDERR_FILENO);
        dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
        execv(program, (char *const *)arguments);
        _exit(127);
    }
    close(file);
    return pid;
}

bool program_line(FILE *messages, char *line, int room)
{
    int64_t deadline_ms = clock_now_ms() + PATIENCE_MS;

    while (clock_left_ms(deadline_ms) > 0) {
        if (fgets(line, room, messages))
            return true;
        clearerr(messages);
        usleep(PAUSE_US);
    }
    return false;
}

void program_says(FILE *messages, const char *text)
{
    char line[2048] = "";

    while (!strstr(line, text))
        if (!program_line(messages, line, sizeof(line)))
            fail_msg("it did not say \"%s\", and last said: %s", text, line);
}

void program_show(FILE *messages)
{
    char line[2048];

    clearerr(messages);
    while (fgets(line, sizeof(line), messages))
        fprintf(stderr, "it said: %s", line);
}

int program_exit_status(pid_t pid)
{
    int status = -1;

    waitpid(pid, &status, 0);
    if (WIFSIGNALED(status))
        fprintf(stderr, "program %d was ended by signal %d\n", (int)pid, WTERMSIG(status));
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

    fclose(messages);
    return program_exit_status(pid);
}
