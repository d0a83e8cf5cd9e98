/* SPDX-License-Identifier: MIT */
/*
 * proxy: carries attestation messages between the serial ports of VMs on this host and the KBS. It
 * is not trusted by either, and learns no secret.
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "proxy/exchange.h"
#include "proxy/unix_listener.h"

#define CONNECTIONS_MAX 64
#define TIMEOUT_MAX     600 /* seconds */

enum exit_status {
    EXIT_DONE = 0,
    EXIT_USAGE = 2,
    EXIT_FILE = 3,
    EXIT_ADDRESS = 5,
};

static const char usage[] =
    "Usage: proxy --unix PATH --url URL [--timeout SECONDS]\n"
    "\n"
    "Connects the SVSMs of VMs on this host, through their serial ports, to a Key Broker Server.\n"
    "\n"
    "  --unix PATH        socket to listen on, for QEMU's -serial unix:PATH\n"
    "  --url URL          address of the KBS, such as http://127.0.0.1:8080\n"
    "  --timeout SECONDS  how long to wait for each answer of the KBS (1 to 600, default 30)\n"
    "  -h, --help         show this text\n"
    "\n"
    "Exit status: 0 done, 2 wrong usage, 3 the socket cannot be made at PATH,\n"
    "5 another process serves PATH.\n";

struct options {
    const char *path;
    char *url;
    long timeout_s;
};

static atomic_uint connections_open;

/* What a connection's thread owns. */
struct connection {
    int fd;
    struct exchange_options exchange;
};

static bool parse_timeout(const char *text, long *seconds)
{
    char *end;

    errno = 0;
    *seconds = strtol(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *seconds >= 1 && *seconds <= TIMEOUT_MAX;
}

/* An http(s) address; its final slashes are taken off. */
static bool take_url(char *url)
{
    size_t length = strlen(url);

    while (length > 0 && url[length - 1] == '/')
        url[--length] = '\0';
    return strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0;
}

/* Returns EXIT_DONE when the options are complete and help was not asked for. */
static int parse_options(int argc, char **argv, struct options *options, bool *help)
{
    static const struct option known[] = {
        {"unix", required_argument, NULL, 'p'},
        {"url", required_argument, NULL, 'u'},
        {"timeout", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    int option;

    *options = (struct options){.timeout_s = 30};
    *help = false;
    while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
        switch (option) {
        case 'p':
            options->path = optarg;
            break;
        case 'u':
            options->url = optarg;
            break;
        case 't':
            if (!parse_timeout(optarg, &options->timeout_s))
                return EXIT_USAGE;
            break;
        case 'h':
            *help = true;
            return EXIT_DONE;
        default:
            return EXIT_USAGE;
        }
    }
    if (!options->path || !options->url || !take_url(options->url) || optind != argc)
        return EXIT_USAGE;
    return EXIT_DONE;
}

static void *serve_connection(void *context)
{
    struct connection *connection = context;

    exchange_serve(connection->fd, &connection->exchange);
    close(connection->fd);
    free(connection);
    atomic_fetch_sub(&connections_open, 1);
    return NULL;
}

/* Gives fd to a thread of its own, or closes it. */
static void start_connection(int fd, const struct options *options, unsigned number)
{
    struct connection *connection = malloc(sizeof(*connection));
    pthread_t thread;

    if (!connection || atomic_load(&connections_open) >= CONNECTIONS_MAX)
        goto refuse;
    *connection = (struct connection){
        .fd = fd,
        .exchange = {.url = options->url, .timeout_s = options->timeout_s, .number = number},
    };
    atomic_fetch_add(&connections_open, 1);
    if (pthread_create(&thread, NULL, serve_connection, connection) == 0) {
        pthread_detach(thread);
        return;
    }
    atomic_fetch_sub(&connections_open, 1);
refuse:
    fprintf(stderr, "proxy: connection %u: refused, too many are open\n", number);
    free(connection);
    close(fd);
}

/* Accepts for ever; ends only when the listening socket fails. */
static int accept_connections(int listening, const struct options *options)
{
    for (unsigned number = 1;; number++) {
        int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);

        if (fd >= 0) {
            start_connection(fd, options, number);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            sleep(1); /* until a connection closes */
        } else if (errno != EINTR && errno != ECONNABORTED) {
            fprintf(stderr, "proxy: %s: %s\n", options->path, strerror(errno));
            return EXIT_FILE;
        }
    }
}

/* Removes the socket when told to stop, so that none is left behind. */
static void *await_termination(void *context)
{
    const struct options *options = context;
    sigset_t termination;
    int received;

    sigemptyset(&termination);
    sigaddset(&termination, SIGINT);
    sigaddset(&termination, SIGTERM);
    sigwait(&termination, &received);
    unlink(options->path);
    fprintf(stderr, "proxy: stopped by signal: %s\n", strsignal(received));
    _exit(EXIT_DONE);
}

static bool start_termination_thread(struct options *options)
{
    sigset_t termination;
    pthread_t thread;

    sigemptyset(&termination);
    sigaddset(&termination, SIGINT);
    sigaddset(&termination, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &termination, NULL);
    return pthread_create(&thread, NULL, await_termination, options) == 0;
}

static int fail_to_listen(const char *path, enum unix_listener_status status)
{
    switch (status) {
    case UNIX_LISTENER_IN_USE:
        fprintf(stderr, "proxy: another process serves %s; stop it or choose another --unix\n",
                path);
        return EXIT_ADDRESS;
    case UNIX_LISTENER_NOT_SOCKET:
        fprintf(stderr, "proxy: %s exists and is not a socket; choose another --unix\n", path);
        return EXIT_FILE;
    case UNIX_LISTENER_TOO_LONG:
        fprintf(stderr, "proxy: %s is too long for a socket; choose another --unix\n", path);
        return EXIT_FILE;
    default:
        fprintf(stderr, "proxy: %s: %s\n", path, strerror(errno));
        return EXIT_FILE;
    }
}

int main(int argc, char **argv)
{
    struct options options;
    enum unix_listener_status listening;
    bool help;
    int fd, status = parse_options(argc, argv, &options, &help);

    if (help || status != EXIT_DONE) {
        fputs(usage, help ? stdout : stderr);
        return status;
    }
    listening = unix_listener_open(options.path, &fd);
    if (listening != UNIX_LISTENER_OK)
        return fail_to_listen(options.path, listening);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !start_termination_thread(&options)) {
        fprintf(stderr, "proxy: cannot start: out of resources\n");
        return EXIT_FILE;
    }
    fprintf(stderr, "proxy: carrying %s to %s\n", options.path, options.url);
    return accept_connections(fd, &options);
}
