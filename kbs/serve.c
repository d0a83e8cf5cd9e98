/* SPDX-License-Identifier: MIT */
#include "kbs/commands.h"

#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kbs/http_server.h"
#include "kbs/listener.h"
#include "kbs/log.h"

#define SESSIONS_MAX 4096

struct serve_options {
    const char *db, *listen, *amd_certs, *trust_emulated, *certs;
};

MUST_CHECK static bool parse_options(int argc, char **argv, struct serve_options *options)
{
    static const struct option known[] = {
        {"db", required_argument, NULL, 'd'},
        {"listen", required_argument, NULL, 'l'},
        {"amd-certs", required_argument, NULL, 'a'},
        {"trust-emulated", required_argument, NULL, 'e'},
        {"certs", required_argument, NULL, 'c'},
        {0},
    };
    int option;

    *options = (struct serve_options){.listen = "127.0.0.1:8080"};
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case 'd':
            options->db = optarg;
            break;
        case 'l':
            options->listen = optarg;
            break;
        case 'a':
            options->amd_certs = optarg;
            break;
        case 'e':
            options->trust_emulated = optarg;
            break;
        case 'c':
            options->certs = optarg;
            break;
        default:
            return false;
        }
    }
    return options->db && optind == argc && (!options->certs || options->trust_emulated);
}

MUST_CHECK static bool load_trust(const struct serve_options *options, struct trust *trust)
{
    struct trust_error error;

    if ((!options->amd_certs || trust_load_amd(trust, options->amd_certs, &error)) &&
        (!options->trust_emulated || trust_load_emulated(trust, options->trust_emulated, &error)) &&
        (!options->certs || trust_load_emulated_chain(trust, options->certs, &error)))
        return true;
    fail_with(EXIT_FILE, "%s", error.text);
    return false;
}

static int fail_to_listen(const char *address, enum listener_status status)
{
    switch (status) {
    case LISTENER_BAD_ADDRESS:
        return fail_with(EXIT_USAGE, "--listen %s: not an ADDRESS:PORT such as 127.0.0.1:8080",
                         address);
    case LISTENER_NOT_LOOPBACK:
        return fail_with(EXIT_USAGE, "--listen %s: plain HTTP is served on loopback addresses only",
                         address);
    case LISTENER_IN_USE:
        return fail_with(EXIT_ADDRESS,
                         "%s is in use; stop the program that uses it or choose another --listen",
                         address);
    default:
        return fail_with(EXIT_ADDRESS, "%s: %s", address, strerror(errno));
    }
}

static void announce(const struct serve_options *options, const struct listener *listener)
{
    fprintf(stderr, "kbs: serving http://%.*s:%u from %s\n",
            (int)(strrchr(options->listen, ':') - options->listen), options->listen, listener->port,
            options->db);
    if (options->trust_emulated)
        fprintf(stderr,
                "kbs: WARNING: secrets are also released to VMs of the EMULATED platform of %s.\n"
                "kbs: WARNING: whoever runs such a VM can read them. Never use this with real "
                "secrets.\n",
                options->trust_emulated);
}

/* Blocked before the server's thread starts, so that only sigwait sees them. */
static void block_termination(sigset_t *termination)
{
    sigemptyset(termination);
    sigaddset(termination, SIGINT);
    sigaddset(termination, SIGTERM);
    pthread_sigmask(SIG_BLOCK, termination, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static int serve(const struct serve_options *options, struct api *api)
{
    struct listener listener;
    enum listener_status listening = listener_open(options->listen, &listener);
    struct http_server *server;
    sigset_t termination;
    int received;

    if (listening != LISTENER_OK)
        return fail_to_listen(options->listen, listening);
    block_termination(&termination);
    server = http_server_start(api, listener.fd);
    if (!server) {
        close(listener.fd);
        return fail_with(EXIT_ADDRESS, "cannot start the HTTP server");
    }
    announce(options, &listener);
    sigwait(&termination, &received);
    http_server_stop(server);
    log_event("stop", "{s:s}", "signal", strsignal(received));
    return EXIT_DONE;
}

int command_serve(int argc, char **argv)
{
    struct serve_options options;
    struct trust trust = {0};
    struct store *store = NULL;
    struct api api;
    int status = EXIT_FILE;

    if (!parse_options(argc, argv, &options))
        return fail_with(EXIT_USAGE, "serve needs --db, and --certs only goes with "
                                     "--trust-emulated; see kbs --help");
    api = (struct api){.trust = &trust, .sessions = sessions_new(SESSIONS_MAX)};
    if (!api.sessions) {
        fail_with(EXIT_FILE, "out of memory");
        goto out;
    }
    if (!load_trust(&options, &trust) || !open_store_or_say(options.db, true, &store))
        goto out;
    api.store = store;
    status = serve(&options, &api);
out:
    store_close(store);
    sessions_free(api.sessions);
    trust_free(&trust);
    return status;
}
