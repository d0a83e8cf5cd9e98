/* SPDX-License-Identifier: MIT */
#include "proxy/service.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/systemd/notify.h"
#include "proxy/clock.h"
#include "proxy/connections.h"
#include "proxy/systemd.h"
#include "proxy/unix_listener.h"
#include "proxy/vsock_listener.h"

#define STOP_MS      4000 /* what is in progress at the end gets to finish */
#define SHORTAGE_MS  1000 /* between tries to accept when resources are short */
#define FDS_RESERVED 64

/* A connection's own, and at most three of its request: socket, and a pair to resolve a name. */
#define FDS_PER_CONNECTION 4

/* Unix sockets, one of vsock, and those of systemd. */
#define LISTENERS_MAX (2 * OPTIONS_LISTENERS_MAX + 1)

struct service {
    const struct options *options;
    int listeners[LISTENERS_MAX];
    unsigned listener_count;
    unsigned paths_made; /* of options->unix_paths, to be removed at the end */
    int signals;         /* SIGTERM and SIGINT */
    int stop;            /* readable from then on, for all that wait */
    struct connections *connections;
};

static enum service_status fail(enum service_status status, const char *where, const char *problem)
{
    log_line(LOG_ERROR, NULL, "cannot-start", NULL, "%s: %s", where, problem);
    return status;
}

static enum service_status listen_on_path(struct service *service, const char *path)
{
    int *fd = &service->listeners[service->listener_count];

    switch (unix_listener_open(path, service->options->socket_gid, fd)) {
    case UNIX_LISTENER_OK:
        service->listener_count++;
        service->paths_made++;
        return SERVICE_DONE;
    case UNIX_LISTENER_IN_USE:
        return fail(SERVICE_IN_USE, path,
                    "another process serves it; stop that one or choose another --unix");
    case UNIX_LISTENER_NOT_SOCKET:
        return fail(SERVICE_FAILED, path, "exists and is no socket; choose another --unix");
    case UNIX_LISTENER_TOO_LONG:
        return fail(SERVICE_FAILED, path, "is too long for a socket; choose another --unix");
    case UNIX_LISTENER_FAILED:
        break;
    }
    return fail(SERVICE_FAILED, path, strerror(errno));
}

static enum service_status listen_on_paths(struct service *service)
{
    const struct option_list *paths = &service->options->unix_paths;
    enum service_status status = SERVICE_DONE;

    for (size_t i = 0; i < paths->count && status == SERVICE_DONE; i++)
        status = listen_on_path(service, paths->values[i]);
    return status;
}

static enum service_status listen_on_vsock(struct service *service)
{
    uint32_t port = service->options->vsock_port;
    char where[32];

    if (!service->options->vsock)
        return SERVICE_DONE;
    snprintf(where, sizeof(where), "vsock port %u", port);
    switch (vsock_listener_open(port, &service->listeners[service->listener_count])) {
    case VSOCK_LISTENER_OK:
        service->listener_count++;
        return SERVICE_DONE;
    case VSOCK_LISTENER_UNSUPPORTED:
        return fail(SERVICE_FAILED, where,
                    "this kernel has no vsock; modprobe vhost_vsock, or leave out --vsock");
    case VSOCK_LISTENER_IN_USE:
        return fail(SERVICE_IN_USE, where,
                    "another process listens there; stop that one or choose another port");
    case VSOCK_LISTENER_FAILED:
        break;
    }
    return fail(SERVICE_FAILED, where, strerror(errno));
}

static enum service_status take_inherited(struct service *service, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        int fd = SYSTEMD_FIRST_FD + (int)i;

        if (!systemd_is_listener(fd))
            return fail(SERVICE_FAILED, "LISTEN_FDS",
                        "a socket that systemd passed is no listening Unix or vsock stream");
        service->listeners[service->listener_count++] = fd;
    }
    return SERVICE_DONE;
}

/* As many connections as were promised need descriptors; if there are fewer, accepting waits. */
static void raise_descriptor_limit(const struct options *options)
{
    rlim_t wanted = FDS_RESERVED + FDS_PER_CONNECTION * (rlim_t)options->connections;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* All threads have these signals blocked; this descriptor gets them. */
static int open_signals(void)
{
    sigset_t termination;

    sigemptyset(&termination);
    sigaddset(&termination, SIGINT);
    sigaddset(&termination, SIGTERM);
    if (pthread_sigmask(SIG_BLOCK, &termination, NULL) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return -1;
    return signalfd(-1, &termination, SFD_CLOEXEC | SFD_NONBLOCK);
}

static enum service_status prepare(struct service *service)
{
    const struct options *options = service->options;
    struct exchange_options exchange = {
        .kbs = {.url = options->url, .ca = options->ca, .pin = options->pin},
        .resource = options->resource ? options->resource : RESOURCE_DEFAULT,
        .timeout_s = options->timeout_s,
        .at_once = options->kbs_connections,
    };
    struct peers_limits limits = {
        .total = options->connections,
        .per_peer = options->per_peer,
        .rate = options->rate,
    };

    service->signals = open_signals();
    service->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (service->signals >= 0 && service->stop >= 0)
        service->connections = connections_new(&exchange, &limits, service->stop);
    return service->connections ? SERVICE_DONE : fail(SERVICE_FAILED, "starting", strerror(errno));
}

static enum service_status serve_devices(struct service *service)
{
    const struct option_list *devices = &service->options->serial_devices;

    for (unsigned i = 0; i < devices->count; i++)
        if (!connections_serve_device(service->connections, devices->values[i], i))
            return fail(SERVICE_FAILED, devices->values[i], "no thread for it");
    return SERVICE_DONE;
}

static enum service_status open_service(struct service *service, unsigned inherited)
{
    enum service_status status = take_inherited(service, inherited);

    if (status == SERVICE_DONE)
        status = listen_on_paths(service);
    if (status == SERVICE_DONE)
        status = listen_on_vsock(service);
    if (status == SERVICE_DONE)
        status = prepare(service);
    if (status == SERVICE_DONE)
        status = serve_devices(service);
    return status;
}

/* False when resources are short, so that trying again at once is of no use. */
static bool accept_one(struct service *service, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd >= 0) {
        connections_accept(service->connections, fd);
        return true;
    }
    return errno != EMFILE && errno != ENFILE && errno != ENOMEM && errno != ENOBUFS;
}

/* Accepts from all listeners until there is a signal. */
static void accept_until_signal(struct service *service)
{
    struct pollfd polled[LISTENERS_MAX + 1];
    unsigned count = service->listener_count;

    for (unsigned i = 0; i < count; i++)
        polled[i] = (struct pollfd){.fd = service->listeners[i], .events = POLLIN};
    polled[count] = (struct pollfd){.fd = service->signals, .events = POLLIN};
    for (;;) {
        bool plenty = true;

        if (poll(polled, count + 1, NO_LIMIT) < 0)
            continue;
        if (polled[count].revents)
            return;
        for (unsigned i = 0; i < count; i++)
            if (polled[i].revents && !accept_one(service, service->listeners[i]))
                plenty = false;
        if (!plenty) {
            log_line(LOG_WARNING, NULL, "cannot-accept", NULL, "out of descriptors or memory");
            (void)line_pause(service->signals, SHORTAGE_MS);
        }
    }
}

static const char *name_of_signal(const struct service *service)
{
    struct signalfd_siginfo received;

    if (read(service->signals, &received, sizeof(received)) != sizeof(received))
        return "?";
    return received.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM";
}

static void close_listeners(struct service *service)
{
    for (unsigned i = 0; i < service->listener_count; i++)
        close(service->listeners[i]);
    service->listener_count = 0;
    for (unsigned i = 0; i < service->paths_made; i++)
        unlink(service->options->unix_paths.values[i]);
    service->paths_made = 0;
}

/* Returns how many conversations did not come to their end. */
static unsigned end_conversations(struct service *service)
{
    static const uint64_t one = 1;

    (void)!write(service->stop, &one, sizeof(one));
    return connections_wait(service->connections, clock_now_ms() + STOP_MS);
}

static void close_service(struct service *service)
{
    unsigned left = service->connections ? end_conversations(service) : 0;

    if (left > 0) {
        /* Their threads still use what would be released. */
        log_line(LOG_WARNING, NULL, "cut-off", NULL, "%u conversations in progress", left);
        _exit(SERVICE_DONE);
    }
    connections_free(service->connections);
    if (service->signals >= 0)
        close(service->signals);
    if (service->stop >= 0)
        close(service->stop);
}

enum service_status service_run(const struct options *options, unsigned inherited)
{
    struct service service = {.options = options, .signals = -1, .stop = -1};
    enum service_status status;

    raise_descriptor_limit(options);
    status = open_service(&service, inherited);
    if (status == SERVICE_DONE) {
        log_line(LOG_INFO, NULL, "serving", NULL, "carrying VMs' attestations to %s", options->url);
        notify("READY=1");
        accept_until_signal(&service);
        notify("STOPPING=1");
        log_line(LOG_INFO, NULL, "stopping", name_of_signal(&service), NULL);
    }
    close_listeners(&service);
    close_service(&service);
    return status;
}
