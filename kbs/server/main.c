/* SPDX-License-Identifier: MIT */
/* kbs: the Key Broker Server of the owner of confidential VMs. */
#include "kbs/server/commands.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/jose/json_memory.h"

static const char usage[] =
    "Usage: kbs init DIR [--listen ADDRESS:PORT] [--admin-listen ADDRESS:PORT] [--host HOST]...\n"
    "                    [--store URL] [--amd-certs DIR] [--kds URL]\n"
    "                    [--trust-emulated ARK.pem [--certs DIR]]\n"
    "       kbs serve --config FILE [--check-config] [--ready-fd N]\n"
    "       kbs rotate-master-key --config FILE [--add | --rewrap]\n"
    "       kbs show-release-key --config FILE [--all]\n"
    "       kbs recover-token --config FILE\n"
    "       kbs renew-certificate DIR\n"
    "       kbs backup --config FILE COPY\n"
    "       kbs restore --config FILE [COPY]\n"
    "\n"
    "Releases secrets to confidential VMs that prove what they are. Only VMs of registered launch\n"
    "images get any; kbsctl registers images.\n"
    "\n"
    "init               makes the folder of a new server: its configuration, keys, certificate "
    "and\n"
    "                   store, and a token for its owner\n"
    "  --listen AT        address for the proxies of VMs (default 127.0.0.1:8080). TLS is used "
    "unless\n"
    "                     it is a loopback address\n"
    "  --admin-listen AT  address for administrators, always with TLS (default 127.0.0.1:8443)\n"
    "  --host HOST        name or address in the server's certificate, beside localhost and those\n"
    "                     that are listened on\n"
    "  --store URL        postgresql://..., or the path of an SQLite database (default "
    "DIR/kbs.db)\n"
    "  --amd-certs DIR    AMD's certificates and CRLs, for clients that do not send them\n"
    "  --kds URL          AMD's Key Distribution Service or a mirror of it (default\n"
    "                     https://kdsintf.amd.com; \"none\": certificates are never fetched)\n"
    "  --trust-emulated FILE  believe reports of the emulated platform with this root "
    "certificate.\n"
    "                     Such a VM is NOT confidential: for tests only\n"
    "  --certs DIR        that platform's ask.pem and vcek.der or vcek.pem\n"
    "serve              runs the server until it is terminated; SIGHUP loads the TLS files again\n"
    "  --check-config     only checks the configuration, its files and the store\n"
    "  --ready-fd N       writes a line for each address to this file descriptor and closes it, "
    "once\n"
    "                     the server is ready\n"
    "rotate-master-key  puts a new master key in front of the others and wraps the secrets anew\n"
    "  --add              only adds the key; --rewrap: only wraps anew, under the first key. "
    "Servers\n"
    "                     that share a store are restarted between the two\n"
    "show-release-key   shows the public key that images pin (igvm build --kbs-key)\n"
    "  --all              all that are not retired\n"
    "recover-token      makes a new token for an owner who lost theirs\n"
    "renew-certificate  makes a new certificate with the authority that init made\n"
    "backup             copies an SQLite store, while servers use it, into a new file. The master "
    "key is\n"
    "                   not in it\n"
    "restore            makes such a copy the store again, when no server runs; the store of "
    "before is kept\n"
    "                   beside it. Without COPY, for a store that was put back by other means, as "
    "with\n"
    "                   pg_restore. It gives up what was changed since the copy was made, and who "
    "has a\n"
    "                   lease: VMs that run with one are fenced, and the next ones wait for one "
    "lease's time\n"
    "\n"
    "Exit status: 0 done, 2 wrong usage, 3 a file or the store failed, 4 a file's content is not\n"
    "acceptable, 5 an address cannot be listened on.\n";

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"init", command_init},
    {"serve", command_serve},
    {"rotate-master-key", command_rotate_master_key},
    {"show-release-key", command_show_release_key},
    {"recover-token", command_recover_token},
    {"renew-certificate", command_renew_certificate},
    {"backup", command_backup},
    {"restore", command_restore},
};

const char program_name[] = "kbs";

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    json_memory_use();
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
