/* SPDX-License-Identifier: MIT */
/* kbs: the Key Broker Server of the owner of confidential VMs. */
#include "kbs/commands.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "Usage: kbs serve    --db FILE [--listen ADDRESS:PORT] [--amd-certs DIR]\n"
    "                    [--trust-emulated ARK.pem [--certs DIR]]\n"
    "       kbs register --db FILE --measurement HEX --secret-file FILE|- [--replace]\n"
    "       kbs list     --db FILE\n"
    "       kbs flush    --db FILE\n"
    "\n"
    "Releases the secret registered for a launch measurement to a confidential VM that proves to\n"
    "have been launched with it. What is not registered gets nothing.\n"
    "\n"
    "serve     answers the Key Broker Service protocol until it is terminated\n"
    "  --db FILE              database, made if it does not exist\n"
    "  --listen ADDRESS:PORT  loopback address (default 127.0.0.1:8080; port 0: any free port)\n"
    "  --amd-certs DIR        AMD's {milan,genoa,turin}-{ark,ask}.pem, for clients that do not "
    "send\n"
    "                         them; the roots must be AMD's own\n"
    "  --trust-emulated FILE  believe reports of the emulated platform with this root "
    "certificate.\n"
    "                         Such a VM is NOT confidential: for tests only\n"
    "  --certs DIR            that platform's ask.pem and vcek.der or vcek.pem, for clients that "
    "do\n"
    "                         not send them\n"
    "register  adds a secret\n"
    "  --measurement HEX      launch measurement, 96 hexadecimal digits\n"
    "  --secret-file FILE     file with the 64-byte state key as 128 hexadecimal digits; - is "
    "stdin\n"
    "  --replace              replace the secret registered for this measurement before\n"
    "list      shows the registered measurements and when they were registered, never secrets\n"
    "flush     removes all registrations\n"
    "\n"
    "Exit status: 0 done, 2 wrong usage, 3 a file or the database failed, 4 unacceptable input,\n"
    "5 the address is in use or cannot be listened on.\n";

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"serve", command_serve},
    {"register", command_register},
    {"list", command_list},
    {"flush", command_flush},
};

int fail_with(enum exit_status status, const char *format, ...)
{
    va_list arguments;

    fputs("kbs: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return status;
}

bool open_store_or_say(const char *path, bool create, struct store **store)
{
    enum store_status status = store_open(path, create, store);

    if (status != STORE_OK)
        fail_with(EXIT_FILE, "database %s: %s", path, store_reason(*store, status));
    return status == STORE_OK;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    if (asks_for_help(argc, argv)) {
        fputs(usage, stdout);
        return EXIT_DONE;
    }
    if (argc >= 2)
        for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
            if (strcmp(argv[1], commands[i].name) == 0)
                return commands[i].run(argc - 1, argv + 1);
    fputs(usage, stderr);
    return EXIT_USAGE;
}
