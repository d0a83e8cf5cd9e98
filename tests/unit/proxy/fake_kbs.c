/* SPDX-License-Identifier: MIT */
#include "tests/unit/proxy/fake_kbs.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Reads until the header and as many bytes of body as it announces are there. */
static void receive_request(int fd, char *text, size_t room)
{
    size_t used = 0, whole = SIZE_MAX;
    ssize_t got;

    while (used < whole && used + 1 < room &&
           (got = recv(fd, text + used, room - 1 - used, 0)) > 0) {
        const char *end, *length;

        used += (size_t)got;
        text[used] = '\0';
        end = strstr(text, "\r\n\r\n");
        length = strstr(text, "Content-Length: ");
        if (end)
            whole = (size_t)(end + 4 - text) + (length ? strtoul(length + 16, NULL, 10) : 0);
    }
}

static void wait_until_closed(int fd)
{
    char byte;

    while (recv(fd, &byte, 1, 0) > 0)
        ;
}

static void send_text(int fd, const char *text)
{
    if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
        return; /* the proxy gave up, as it may */
}

static void send_for_ever(int fd)
{
    static char garbage[65536];

    memset(garbage, ' ', sizeof(garbage));
    while (send(fd, garbage, sizeof(garbage), MSG_NOSIGNAL) > 0)
        ;
}

static void serve_one(struct fake_kbs *kbs, int fd)
{
    int turn = kbs->count;
    const char *answer = kbs->answers[turn];
    bool last = turn + 1 == FAKE_KBS_REQUESTS_MAX || !kbs->answers[turn + 1];

    receive_request(fd, kbs->requests[turn], sizeof(kbs->requests[turn]));
    kbs->count++;
    if (turn > 0)
        usleep(1000 * (useconds_t)kbs->delay_ms);
    if (answer)
        send_text(fd, answer);
    if (answer && last && kbs->endless)
        send_for_ever(fd);
    if (!answer)
        wait_until_closed(fd);
}

static void *serve(void *context)
{
    struct fake_kbs *kbs = context;
    int fd;

    while (kbs->count < FAKE_KBS_REQUESTS_MAX && (fd = accept(kbs->listening, NULL, NULL)) >= 0) {
        serve_one(kbs, fd);
        close(fd);
    }
    return NULL;
}

void fake_kbs_start(struct fake_kbs *kbs)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    kbs->count = 0;
    kbs->listening = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(kbs->listening, (struct sockaddr *)&address, size) != 0 ||
        listen(kbs->listening, 8) != 0 ||
        getsockname(kbs->listening, (struct sockaddr *)&address, &size) != 0 ||
        pthread_create(&kbs->thread, NULL, serve, kbs) != 0)
        abort();
    snprintf(kbs->url, sizeof(kbs->url), "http://127.0.0.1:%u", ntohs(address.sin_port));
}

void fake_kbs_stop(struct fake_kbs *kbs)
{
    shutdown(kbs->listening, SHUT_RDWR); /* ends accept() */
    pthread_join(kbs->thread, NULL);
    close(kbs->listening);
}
