/* SPDX-License-Identifier: MIT */
#include "proxy/command_line.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "proxy/options_file.h"

const char command_line_usage[] =
    "Usage: snp-vtpm-proxy --url URL [--unix PATH]... [--serial DEVICE]... [--vsock [PORT]]\n"
    "                      [OPTION]...\n"
    "\n"
    "Connects the SVSMs of VMs on this host to a Key Broker Server (KBS).\n"
    "\n"
    "Where the KBS is:\n"
    "  --url URL            its address, such as https://kbs.example:8443\n"
    "  --ca FILE            believe only the certificates in FILE (PEM), not the system's\n"
    "  --pin HASH           believe only this public key of the KBS (sha256//BASE64); several with "
    "';'\n"
    "  --timeout SECONDS    for all that a message of a VM asks of it (1 to 600, default 30)\n"
    "  --resource PATH      the secret to fetch (default default/sample/test)\n"
    "\n"
    "Where the VMs are, each option several times but --vsock:\n"
    "  --unix PATH          a socket for QEMU's -serial unix:PATH (mode 0600)\n"
    "  --socket-group NAME  such sockets are for this group, too (mode 0660)\n"
    "  --serial DEVICE      a serial device, or a terminal as of QEMU's -serial pty\n"
    "  --vsock [PORT]       VMs with a vsock device (default port 1995)\n"
    "Sockets that systemd passes (LISTEN_FDS) are served besides.\n"
    "\n"
    "Limits:\n"
    "  --connections N      connections at once (default 512)\n"
    "  --per-peer N         connections at once of a vsock CID or of a process (default 16)\n"
    "  --rate N             messages a second of such a peer, after a burst of 16 (default 2)\n"
    "  --kbs-connections N  connections to the KBS at once; peers that wait for one take turns\n"
    "                       (default 32)\n"
    "\n"
    "Others:\n"
    "  --config FILE        take options from FILE; what comes later replaces what came before\n"
    "  --check-config       check the options and end\n"
    "  --log FORMAT         json, text, or auto: text on a terminal (default)\n"
    "  -h, --help           show this text\n"
    "\n"
    "There is no option for the kind of KBS: snp-vtpm's kbs and the test server kbs-test speak "
    "the\n"
    "same protocol on the wire. docs/proxy.md tells more.\n"
    "\n"
    "Exit status: 0 done, 2 wrong usage, 3 cannot listen there, 4 wrong configuration file,\n"
    "5 another process listens there.\n";

/* "--vsock 1995" beside "--vsock=1995": getopt takes only the second for an option's value. */
static const char *optional_value(int argc, char **argv)
{
    if (optarg)
        return optarg;
    if (optind < argc && argv[optind][0] >= '0' && argv[optind][0] <= '9')
        return argv[optind++];
    return "";
}

static enum command name_problem(enum command command, const char *name,
                                 struct options_problem *problem)
{
    struct options_problem plain = *problem;

    snprintf(problem->text, sizeof(problem->text), "%.80s: %.160s", name, plain.text);
    return command;
}

enum command command_line_parse(int argc, char **argv, struct options *options,
                                struct options_problem *problem)
{
    static const struct option known[] = {
        {"help", no_argument, NULL, 'h'},
        {"check-config", no_argument, NULL, 'c'},
        {"config", required_argument, NULL, 'f'},
        {"url", required_argument, NULL, 'o'},
        {"ca", required_argument, NULL, 'o'},
        {"pin", required_argument, NULL, 'o'},
        {"timeout", required_argument, NULL, 'o'},
        {"resource", required_argument, NULL, 'o'},
        {"unix", required_argument, NULL, 'o'},
        {"socket-group", required_argument, NULL, 'o'},
        {"serial", required_argument, NULL, 'o'},
        {"vsock", optional_argument, NULL, 'o'},
        {"connections", required_argument, NULL, 'o'},
        {"per-peer", required_argument, NULL, 'o'},
        {"rate", required_argument, NULL, 'o'},
        {"kbs-connections", required_argument, NULL, 'o'},
        {"log", required_argument, NULL, 'o'},
        {0},
    };
    enum command command = COMMAND_SERVE;
    int option, index;

    *problem = (struct options_problem){0};
    while ((option = getopt_long(argc, argv, "h", known, &index)) != -1) {
        switch (option) {
        case 'h':
            return COMMAND_HELP;
        case 'c':
            command = COMMAND_CHECK;
            break;
        case 'f':
            if (!options_read_file(options, optarg, problem))
                return name_problem(COMMAND_WRONG_CONFIG, optarg, problem);
            break;
        case 'o':
            if (!options_set(options, known[index].name, optional_value(argc, argv), problem))
                return name_problem(COMMAND_WRONG_USAGE, known[index].name, problem);
            break;
        default: /* getopt has said why */
            return COMMAND_WRONG_USAGE;
        }
    }
    if (optind == argc)
        return command;
    snprintf(problem->text, sizeof(problem->text), "%.200s is no option", argv[optind]);
    return COMMAND_WRONG_USAGE;
}
