/* SPDX-License-Identifier: MIT */
/* amd-sp: the emulated AMD secure processor, a process beside the emulated machine. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "emulator/amd-sp/doorbell.h"
#include "emulator/amd-sp/guest_socket.h"
#include "emulator/amd-sp/unix_listener.h"
#include "lib/base/hex.h"

enum exit_status {
    EXIT_DONE = 0,
    EXIT_USAGE = 2,
    EXIT_CHIP = 3,
    EXIT_SOCKET = 4,
    EXIT_RAM = 5,
    EXIT_LOG = 6,
};

static const char usage[] =
    "Usage: amd-sp --chip DIR --ram FILE (--socket PATH | --listen-fd N) [--log FILE]\n"
    "       amd-sp --chip DIR --guest-socket PATH --measurement HEX [--vmpck0 HEX]\n"
    "       amd-sp --chip DIR --init-chip\n"
    "\n"
    "The emulated AMD secure processor. The first form serves one emulated machine, which "
    "connects\n"
    "to PATH and shares its RAM through FILE, until it disconnects. The second serves a guest "
    "that\n"
    "only claims a launch measurement, to test attestation clients. The third only makes the "
    "chip.\n"
    "\n"
    "  --chip DIR          identity of the chip (keys, certificates); made if it does not exist\n"
    "  --init-chip         make the identity and exit\n"
    "  --ram FILE          the machine's RAM; may appear as late as its first command\n"
    "  --socket PATH       unix stream socket to listen on\n"
    "  --listen-fd N       a listening socket that was inherited as descriptor N\n"
    "  --log FILE          append a line for each command to FILE (default: stderr)\n"
    "  --guest-socket PATH unix SOCK_SEQPACKET socket to listen on; until killed\n"
    "  --measurement HEX   MEASUREMENT of the claimed guest, 96 digits\n"
    "  --vmpck0 HEX        its VMPCK0, 64 digits (default: zeros); visible to every process of "
    "the\n"
    "                      host, so for tests only\n"
    "  -h, --help          this text\n"
    "\n"
    "Exit status: 0 done, 2 wrong usage, 3 the chip's identity cannot be used, 4 a socket failed,\n"
    "5 the RAM file cannot be mapped, 6 the log cannot be written.\n";

struct options {
    const char *chip, *ram, *socket, *log, *guest_socket, *measurement, *vmpck0;
    int listen_fd; /* -1: none */
    bool init_chip, help;
};

static enum exit_status fail(enum exit_status status, const char *what, const char *which)
{
    fprintf(stderr, "amd-sp: %s %s: %s\n", what, which, strerror(errno));
    return status;
}

static enum exit_status fail_usage(const char *what)
{
    fprintf(stderr, "amd-sp: %s; --help shows the usage\n", what);
    return EXIT_USAGE;
}

MUST_CHECK static bool parse_descriptor(const char *text, int *descriptor)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (*text == '\0' || *end != '\0' || value < 0 || value > INT32_MAX)
        return false;
    *descriptor = (int)value;
    return true;
}

MUST_CHECK static bool parse_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {
        {"chip", required_argument, NULL, 'c'},
        {"init-chip", no_argument, NULL, 'i'},
        {"ram", required_argument, NULL, 'r'},
        {"socket", required_argument, NULL, 's'},
        {"listen-fd", required_argument, NULL, 'f'},
        {"log", required_argument, NULL, 'l'},
        {"guest-socket", required_argument, NULL, 'g'},
        {"measurement", required_argument, NULL, 'm'},
        {"vmpck0", required_argument, NULL, 'k'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int option;

    *options = (struct options){.listen_fd = -1};
    while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
        switch (option) {
        case 'c':
            options->chip = optarg;
            break;
        case 'i':
            options->init_chip = true;
            break;
        case 'r':
            options->ram = optarg;
            break;
        case 's':
            options->socket = optarg;
            break;
        case 'f':
            if (!parse_descriptor(optarg, &options->listen_fd))
                return false;
            break;
        case 'l':
            options->log = optarg;
            break;
        case 'g':
            options->guest_socket = optarg;
            break;
        case 'm':
            options->measurement = optarg;
            break;
        case 'k':
            options->vmpck0 = optarg;
            break;
        case 'h':
            options->help = true;
            break;
        default:
            return false;
        }
    }
    return optind == argc;
}

/* Waits for the machine; no second one is accepted. Closes the listener. */
MUST_CHECK static int accept_machine(int listener)
{
    int stream;

    do
        stream = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    while (stream < 0 && errno == EINTR);
    close(listener);
    return stream;
}

static enum exit_status serve_stream(struct processor *processor, const struct options *options,
                                     int stream)
{
    switch (doorbell_serve(processor, options->ram, stream)) {
    case DOORBELL_OK:
        return EXIT_DONE;
    case DOORBELL_RAM:
        return fail(EXIT_RAM, "cannot map the machine's RAM file", options->ram);
    case DOORBELL_STREAM:
        break;
    }
    return fail(EXIT_SOCKET, "lost the connection to the machine with RAM file", options->ram);
}

static enum exit_status serve_machine(const struct chip *chip, const struct options *options,
                                      FILE *log)
{
    struct processor processor = {.chip = chip, .log = log};
    const char *name = options->socket ? options->socket : "given by --listen-fd";
    int listener = options->listen_fd, stream;
    enum exit_status status;

    if (options->socket)
        listener = unix_listen(options->socket, SOCK_STREAM);
    if (listener < 0)
        return fail(EXIT_SOCKET, "cannot listen on", name);
    stream = accept_machine(listener);
    if (options->socket)
        unlink(options->socket);
    if (stream < 0)
        return fail(EXIT_SOCKET, "no machine can connect to the socket", name);
    status = serve_stream(&processor, options, stream);
    processor_reset(&processor);
    ram_close(&processor.ram);
    close(stream);
    return status;
}

static enum exit_status serve_machine_logged(const struct chip *chip, const struct options *options)
{
    FILE *log = stderr;
    enum exit_status status;

    if (options->log) {
        log = fopen(options->log, "ae");
        if (!log)
            return fail(EXIT_LOG, "cannot write the log", options->log);
    }
    setvbuf(log, NULL, _IOLBF, 0);
    status = serve_machine(chip, options, log);
    if (log != stderr && fclose(log) != 0)
        return fail(EXIT_LOG, "cannot write the log", options->log);
    return status;
}

static enum exit_status serve_claim(const struct chip *chip, const struct options *options)
{
    struct guest_claim claim = {0};
    int listener;

    if (!options->measurement ||
        !hex_bytes(options->measurement, claim.measurement, sizeof(claim.measurement)))
        return fail_usage("--measurement needs 96 hexadecimal digits");
    if (options->vmpck0 && !hex_bytes(options->vmpck0, claim.vmpck0, sizeof(claim.vmpck0)))
        return fail_usage("--vmpck0 needs 64 hexadecimal digits");
    listener = unix_listen(options->guest_socket, SOCK_SEQPACKET);
    if (listener < 0)
        return fail(EXIT_SOCKET, "cannot listen on", options->guest_socket);
    guest_socket_serve(chip, &claim, listener);
    OPENSSL_cleanse(&claim, sizeof(claim));
    close(listener);
    return fail(EXIT_SOCKET, "cannot accept connections on", options->guest_socket);
}

/* Exactly one of the three forms of the usage, complete. */
MUST_CHECK static bool options_make_sense(const struct options *o)
{
    bool machine = o->ram && (o->socket != NULL) != (o->listen_fd >= 0);
    bool machine_part = o->ram || o->socket || o->listen_fd >= 0 || o->log;
    bool claim = o->guest_socket && o->measurement;
    bool claim_part = o->guest_socket || o->measurement || o->vmpck0;

    if (!o->chip || o->init_chip + machine_part + claim_part != 1)
        return false;
    return o->init_chip || machine || claim;
}

static enum exit_status serve(const struct chip *chip, const struct options *options)
{
    if (options->init_chip)
        return EXIT_DONE;
    if (options->guest_socket)
        return serve_claim(chip, options);
    return serve_machine_logged(chip, options);
}

int main(int argc, char **argv)
{
    struct options options;
    enum chip_error error;
    enum exit_status status;
    struct chip chip;

    if (!parse_options(argc, argv, &options))
        return fail_usage("unknown or malformed option");
    if (options.help) {
        fputs(usage, stdout);
        return EXIT_DONE;
    }
    if (!options_make_sense(&options))
        return fail_usage("these options make none of the three forms");
    error = chip_open(&chip, options.chip);
    if (error != CHIP_OK) {
        fprintf(stderr, "amd-sp: chip %s: %s\n", options.chip, chip_error_text(error));
        return EXIT_CHIP;
    }
    status = serve(&chip, &options);
    chip_close(&chip);
    return status;
}
