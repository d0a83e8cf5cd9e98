/* SPDX-License-Identifier: MIT */
/* `state-volume`: looks into the state volume of a TPM, and changes it, on the owner's machine. */
#include <openssl/crypto.h>

#include "lib/program/commands.h"
#include "state-volume/tool.h"

static const char USAGE[] =
    "usage: state-volume COMMAND [options] VOLUME\n"
    "\n"
    "Looks into the encrypted volume with the state of a TPM, and changes it, while no VM uses "
    "it.\n"
    "\n"
    "Commands:\n"
    "  verify       check all of it, and whether libtpms loads the TPM's state\n"
    "  show         tell what it holds, and which state\n"
    "  list         list the objects: size in bytes, name\n"
    "  extract      write the TPM's state, or another object, into a file\n"
    "  import       put a TPM's state into it, swtpm's too\n"
    "  manufacture  make a new TPM on a blank volume\n"
    "  rekey        put the state under another key\n"
    "\n"
    "`state-volume COMMAND --help` tells more.\n"
    "\n"
    "Exit status: 0 done, 1 reading, writing or memory failed, 2 wrong command line,\n"
    "3 a file, the key or the size cannot be used, 4 the volume is damaged or was tampered\n"
    "with, 5 libtpms does not load the TPM's state, 6 something newer than this program wrote\n"
    "it, 7 no volume under this key, 8 blank or no such object, 9 something is there that would\n"
    "be replaced, 10 without the key nothing can be said.\n";

static const struct command COMMANDS[] = {
    {"verify", verify_command},   {"show", show_command},     {"list", list_command},
    {"extract", extract_command}, {"import", import_command}, {"manufacture", manufacture_command},
    {"rekey", rekey_command},
};

const char program_name[] = "state-volume";

int main(int argc, char **argv)
{
    static const struct command_table table = {
        USAGE, COMMANDS, sizeof(COMMANDS) / sizeof(COMMANDS[0]), TOOL_USAGE, TOOL_FAILED};

    /* A configuration file could load providers into the program that holds the keys. */
    if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
        return complain(TOOL_FAILED, "OpenSSL does not start");
    return commands_run(&table, argc, argv);
}
