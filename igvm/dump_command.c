/* SPDX-License-Identifier: MIT */
/* `igvm dump`: shows what an IGVM file contains. */
#include <getopt.h>
#include <stdio.h>

#include "igvm/dump.h"
#include "igvm/files.h"
#include "igvm/tool.h"

static const char USAGE[] =
    "usage: igvm dump FILE\n"
    "\n"
    "Prints the headers of an IGVM file in file order, contiguous pages of one kind as one line,\n"
    "then the registers of the boot processor and, if there are any, the SVSM's boot parameters.\n"
    "\n"
    "  -h, --help    this text\n"
    "\n"
    "Exit status: 0 done, 2 wrong command line, 3 FILE cannot be read, 4 FILE is not valid.\n";

static const struct option OPTIONS[] = {
    {"help", no_argument, NULL, 'h'},
    {0},
};

unsigned dump_command(int argc, char **argv)
{
    struct loaded_file file;
    enum tool_status status;

    switch (getopt_long(argc, argv, "h", OPTIONS, NULL)) {
    case -1:
        break;
    case 'h':
        fputs(USAGE, stdout);
        return TOOL_OK;
    default: /* getopt_long() has complained */
        return TOOL_USAGE;
    }
    if (optind + 1 != argc)
        return complain(TOOL_USAGE, "dump takes one FILE; see igvm dump --help");

    status = files_open(argv[optind], &file);
    if (status == TOOL_OK)
        dump_image(stdout, &file.image, file.platform_mask);
    loaded_file_close(&file);
    return status;
}
