/* SPDX-License-Identifier: MIT */
#include "services/attest/native.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/base/uuid.h"
#include "lib/file/io.h"
#include "services/attest/attest_service.h"
#include "services/attest/fetch_key.h"

enum exit_status {
    EXIT_DONE = 0,
    EXIT_USAGE = 2,
    EXIT_SETUP = 3,
    EXIT_SERVICE = 10, /* + status of docs/service-abi.md */
};

struct native_options {
    const char *proxy, *amd_sp, *vmpck0_file, *key_out;
    unsigned int timeout; /* milliseconds */
    struct release_terms terms;
};

static const char usage[] =
    "Usage: attest\n"
    "       attest --proxy unix:PATH --amd-sp unix:PATH --vmpck0-file FILE --key-out FILE\n"
    "\n"
    "Without options, serves the SVSM on the descriptors of docs/service-abi.md.\n"
    "With options, has the KBS release the state key once, on a host:\n"
    "  --proxy unix:PATH    stream socket of the proxy\n"
    "  --amd-sp unix:PATH   SOCK_SEQPACKET socket of an AMD-SP\n"
    "  --vmpck0-file FILE   the 32 bytes of VMPCK0\n"
    "  --key-out FILE       new file for the 64 bytes of the state key\n"
    "  --kbs-key PEM        take only a release signed with this P-384 key: a public key or\n"
    "                       certificate (up to 4)\n"
    "  --volume UUID        with --kbs-key: ask for the key of this volume\n"
    "  --timeout SECONDS    give up after this time (default 60)\n"
    "  -h, --help           show this\n"
    "\n"
    "Exit status: 0 done, 2 usage, 3 a socket or file cannot be used, 12 the proxy does not\n"
    "answer, 13 proxy or KBS broke the protocol, 14 the KBS refused, 15 the proxy could not reach\n"
    "the KBS, 16 the AMD-SP refused, 17 the secret is no 64-byte key, 18 the reply did not "
    "decrypt,\n"
    "19 no memory or entropy, or the key could not be written, 20 no signed release of a KBS with\n"
    "one of the keys, 21 the KBS is busy, 22 the KBS failed, 23 a gateway does not reach the KBS,\n"
    "24 the KBS's address redirects elsewhere, 25 no common version of a protocol, 26 the proxy\n"
    "brings no key and does not say why.\n";

static bool parse_seconds(const char *text, unsigned int *milliseconds)
{
    char *end;
    long seconds = strtol(text, &end, 10);

    if (end == text || *end != '\0' || seconds < 1 || seconds > 3600) {
        fprintf(stderr, "attest: --timeout wants 1 to 3600 seconds\n");
        return false;
    }
    *milliseconds = (unsigned int)seconds * 1000;
    return true;
}

static bool take_kbs_key(const char *path, struct release_terms *terms)
{
    enum release_key_status status;

    if (terms->pin_count == BOOT_KBS_PINS_MAX) {
        fprintf(stderr, "attest: more than %d --kbs-key\n", BOOT_KBS_PINS_MAX);
        return false;
    }
    status = release_pin_read(path, &terms->pins[terms->pin_count]);
    if (status == RELEASE_KEY_OK)
        terms->pin_count++;
    else
        fprintf(stderr, "attest: --kbs-key: %s %s\n", path, release_key_text(status));
    return status == RELEASE_KEY_OK;
}

static bool take_volume(const char *uuid, struct release_terms *terms)
{
    terms->has_volume =
        uuid_bytes(uuid, terms->volume) && !bytes_are_zero(terms->volume, sizeof(terms->volume));
    if (!terms->has_volume)
        fprintf(stderr, "attest: --volume %s is no UUID\n", uuid);
    return terms->has_volume;
}

static bool parse_options(int argc, char **argv, struct native_options *options)
{
    enum { PROXY = 256, AMD_SP, VMPCK0_FILE, KEY_OUT, TIMEOUT, KBS_KEY, VOLUME };
    static const struct option names[] = {
        {"proxy", required_argument, NULL, PROXY},
        {"amd-sp", required_argument, NULL, AMD_SP},
        {"vmpck0-file", required_argument, NULL, VMPCK0_FILE},
        {"key-out", required_argument, NULL, KEY_OUT},
        {"timeout", required_argument, NULL, TIMEOUT},
        {"kbs-key", required_argument, NULL, KBS_KEY},
        {"volume", required_argument, NULL, VOLUME},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int option;

    *options = (struct native_options){.timeout = FETCH_KEY_TIMEOUT};
    while ((option = getopt_long(argc, argv, "h", names, NULL)) != -1) {
        switch (option) {
        case PROXY:
            options->proxy = optarg;
            break;
        case AMD_SP:
            options->amd_sp = optarg;
            break;
        case VMPCK0_FILE:
            options->vmpck0_file = optarg;
            break;
        case KEY_OUT:
            options->key_out = optarg;
            break;
        case TIMEOUT:
            if (!parse_seconds(optarg, &options->timeout))
                return false;
            break;
        case KBS_KEY:
            if (!take_kbs_key(optarg, &options->terms))
                return false;
            break;
        case VOLUME:
            if (!take_volume(optarg, &options->terms))
                return false;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(EXIT_DONE);
        default:
            return false;
        }
    }
    return optind == argc && options->proxy && options->amd_sp && options->vmpck0_file &&
           options->key_out && (options->terms.pin_count > 0 || !options->terms.has_volume);
}

/* Connects to "unix:PATH"; -1 after saying why not. */
static int connect_to(const char *address, int type)
{
    static const char scheme[] = "unix:";
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t prefix = strlen(scheme);
    int fd;

    if (strncmp(address, scheme, prefix) != 0 || strlen(address + prefix) >= sizeof(to.sun_path)) {
        fprintf(stderr, "attest: %s: an address is unix: and a path of at most %zu bytes\n",
                address, sizeof(to.sun_path) - 1);
        return -1;
    }
    strcpy(to.sun_path, address + prefix);
    fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        fprintf(stderr, "attest: cannot connect to %s: %s\n", address, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

static bool read_vmpck0(const char *path, uint8_t vmpck0[VMPCK_SIZE])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool done = fd >= 0 && io_read_secret(fd, vmpck0, VMPCK_SIZE);

    if (!done)
        fprintf(stderr, "attest: cannot read 32 bytes of VMPCK0 from %s: %s\n", path,
                strerror(errno));
    if (fd >= 0)
        close(fd);
    return done;
}

/* A new file, so that a failure costs no key that is there already. */
static int create_key_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0)
        fprintf(stderr, "attest: cannot create %s for the key: %s\n", path, strerror(errno));
    return fd;
}

/* Fills service and opens its descriptors; false after saying what cannot be used. */
static bool set_up(struct attest_service *service, const struct native_options *options)
{
    uint8_t vmpck0[VMPCK_SIZE];
    bool ready;

    service->timeout = options->timeout;
    service->terms = options->terms;
    ready = read_vmpck0(options->vmpck0_file, vmpck0) &&
            (service->proxy = connect_to(options->proxy, SOCK_STREAM)) >= 0 &&
            (service->amd_sp = connect_to(options->amd_sp, SOCK_SEQPACKET)) >= 0 &&
            (service->state_key = create_key_file(options->key_out)) >= 0;
    if (ready)
        guest_requester_init(&service->requester, amd_sp_on_descriptor(&service->amd_sp), vmpck0);
    OPENSSL_cleanse(vmpck0, sizeof(vmpck0));
    return ready;
}

static enum attest_error release_key(struct attest_service *service)
{
    uint8_t key[STATE_KEY_SIZE];
    enum attest_error error =
        fetch_key(service->proxy, service->timeout, &service->requester, &service->terms, key);

    if (!error && !io_write_all(service->state_key, key, sizeof(key)))
        error = ATTEST_ERR_KEY_NOT_TAKEN;
    OPENSSL_cleanse(key, sizeof(key));
    return error;
}

int native_main(int argc, char **argv)
{
    struct native_options options;
    struct attest_service *service;
    enum attest_error error;

    if (!parse_options(argc, argv, &options)) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    /* A proxy that goes away is an error of the exchange, not the end of this program. */
    signal(SIGPIPE, SIG_IGN);
    service = calloc(1, sizeof(*service));
    if (!service || !set_up(service, &options)) {
        free(service);
        return EXIT_SETUP;
    }
    error = release_key(service);
    guest_requester_disable(&service->requester);
    free(service);
    if (error) {
        unlink(options.key_out);
        fprintf(stderr, "attest: %s\n", attest_error_words(error));
        return EXIT_SERVICE + (int)attest_error_status(error);
    }
    return EXIT_DONE;
}
