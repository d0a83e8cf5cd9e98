/* SPDX-License-Identifier: MIT */
/* The program kbs as its users run it, in the scratch folder. */
#ifndef SNPVTPM_TESTS_UNIT_KBS_SERVER_PROGRAM_H
#define SNPVTPM_TESTS_UNIT_KBS_SERVER_PROGRAM_H

#include <sys/types.h>

#define PROGRAM_OUTPUT_MAX 65536

/* Where the program is. */
extern const char *program_path;

/* Runs it with these arguments; returns its exit status. Its output, of stdout and stderr, is in
 * program_output. */
#define program_run(...) program_run_with((const char *const[]){__VA_ARGS__, NULL})
int program_run_with(const char *const given[]);
extern char program_output[PROGRAM_OUTPUT_MAX];

/* A server that was started. */
struct program_server {
    pid_t pid;
    unsigned port, admin_port;
};

/* Starts `kbs serve --config config` and waits until it is ready. Its log goes to log. */
struct program_server program_serve(const char *config, const char *log);

/*
 * The same with one more variable, NAME=VALUE, in its environment. (The environment of a test that
 * has threads stays as it is: libraries read it in each of them.)
 */
struct program_server program_serve_with(const char *variable, const char *config, const char *log);

/* Sends it a signal and returns its exit status. */
int program_end(const struct program_server *server, int signal);

#endif
