/* SPDX-License-Identifier: MIT */
#include "tests/unit/kbs-server/served.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kbs/server/listener.h"
#include "tests/unit/kbs-server/net.h"
#include "tests/unit/registered.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t released = PTHREAD_COND_INITIALIZER;
static unsigned waiting, round_of_waiting;

static void reply_with(struct http_reply *reply, const void *bytes, size_t size)
{
    reply->status = HTTP_OK;
    reply->content_type = "application/octet-stream";
    reply->body = malloc(size + 1);
    reply->body_size = size;
    if (size > 0)
        memcpy(reply->body, bytes, size);
}

static void wait_for_release(void)
{
    unsigned round;

    pthread_mutex_lock(&mutex);
    waiting++;
    round = round_of_waiting;
    while (round == round_of_waiting)
        pthread_cond_wait(&released, &mutex);
    waiting--;
    pthread_mutex_unlock(&mutex);
}

void served_release(void)
{
    pthread_mutex_lock(&mutex);
    round_of_waiting++;
    pthread_cond_broadcast(&released);
    pthread_mutex_unlock(&mutex);
}

bool served_wait_for_waiting(unsigned count)
{
    for (int i = 0; i < 1000; i++) {
        bool reached;

        pthread_mutex_lock(&mutex);
        reached = waiting == count;
        pthread_mutex_unlock(&mutex);
        if (reached)
            return true;
        usleep(10000);
    }
    return false;
}

static const char *or_none(const char *value)
{
    return value ? value : "none";
}

static void reply_with_values(const struct http_request *request, struct http_reply *reply)
{
    char text[512];
    int length = snprintf(text, sizeof(text), "%s %s a=%s X-Test=%s c=%s", request->method,
                          request->path, or_none(http_request_value(request, HTTP_QUERY, "a")),
                          or_none(http_request_value(request, HTTP_HEADER, "x-test")),
                          or_none(http_request_value(request, HTTP_COOKIE, "c")));

    reply_with(reply, text, (size_t)length);
}

static void answer(void *context, const struct http_request *request, struct http_reply *reply)
{
    (void)context;
    if (strcmp(request->path, "/echo") == 0) {
        reply_with(reply, request->body, request->body_size);
    } else if (strcmp(request->path, "/big") == 0) {
        char *zeros = calloc(1, BIG_BODY);

        reply_with(reply, zeros, BIG_BODY);
        free(zeros);
    } else if (strcmp(request->path, "/wait") == 0) {
        wait_for_release();
        reply_with(reply, "waited", 6);
    } else if (strcmp(request->path, "/peer") == 0) {
        reply_with(reply, request->peer, strlen(request->peer));
    } else if (strncmp(request->path, "/path/", 6) == 0) {
        reply_with_values(request, reply);
    } else if (strcmp(request->path, "/nothing") != 0) {
        reply_with(reply, "unknown", 7);
        reply->status = HTTP_NOT_FOUND;
        http_reply_header(reply, "X-First", "%d", 1);
        http_reply_header(reply, "X-Second", "%s", "two");
    }
}

static void refuse(struct http_reply *reply, unsigned status, const char *code)
{
    reply_with(reply, code, strlen(code));
    reply->status = status;
}

static size_t gate(void *context, const struct http_request *request, struct http_reply *reply)
{
    (void)context;
    if (strcmp(request->path, "/closed") == 0)
        refuse(reply, HTTP_TOO_MANY_REQUESTS, "closed");
    return BODY_MAX;
}

struct connection_limits served_limits(void)
{
    return (struct connection_limits){
        .connections = 64,
        .connections_per_client = 0,
        .idle_ms = 10000,
        .request_ms = 20000,
    };
}

struct served served_start(const struct connection_limits *limits, struct tls_files *tls)
{
    struct http_server_options options = {
        .gate = gate,
        .handler = answer,
        .refuse = refuse,
        .tls = tls,
        .header_size = 16384,
        .limits = *limits,
    };
    char name[LISTENER_NAME_MAX + 1];
    struct served served;
    int fd;

    assert_int_equal(listener_open("127.0.0.1:0", &fd, name), LISTENER_OK);
    served.server = http_server_start(fd, &options);
    served.port = net_port(name);
    assert_non_null(served.server);
    return served;
}

void served_stop(struct served *served)
{
    http_server_stop(served->server);
    served->server = NULL;
}
