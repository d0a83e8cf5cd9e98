/* SPDX-License-Identifier: MIT */
#include "kbs/server/commands.h"

#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kbs/audit/audit.h"
#include "kbs/log.h"
#include "kbs/server/clock.h"
#include "kbs/server/listener.h"
#include "kbs/server/parts.h"
#include "lib/systemd/notify.h"

#define SERVERS_MAX (2 * CONFIG_LISTENERS_MAX)

struct serve_options {
    const char *config;
    bool check;
    int ready_fd; /* -1: none */
};

struct served {
    struct http_server *server;
    const char *kind;
    char url[sizeof("https://") + LISTENER_NAME_MAX];
};

struct serving {
    struct parts parts;
    size_t count;
    struct served served[SERVERS_MAX];
};

MUST_CHECK static bool parse_number(const char *text, int *number)
{
    char *end;
    long value;

    errno = 0;
    value = strtol(text, &end, 10);
    *number = (int)value;
    return errno == 0 && *text && !*end && value > 2 && value < 1024;
}

MUST_CHECK static bool parse_options(int argc, char **argv, struct serve_options *options)
{
    static const struct option known[] = {
        {"config", required_argument, NULL, 'c'},
        {"check-config", no_argument, NULL, 'k'},
        {"ready-fd", required_argument, NULL, 'r'},
        {0},
    };
    int option;

    *options = (struct serve_options){.ready_fd = -1};
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case 'c':
            options->config = optarg;
            break;
        case 'k':
            options->check = true;
            break;
        case 'r':
            if (!parse_number(optarg, &options->ready_fd))
                return false;
            break;
        default:
            return false;
        }
    }
    return options->config && optind == argc;
}

static struct http_server_options describe(struct parts *parts, bool admin, struct tls_files *tls)
{
    const struct config_limits *limits = &parts->backing.config.limits;

    return (struct http_server_options){
        .gate = admin ? front_admin_gate : front_public_gate,
        .handler = admin ? front_admin_answer : front_public_answer,
        .refuse = admin ? front_admin_refuse : front_public_refuse,
        .context = &parts->front[tls != NULL],
        .tls = tls,
        .header_size = (size_t)limits->header_size,
        .limits =
            {
                .connections = (unsigned)(admin ? limits->admin_connections : limits->connections),
                .connections_per_client = (unsigned)(admin ? limits->admin_connections_per_client
                                                           : limits->connections_per_client),
                .idle_ms = (unsigned)limits->idle_time * 1000,
                .request_ms = (unsigned)limits->request_time * 1000,
            },
    };
}

static int listen_at(struct serving *serving, const char *address, bool admin,
                     struct tls_files *tls)
{
    struct http_server_options options = describe(&serving->parts, admin, tls);
    struct served *served = &serving->served[serving->count];
    char at[LISTENER_NAME_MAX + 1];
    enum listener_status status;
    int fd;

    status = listener_open(address, &fd, at);
    if (status != LISTENER_OK)
        return complain(EXIT_ADDRESS, "%s: %s", address, listener_status_text(status));
    served->server = http_server_start(fd, &options);
    if (!served->server)
        return complain(EXIT_ADDRESS, "%s: the HTTP server does not start", address);
    served->kind = admin ? "admin" : "public";
    snprintf(served->url, sizeof(served->url), "%s://%s", tls ? "https" : "http", at);
    serving->count++;
    return EXIT_DONE;
}

static int listen_everywhere(struct serving *serving)
{
    struct parts *parts = &serving->parts;
    const struct config *config = &parts->backing.config;
    int status = EXIT_DONE;

    for (size_t i = 0; i < config->listen.count && status == EXIT_DONE; i++)
        status = listen_at(serving, config->listen.listeners[i].address.text, false, parts->tls[i]);
    for (size_t i = 0; i < config->admin_listen.count && status == EXIT_DONE; i++)
        status = listen_at(serving, config->admin_listen.listeners[i].address.text, true,
                           parts->admin_tls[i]);
    return status;
}

/* What an auditor should find in the log: when the server ran, and whom it believed. */
static enum store_status record(struct serving *serving, const char *event)
{
    const struct config *config = &serving->parts.backing.config;

    return audit_record(serving->parts.audit, event,
                        json_pack("{s:b}", "emulated_trusted", config->emulated_root.text != NULL),
                        time(NULL), NULL, NULL);
}

static void warn_of_emulated(const struct serving *serving)
{
    const char *root = serving->parts.backing.config.emulated_root.text;

    if (root)
        log_event("WARNING",
                  LOG_MEMBERS({"trust_emulated", root},
                              {"meaning",
                               "secrets are also released to VMs of the EMULATED platform, and "
                               "whoever runs such a VM can read them: never use this with real "
                               "secrets"}));
}

static void warn_of_needs(const struct needs *needs)
{
    for (enum need need = 0; need < NEED_COUNT; need++)
        if (needs->texts[need][0])
            log_event("WARNING",
                      LOG_MEMBERS({"missing", need_name(need)}, {"meaning", needs->texts[need]}));
}

static void announce(const struct serving *serving, int ready_fd)
{
    for (size_t i = 0; i < serving->count; i++) {
        const struct served *served = &serving->served[i];

        log_event("serving", LOG_MEMBERS({"listener", served->kind}, {"url", served->url}));
        if (ready_fd >= 0)
            dprintf(ready_fd, "%s %s\n", served->kind, served->url);
    }
    if (ready_fd >= 0)
        close(ready_fd);
    notify("READY=1");
}

/* Blocked before there are other threads, so that only sigwait sees them. */
static void block_signals(sigset_t *waited_for)
{
    sigemptyset(waited_for);
    sigaddset(waited_for, SIGINT);
    sigaddset(waited_for, SIGTERM);
    sigaddset(waited_for, SIGHUP);
    pthread_sigmask(SIG_BLOCK, waited_for, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static int wait_for_the_end(struct serving *serving, const sigset_t *waited_for)
{
    for (;;) {
        int received;

        sigwait(waited_for, &received);
        if (received != SIGHUP)
            return received;
        notify_reloading();
        parts_reload(&serving->parts);
        notify("READY=1");
    }
}

/* Nothing new is accepted anywhere from the first moment on; the time is for all together. */
static void stop(struct serving *serving)
{
    unsigned time_ms = (unsigned)serving->parts.backing.config.limits.shutdown_time * 1000;
    uint64_t until_ms = clock_ms() + time_ms;
    unsigned left = 0;

    for (size_t i = 0; i < serving->count; i++)
        (void)!http_server_drain(serving->served[i].server, 0);
    for (size_t i = 0; i < serving->count; i++) {
        uint64_t now_ms = clock_ms();

        left += http_server_drain(serving->served[i].server,
                                  now_ms < until_ms ? (unsigned)(until_ms - now_ms) : 0);
    }
    if (left > 0)
        log_event("stop", json_pack("{s:i}", "requests_cut_off", (int)left));
    for (size_t i = 0; i < serving->count; i++)
        http_server_stop(serving->served[i].server);
    serving->count = 0;
}

/* Each connection has a descriptor, and so have the store and fetches. */
static void allow_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* More of glibc's heaps than there are cores would only fill the caches of these. */
static void limit_heaps(void)
{
    cpu_set_t cores;

    if (sched_getaffinity(0, sizeof(cores), &cores) == 0)
        mallopt(M_ARENA_MAX, CPU_COUNT(&cores));
}

static int serve(struct serving *serving, int ready_fd, const sigset_t *waited_for)
{
    enum store_status recorded;
    int status, received;

    warn_of_emulated(serving);
    warn_of_needs(&serving->parts.needs);
    status = listen_everywhere(serving);
    if (status == EXIT_DONE) {
        recorded = record(serving, "start");
        if (recorded != STORE_OK)
            status = complain(EXIT_FILE, "audit log: %s", store_status_text(recorded));
    }
    if (status == EXIT_DONE) {
        announce(serving, ready_fd);
        received = wait_for_the_end(serving, waited_for);
        notify("STOPPING=1");
        log_event("stopping", LOG_MEMBERS({"signal", strsignal(received)}));
    }
    stop(serving);
    /* Where the store is gone there is no more to be done about it than this line. */
    if (status == EXIT_DONE && record(serving, "stop") != STORE_OK)
        log_event("stop", LOG_MEMBERS({"audit", "not recorded"}));
    return status;
}

/* It would start. */
static void tell_checked(const char *config, const struct needs *needs)
{
    for (enum need need = 0; need < NEED_COUNT; need++)
        if (needs->texts[need][0])
            printf("%s: warning: %s\n", config, needs->texts[need]);
    if (!needs->missing)
        printf("%s: all is well\n", config);
}

int command_serve(int argc, char **argv)
{
    struct serve_options options;
    struct serving *serving;
    sigset_t waited_for;
    int status;

    if (!parse_options(argc, argv, &options))
        return complain(EXIT_USAGE, "serve needs --config FILE; see kbs --help");
    serving = calloc(1, sizeof(*serving));
    if (!serving)
        return complain(EXIT_FILE, "out of memory");
    block_signals(&waited_for);
    allow_descriptors();
    limit_heaps();
    status = parts_open(options.config, !options.check, &serving->parts);
    if (status == EXIT_DONE && options.check)
        tell_checked(options.config, &serving->parts.needs);
    else if (status == EXIT_DONE)
        status = serve(serving, options.ready_fd, &waited_for);
    parts_close(&serving->parts);
    free(serving);
    return status;
}
