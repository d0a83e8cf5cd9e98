/* SPDX-License-Identifier: MIT */
/* What the subcommands of `igvm` share: the way they end and the way they complain. */
#ifndef SNPVTPM_IGVM_TOOL_H
#define SNPVTPM_IGVM_TOOL_H

#include <stdint.h>

#include "lib/base/must_check.h"

/* Also the exit statuses of the program. */
enum tool_status {
    TOOL_OK = 0,
    TOOL_USAGE = 2,   /* wrong command line */
    TOOL_FILE = 3,    /* a file cannot be read or written */
    TOOL_INVALID = 4, /* an input is not valid, or inputs do not fit together */
};

/* Prints one line "igvm: ..." on stderr and gives the status back. */
MUST_CHECK __attribute__((format(printf, 2, 3))) enum tool_status complain(enum tool_status status,
                                                                           const char *format, ...);

/* The status of an allocation that failed, with its complaint. */
MUST_CHECK enum tool_status complain_no_memory(void);

/*
 * Numbers on the command line: decimal or 0x hexadecimal, with an optional suffix K, M or G (powers
 * of 1024). Complains, naming the option, if text is no such number or exceeds max.
 */
MUST_CHECK enum tool_status parse_number(const char *option, const char *text, uint64_t max,
                                         uint64_t *out);

/* The subcommands; argv[0] is the subcommand's name. */
MUST_CHECK enum tool_status build_command(int argc, char **argv);
MUST_CHECK enum tool_status dump_command(int argc, char **argv);
MUST_CHECK enum tool_status measure_command(int argc, char **argv);

#endif
