/* SPDX-License-Identifier: MIT */
/* The tpm program: the SVSM's service when called without arguments,
 * a TPM on TCP ports otherwise. */
#include <errno.h>
#include <getopt.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "services/common/log.h"
#include "services/tpm/disk.h"
#include "services/tpm/server.h"
#include "services/tpm/service.h"
#include "services/tpm/volume_file.h"

enum exit_status {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_VOLUME = 3,
    EXIT_DAMAGED = 4,
    EXIT_REFUSED = 5,
    EXIT_TOO_NEW = 6,
};

struct options {
    uint16_t port;
    const char *state;
    const char *key_file;
    bool create;
};

static const char usage[] =
    "Usage: tpm --tcp PORT --state FILE --key-file FILE [--create]\n"
    "       tpm\n"
    "\n"
    "A TPM 2.0 whose state is on an encrypted state volume.\n"
    "\n"
    "  --tcp PORT       serve the TPM simulator protocol on 127.0.0.1: commands on PORT, the\n"
    "                   platform on PORT + 1. For the tpm2-tools:\n"
    "                   TPM2TOOLS_TCTI=mssim:host=localhost,port=PORT\n"
    "  --state FILE     the state volume; a blank one gets a new TPM\n"
    "  --key-file FILE  its key: exactly 64 bytes, which nobody else may read\n"
    "  --create         make a blank volume of 16 MiB when FILE does not exist\n"
    "  -h, --help       show this\n"
    "\n"
    "Without arguments it is the SVSM's TPM service, with descriptors 3 (channel), 4 (state\n"
    "volume) and 5 (key) open. With a key that does not open the volume the TPM is ephemeral and\n"
    "the volume is left untouched.\n"
    "\n"
    "SIGTERM, SIGINT and SIGHUP end it after a TPM2_Shutdown(CLEAR), which counts as an orderly "
    "end.\n"
    "\n"
    "Exit status: 0 done, 1 failed while running, 2 wrong usage, 3 the state volume or the key\n"
    "cannot be used, 4 the state volume is damaged, 5 libtpms does not load the TPM's state "
    "although\n"
    "the volume is intact, 6 likewise, because a newer libtpms wrote it.\n";

static bool parse_port(const char *text, uint16_t *port)
{
    char *end;
    long value = strtol(text, &end, 10);

    *port = (uint16_t)value;
    return end != text && *end == '\0' && value >= 1 && value < UINT16_MAX;
}

static void usage_error(const char *what)
{
    fprintf(stderr, "tpm: %s; see tpm --help\n", what);
    exit(EXIT_USAGE);
}

static struct options parse_options(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"tcp", required_argument, NULL, 't'},      {"state", required_argument, NULL, 's'},
        {"key-file", required_argument, NULL, 'k'}, {"create", no_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},           {0},
    };
    struct options options = {0};
    int option;

    while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        switch (option) {
        case 't':
            if (!parse_port(optarg, &options.port))
                usage_error("--tcp needs a port from 1 to 65534");
            break;
        case 's':
            options.state = optarg;
            break;
        case 'k':
            options.key_file = optarg;
            break;
        case 'c':
            options.create = true;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(EXIT_DONE);
        default:
            exit(EXIT_USAGE); /* getopt_long has said why */
        }
    }
    if (optind != argc)
        usage_error("unexpected argument");
    if (options.port == 0 || !options.state || !options.key_file)
        usage_error("--tcp, --state and --key-file are needed together");
    return options;
}

static int run_engine(const struct options *options, int *disk_fd,
                      const uint8_t key[VOLUME_KEY_SIZE])
{
    struct volume_storage storage = disk_storage(disk_fd);
    struct engine engine;
    int status = EXIT_VOLUME;

    switch (engine_open(&engine, &storage, key)) {
    case ENGINE_OPENED:
    case ENGINE_MANUFACTURED:
    case ENGINE_EPHEMERAL:
        status = server_run(&engine, options->port) ? EXIT_DONE : EXIT_FAILED;
        engine_shut_down(&engine);
        break;
    case ENGINE_DAMAGED:
        status = EXIT_DAMAGED;
        break;
    case ENGINE_REFUSED:
        status = EXIT_REFUSED;
        break;
    case ENGINE_TOO_NEW:
        status = EXIT_TOO_NEW;
        break;
    case ENGINE_NOT_COMMITTED: /* which takes a lease */
    case ENGINE_FAILED:
        break;
    }
    engine_close(&engine);
    return status;
}

static int run_tcp(const struct options *options)
{
    uint8_t key[VOLUME_KEY_SIZE];
    int status = EXIT_VOLUME;
    int disk_fd;

    if (!key_file_read(options->key_file, key))
        return EXIT_VOLUME;
    disk_fd =
        volume_file_open(options->state, options->create ? VOLUME_FILE_CREATE : VOLUME_FILE_CHANGE,
                         VOLUME_FILE_SIZE);
    if (disk_fd >= 0) {
        status = run_engine(options, &disk_fd, key);
        close(disk_fd);
    }
    OPENSSL_cleanse(key, sizeof(key));
    return status;
}

int main(int argc, char **argv)
{
    struct options options;

    /* A configuration file could load providers into the program that holds the keys. */
    if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1) {
        log_error("OpenSSL does not start");
        return EXIT_FAILED;
    }
    if (argc <= 1)
        return service_run(CHANNEL_FD, SERVICE_DISK_FD, SERVICE_KEY_FD);
    options = parse_options(argc, argv);
    return run_tcp(&options);
}
