/* SPDX-License-Identifier: MIT */
/* `igvm`: builds, shows and measures launch images of SEV-SNP VMs. */
#include <stdio.h>
#include <string.h>

#include "igvm/tool.h"

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

static const struct {
    const char *name;
    enum tool_status (*run)(int argc, char **argv);
} COMMANDS[] = {
    {"build", build_command},
    {"dump", dump_command},
    {"measure", measure_command},
};

static enum tool_status run(int argc, char **argv)
{
    if (argc < 2) {
        fputs(USAGE, stderr);
        return TOOL_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        fputs(USAGE, stdout);
        return TOOL_OK;
    }
    for (size_t i = 0; i < sizeof(COMMANDS) / sizeof(COMMANDS[0]); i++) {
        if (strcmp(argv[1], COMMANDS[i].name) == 0)
            return COMMANDS[i].run(argc - 1, argv + 1);
    }
    return complain(TOOL_USAGE, "unknown command %s; see igvm --help", argv[1]);
}

int main(int argc, char **argv)
{
    enum tool_status status = run(argc, argv);

    /* A full disk shows only here. */
    if (fflush(stdout) != 0 && status == TOOL_OK)
        status = complain(TOOL_FILE, "cannot write the output");
    return status;
}
