/* SPDX-License-Identifier: MIT */
/* A program that consists of commands, each with options of its own. */
#ifndef SNPVTPM_LIB_PROGRAM_COMMANDS_H
#define SNPVTPM_LIB_PROGRAM_COMMANDS_H

#include <stddef.h>

struct command {
    const char *name;
    unsigned (*run)(int argc, char **argv); /* argv[0] is the name; returns the exit status */
};

struct command_table {
    const char *usage;
    const struct command *commands;
    size_t count;
    unsigned usage_status; /* for a wrong command line */
    unsigned write_status; /* when the output cannot be written */
};

/* Runs the command that argv[1] names, or tells the usage; the program's exit status. */
int commands_run(const struct command_table *table, int argc, char **argv);

#endif
