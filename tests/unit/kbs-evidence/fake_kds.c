/* SPDX-License-Identifier: MIT */
#include "tests/unit/kbs-evidence/fake_kds.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <microhttpd.h>

#define DOCUMENTS_MAX 32

struct document {
    char *uri;
    void *bytes;
    size_t size;
};

struct fake_kds {
    struct MHD_Daemon *daemon;
    char url[64];
    pthread_mutex_t lock; /* of what follows */
    struct document documents[DOCUMENTS_MAX];
    unsigned count, requests, status, delay;
    const char *header, *value;
    char last_uri[512];
};

static void *note_uri(void *context, const char *uri, struct MHD_Connection *connection)
{
    (void)context;
    (void)connection;
    return strdup(uri);
}

static void free_uri(void *context, struct MHD_Connection *connection, void **uri,
                     enum MHD_RequestTerminationCode how)
{
    (void)context;
    (void)connection;
    (void)how;
    free(*uri);
}

static const struct document *find(const struct fake_kds *kds, const char *uri)
{
    for (unsigned i = 0; i < kds->count; i++)
        if (strcmp(kds->documents[i].uri, uri) == 0)
            return &kds->documents[i];
    return NULL;
}

/* The response and its status; with the lock held. */
static struct MHD_Response *respond(struct fake_kds *kds, const char *uri, unsigned *status)
{
    const struct document *document = kds->status ? NULL : find(kds, uri);
    struct MHD_Response *response =
        document ? MHD_create_response_from_buffer(document->size, document->bytes,
                                                   MHD_RESPMEM_MUST_COPY)
                 : MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);

    kds->requests++;
    snprintf(kds->last_uri, sizeof(kds->last_uri), "%s", uri);
    *status = document ? MHD_HTTP_OK : kds->status ? kds->status : MHD_HTTP_NOT_FOUND;
    if (kds->status && kds->header)
        MHD_add_response_header(response, kds->header, kds->value);
    return response;
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *body,
                              size_t *body_size, void **uri)
{
    struct fake_kds *kds = context;
    struct MHD_Response *response;
    enum MHD_Result queued;
    unsigned status, delay;

    (void)path;
    (void)method;
    (void)version;
    (void)body;
    (void)body_size;
    pthread_mutex_lock(&kds->lock);
    response = respond(kds, *uri, &status);
    delay = kds->delay;
    pthread_mutex_unlock(&kds->lock);
    usleep(delay * 1000);
    queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

struct fake_kds *fake_kds_start(void)
{
    struct fake_kds *kds = calloc(1, sizeof(*kds));
    struct sockaddr_in loopback = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const union MHD_DaemonInfo *bound;

    pthread_mutex_init(&kds->lock, NULL);
    kds->daemon =
        MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION, 0, NULL,
                         NULL, answer, kds, MHD_OPTION_SOCK_ADDR, &loopback,
                         MHD_OPTION_URI_LOG_CALLBACK, note_uri, kds, MHD_OPTION_NOTIFY_COMPLETED,
                         free_uri, NULL, MHD_OPTION_CONNECTION_TIMEOUT, 10u, MHD_OPTION_END);
    if (!kds->daemon)
        abort();
    bound = MHD_get_daemon_info(kds->daemon, MHD_DAEMON_INFO_BIND_PORT);
    snprintf(kds->url, sizeof(kds->url), "http://127.0.0.1:%u", bound->port);
    return kds;
}

void fake_kds_stop(struct fake_kds *kds)
{
    MHD_stop_daemon(kds->daemon);
    for (unsigned i = 0; i < kds->count; i++) {
        free(kds->documents[i].uri);
        free(kds->documents[i].bytes);
    }
    pthread_mutex_destroy(&kds->lock);
    free(kds);
}

const char *fake_kds_url(const struct fake_kds *kds)
{
    return kds->url;
}

void fake_kds_serve(struct fake_kds *kds, const char *uri, const void *bytes, size_t size)
{
    struct document *document;

    pthread_mutex_lock(&kds->lock);
    document = (struct document *)find(kds, uri);
    if (!document) {
        if (kds->count == DOCUMENTS_MAX)
            abort();
        document = &kds->documents[kds->count++];
        document->uri = strdup(uri);
    }
    free(document->bytes);
    document->bytes = malloc(size + 1);
    memcpy(document->bytes, bytes, size);
    document->size = size;
    pthread_mutex_unlock(&kds->lock);
}

void fake_kds_fail(struct fake_kds *kds, unsigned status, const char *header, const char *value)
{
    pthread_mutex_lock(&kds->lock);
    kds->status = status;
    kds->header = header;
    kds->value = value;
    pthread_mutex_unlock(&kds->lock);
}

void fake_kds_delay(struct fake_kds *kds, unsigned milliseconds)
{
    pthread_mutex_lock(&kds->lock);
    kds->delay = milliseconds;
    pthread_mutex_unlock(&kds->lock);
}

unsigned fake_kds_requests(const struct fake_kds *kds)
{
    return kds->requests;
}

const char *fake_kds_last_uri(const struct fake_kds *kds)
{
    return kds->last_uri;
}
