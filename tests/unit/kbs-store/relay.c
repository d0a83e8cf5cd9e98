/* SPDX-License-Identifier: MIT */
#include "tests/unit/kbs-store/relay.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_NAME ".s.PGSQL.5432"

static struct sockaddr_un server_address;
static int listener;
static atomic_bool armed, lost;

static struct sockaddr_un address_in(const char *folder)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), "%s/" SOCKET_NAME, folder);
    return address;
}

/* Passes on what there is to read; 0 at the end of the connection. */
static size_t pass(int from, int to, char bytes[8192])
{
    ssize_t size = read(from, bytes, 8192);

    return size > 0 && write(to, bytes, (size_t)size) == size ? (size_t)size : 0;
}

static void relay(int client, int server)
{
    struct pollfd both[] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
    bool losing = false;
    char bytes[8192];
    size_t size;

    while (poll(both, 2, -1) > 0) {
        if (both[0].revents) {
            size = pass(client, server, bytes);
            if (size == 0)
                return;
            if (memmem(bytes, size, "COMMIT", 6) && atomic_exchange(&armed, false))
                losing = true;
        }
        if (both[1].revents && losing) {
            lost = read(server, bytes, sizeof(bytes)) > 0;
            return;
        }
        if (both[1].revents && pass(server, client, bytes) == 0)
            return;
    }
}

static void *serve(void *context)
{
    int client = (int)(intptr_t)context, server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(server, (const struct sockaddr *)&server_address, sizeof(server_address)) == 0)
        relay(client, server);
    close(server);
    close(client);
    return NULL;
}

static void *accept_all(void *context)
{
    pthread_t thread;
    int client;

    (void)context;
    while ((client = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)client) == 0)
            pthread_detach(thread);
    return NULL;
}

void relay_start(const char *folder, const char *server_folder)
{
    struct sockaddr_un address = address_in(folder);
    pthread_t thread;

    server_address = address_in(server_folder);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
        listen(listener, 16) == 0 && pthread_create(&thread, NULL, accept_all, NULL) == 0)
        pthread_detach(thread);
}

void relay_lose_next_commit(void)
{
    lost = false;
    armed = true;
}

int relay_lost(void)
{
    return lost;
}
