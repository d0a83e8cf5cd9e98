/* SPDX-License-Identifier: MIT */
/* What the subcommands of `igvm` share: the way they end and the way they complain. */
#ifndef SNPVTPM_IGVM_TOOL_H
#define SNPVTPM_IGVM_TOOL_H

#include <stdint.h>

#include "lib/base/must_check.h"
#include "lib/program/complain.h"

/* Also the exit statuses of the program. */
enum tool_status {
    TOOL_OK = 0,
    TOOL_USAGE = 2,   /* wrong command line */
    TOOL_FILE = 3,    /* a file cannot be read or written */
    TOOL_INVALID = 4, /* an input is not valid, or inputs do not fit together */
};

/* The status of an allocation that failed, with its complaint. */
MUST_CHECK enum tool_status complain_no_memory(void);

/* As number_parse(); complains, naming the option, if text is no number or exceeds max. */
MUST_CHECK enum tool_status parse_number(const char *option, const char *text, uint64_t max,
                                         uint64_t *out);

/* The subcommands; argv[0] is the subcommand's name, the result an enum tool_status. */
MUST_CHECK unsigned build_command(int argc, char **argv);
MUST_CHECK unsigned dump_command(int argc, char **argv);
MUST_CHECK unsigned measure_command(int argc, char **argv);

#endif
