/* SPDX-License-Identifier: MIT */
/* The program's commands; each parses its own options and returns the exit status. */
#ifndef SNPVTPM_KBS_COMMANDS_H
#define SNPVTPM_KBS_COMMANDS_H

#include "kbs/store.h"

enum exit_status {
    EXIT_DONE = 0,
    EXIT_USAGE = 2,   /* wrong options */
    EXIT_FILE = 3,    /* a file or the database */
    EXIT_INPUT = 4,   /* what was given to register is not acceptable */
    EXIT_ADDRESS = 5, /* the address is in use or cannot be listened on */
};

int command_serve(int argc, char **argv);
int command_register(int argc, char **argv);
int command_list(int argc, char **argv);
int command_flush(int argc, char **argv);

/* Says why on stderr, "kbs: ...", and returns status. */
__attribute__((format(printf, 2, 3))) int fail_with(enum exit_status status, const char *format,
                                                    ...);

/* Opens the database or says why not; *store is to be closed either way. */
MUST_CHECK bool open_store_or_say(const char *path, bool create, struct store **store);

#endif
