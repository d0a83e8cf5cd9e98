/* SPDX-License-Identifier: MIT */
/* The proxy's command line. */
#ifndef SNPVTPM_PROXY_COMMAND_LINE_H
#define SNPVTPM_PROXY_COMMAND_LINE_H

#include "proxy/options.h"

enum command {
    COMMAND_SERVE,
    COMMAND_CHECK, /* the configuration, and no more */
    COMMAND_HELP,
    COMMAND_WRONG_USAGE,  /* *problem says why */
    COMMAND_WRONG_CONFIG, /* the configuration file; the same */
};

extern const char command_line_usage[];

/*
 * Takes the options in their order, those of a file where it is named. They are not yet checked
 * together.
 */
MUST_CHECK enum command command_line_parse(int argc, char **argv, struct options *options,
                                           struct options_problem *problem);

#endif
