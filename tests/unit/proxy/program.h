/* SPDX-License-Identifier: MIT */
/* Running programs, and reading the log that they write to stderr. */
#ifndef SNPVTPM_TESTS_UNIT_PROXY_PROGRAM_H
#define SNPVTPM_TESTS_UNIT_PROXY_PROGRAM_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* Starts program with arguments up to NULL; *messages reads its stderr. */
pid_t program_start(const char *program, const char *const arguments[], FILE **messages);

/* Waits for the next line; false: there was none in time. */
bool program_line(FILE *messages, char *line, int room);

/* Reads lines until one has text in it; the test fails if there is none. */
void program_says(FILE *messages, const char *text);

/* What it wrote since, to stderr: for who wonders why it ended. */
void program_show(FILE *messages);

int program_exit_status(pid_t pid);

/* Ends it by SIGTERM; returns its exit status. */
int program_stop(pid_t pid);

/* Runs to the end; returns the exit status. */
int program_run(const char *program, const char *const arguments[]);

#define RUN(program, ...) program_run(program, (const char *const[]){program, __VA_ARGS__, NULL})

#endif
