/* SPDX-License-Identifier: MIT */
#include "tests/unit/proxy/canned_kbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <jansson.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/jose/base64.h"
#include "tests/unit/proxy/frames.h"
#include "tests/unit/proxy/vm.h"

#define NONCE_SIZE 32
#define NONCE_TEXT (BASE64_LENGTH(NONCE_SIZE) + 1)
#define BODY_MAX   65536

struct request {
    size_t size;
    char body[BODY_MAX];
};

static void make_nonce(unsigned session, enum base64_variant variant, char text[NONCE_TEXT])
{
    uint8_t nonce[NONCE_SIZE] = {0xa0};

    put_le32(nonce + 1, session);
    base64_encode(variant, nonce, sizeof(nonce), text);
}

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, json_t *reply,
                              const char *cookie)
{
    char *text = json_dumps(reply, JSON_COMPACT);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    enum MHD_Result result;

    MHD_add_response_header(response, "Content-Type", "application/json");
    if (cookie)
        MHD_add_response_header(response, "Set-Cookie", cookie);
    result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    json_decref(reply);
    return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection)
{
    return answer(connection, 401,
                  json_pack("{s:s, s:s}", "type", KBS_ERROR_TYPE "AttestationError", "detail",
                            "session-unknown"),
                  NULL);
}

static enum MHD_Result serve_auth(struct canned_kbs *kbs, struct MHD_Connection *connection)
{
    unsigned session = atomic_fetch_add(&kbs->sessions, 1) + 1;
    char nonce[NONCE_TEXT], cookie[64];

    make_nonce(session, BASE64_STANDARD, nonce);
    snprintf(cookie, sizeof(cookie), "kbs-session-id=%u", session);
    return answer(connection, 200, json_pack("{s:s, s:s}", "nonce", nonce, "extra-params", ""),
                  cookie);
}

static bool session_of(struct MHD_Connection *connection, unsigned *session)
{
    const char *text = MHD_lookup_connection_value(connection, MHD_COOKIE_KIND, "kbs-session-id");

    return text && sscanf(text, "%u", session) == 1;
}

static enum MHD_Result serve_attest(struct canned_kbs *kbs, struct MHD_Connection *connection,
                                    const struct request *request)
{
    json_t *body = json_loadb(request->body, request->size, 0, NULL);
    const char *given =
        json_string_value(json_object_get(json_object_get(body, "runtime-data"), "nonce"));
    char nonce[NONCE_TEXT] = "";
    unsigned session;
    bool right;

    if (session_of(connection, &session))
        make_nonce(session, BASE64_STANDARD, nonce);
    right = given && strcmp(given, nonce) == 0;
    json_decref(body);
    if (right)
        return answer(connection, 200, json_pack("{s:s}", "token", "test-token"), NULL);
    atomic_fetch_add(&kbs->mixed_up, 1);
    return refuse(connection);
}

static enum MHD_Result serve_resource(struct canned_kbs *kbs, struct MHD_Connection *connection)
{
    json_t *jwe = json_loads(RESOURCE_REPLY, 0, NULL);
    char nonce[NONCE_TEXT];
    unsigned session;

    if (!session_of(connection, &session)) {
        json_decref(jwe);
        return refuse(connection);
    }
    make_nonce(session, BASE64_URL, nonce);
    json_object_set_new(jwe, "ciphertext", json_string(nonce));
    atomic_fetch_add(&kbs->released, 1);
    return answer(connection, 200, jwe, NULL);
}

static enum MHD_Result serve(void *context, struct MHD_Connection *connection, const char *url,
                             const char *method, const char *version, const char *data,
                             size_t *size, void **state)
{
    struct canned_kbs *kbs = context;
    struct request *request = *state;

    (void)method;
    (void)version;
    if (!request) {
        *state = calloc(1, sizeof(*request));
        return *state ? MHD_YES : MHD_NO;
    }
    if (*size > 0) {
        if (*size > BODY_MAX - request->size)
            return MHD_NO;
        memcpy(request->body + request->size, data, *size);
        request->size += *size;
        *size = 0;
        return MHD_YES;
    }
    atomic_fetch_add(&kbs->requests, 1);
    if (atomic_load(&kbs->delay_ms) > 0)
        usleep(1000 * (useconds_t)atomic_load(&kbs->delay_ms));
    if (strcmp(url, "/kbs/v0/auth") == 0)
        return serve_auth(kbs, connection);
    if (strcmp(url, "/kbs/v0/attest") == 0)
        return serve_attest(kbs, connection, request);
    return serve_resource(kbs, connection);
}

static void complete(void *context, struct MHD_Connection *connection, void **state,
                     enum MHD_RequestTerminationCode code)
{
    (void)context;
    (void)connection;
    (void)code;
    free(*state);
}

/* Whether the client has not ended it: this side may notice that later. */
static bool is_open(int fd)
{
    struct tcp_info info;
    socklen_t size = sizeof(info);

    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
           info.tcpi_state == TCP_ESTABLISHED;
}

static void add_connection(struct canned_kbs *kbs, int fd)
{
    int open = 0;

    if (kbs->connection_count == CANNED_KBS_CONNECTIONS)
        abort();
    kbs->connections[kbs->connection_count++] = fd;
    for (int i = 0; i < kbs->connection_count; i++)
        open += is_open(kbs->connections[i]);
    if (kbs->most_connections < open)
        kbs->most_connections = open;
}

static void remove_connection(struct canned_kbs *kbs, int fd)
{
    int i = 0;

    while (kbs->connections[i] != fd)
        i++;
    kbs->connections[i] = kbs->connections[--kbs->connection_count];
}

static void count_connection(void *context, struct MHD_Connection *connection, void **own,
                             enum MHD_ConnectionNotificationCode what)
{
    struct canned_kbs *kbs = context;
    int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;

    (void)own;
    pthread_mutex_lock(&kbs->lock);
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        add_connection(kbs, fd);
    else
        remove_connection(kbs, fd);
    pthread_mutex_unlock(&kbs->lock);
}

void canned_kbs_start(struct canned_kbs *kbs)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(kbs->port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    const struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)kbs->certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)kbs->key},
        {kbs->priorities ? MHD_OPTION_HTTPS_PRIORITIES : MHD_OPTION_END, 0,
         (void *)kbs->priorities},
        {MHD_OPTION_END, 0, NULL},
    };
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
                     (kbs->certificate ? (unsigned)MHD_USE_TLS : 0);
    const union MHD_DaemonInfo *info;

    pthread_mutex_init(&kbs->lock, NULL);
    kbs->connection_count = 0;
    kbs->daemon = MHD_start_daemon(
        flags, kbs->port, NULL, NULL, serve, kbs, MHD_OPTION_SOCK_ADDR, &address,
        MHD_OPTION_THREAD_POOL_SIZE, 4u, MHD_OPTION_NOTIFY_COMPLETED, complete, NULL,
        MHD_OPTION_NOTIFY_CONNECTION, count_connection, kbs, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u,
        MHD_OPTION_ARRAY, kbs->certificate ? tls : &tls[3], MHD_OPTION_END);
    if (!kbs->daemon)
        abort();
    info = MHD_get_daemon_info(kbs->daemon, MHD_DAEMON_INFO_BIND_PORT);
    kbs->port = info->port;
    snprintf(kbs->url, sizeof(kbs->url), "http%s://127.0.0.1:%u", kbs->certificate ? "s" : "",
             kbs->port);
}

void canned_kbs_stop(struct canned_kbs *kbs)
{
    MHD_stop_daemon(kbs->daemon);
    pthread_mutex_destroy(&kbs->lock);
    kbs->daemon = NULL;
}

void canned_kbs_await_request(struct canned_kbs *kbs, unsigned count)
{
    for (int i = 0; i < 2000 && atomic_load(&kbs->requests) < count; i++)
        usleep(10000);
}

static json_t *ask(int vm, const char *message)
{
    char *text;
    json_t *answer;

    if (!vm_says(vm, message))
        return NULL;
    text = vm_hears(vm);
    answer = text ? json_loads(text, 0, NULL) : NULL;
    free(text);
    return answer;
}

bool canned_kbs_attests(int vm)
{
    json_t *negotiated = ask(vm, NEGOTIATION_REQUEST), *request, *answer = NULL;
    const char *challenge = json_string_value(json_object_get(negotiated, "challenge"));
    const char *secret;
    char *text;
    bool right = false;

    if (challenge && *challenge) {
        request = json_loads(ATTESTATION_REQUEST, 0, NULL);
        json_object_set_new(request, "challenge", json_string(challenge));
        text = json_dumps(request, JSON_COMPACT);
        answer = ask(vm, text);
        secret = json_string_value(json_object_get(answer, "secret"));
        right = secret && strcmp(secret, challenge) == 0;
        free(text);
        json_decref(request);
    }
    json_decref(answer);
    json_decref(negotiated);
    return right;
}
