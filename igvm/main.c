/* SPDX-License-Identifier: MIT */
/* `igvm`: builds, shows and measures launch images of SEV-SNP VMs. */
#include "igvm/tool.h"
#include "lib/program/commands.h"

static const char USAGE[] =
    "usage: igvm build --output FILE [options]\n"
    "       igvm dump FILE\n"
    "       igvm measure [options] FILE\n"
    "\n"
    "Commands:\n"
    "  build      make the IGVM launch image of an SEV-SNP VM\n"
    "  dump       show what an image contains\n"
    "  measure    compute the launch digest of an image\n"
    "\n"
    "`igvm COMMAND --help` tells more.\n"
    "\n"
    "Exit status: 0 done, 2 wrong command line, 3 a file cannot be read or written,\n"
    "4 an input is not valid.\n";

static const struct command COMMANDS[] = {
    {"build", build_command},
    {"dump", dump_command},
    {"measure", measure_command},
};

int main(int argc, char **argv)
{
    static const struct command_table table = {
        USAGE, COMMANDS, sizeof(COMMANDS) / sizeof(COMMANDS[0]), TOOL_USAGE, TOOL_FILE};

    return commands_run(&table, argc, argv);
}
