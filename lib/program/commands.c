/* SPDX-License-Identifier: MIT */
#include "lib/program/commands.h"

#include <stdio.h>
#include <string.h>

#include "lib/program/complain.h"

static unsigned run(const struct command_table *table, int argc, char **argv)
{
    if (argc < 2) {
        fputs(table->usage, stderr);
        return table->usage_status;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        fputs(table->usage, stdout);
        return 0;
    }
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(argv[1], table->commands[i].name) == 0)
            return table->commands[i].run(argc - 1, argv + 1);
    return (unsigned)complain((int)table->usage_status, "unknown command %s; see %s --help",
                              argv[1], program_name);
}

int commands_run(const struct command_table *table, int argc, char **argv)
{
    unsigned status = run(table, argc, argv);

    /* A full disk shows only here. */
    if (fflush(stdout) != 0 && status == 0)
        return complain((int)table->write_status, "cannot write the output");
    return (int)status;
}
