/* SPDX-License-Identifier: MIT */
#include "proxy/kbs_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#define HTTP_OK     200
#define PROBLEM_MAX 256

struct kbs_session {
    const char *url;
    long timeout_s;
    CURL *http;
    struct curl_slist *headers;
    size_t reply_size;
    char *reply; /* KBS_REPLY_MAX bytes */
    char problem[PROBLEM_MAX];
};

const char *kbs_status_reason(enum kbs_status status)
{
    switch (status) {
    case KBS_OK:
        return "ok";
    case KBS_UNREACHABLE:
        return "kbs-unreachable";
    case KBS_REFUSED:
        return "kbs-refused";
    case KBS_PROTOCOL:
        break;
    }
    return "kbs-protocol";
}

const char *kbs_session_problem(const struct kbs_session *session)
{
    return session->problem;
}

/* libcurl's write callback: taking less than it offers ends the transfer. */
static size_t receive(char *data, size_t one, size_t size, void *context)
{
    struct kbs_session *session = context;

    (void)one;
    if (size > KBS_REPLY_MAX - session->reply_size)
        return 0;
    memcpy(session->reply + session->reply_size, data, size);
    session->reply_size += size;
    return size;
}

MUST_CHECK static bool configure(struct kbs_session *session)
{
    CURL *http = session->http;

    return curl_easy_setopt(http, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(http, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(http, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(http, CURLOPT_TIMEOUT, session->timeout_s) == CURLE_OK &&
           /* The KBS is where --url says, whatever the environment says of web proxies. */
           curl_easy_setopt(http, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(http, CURLOPT_COOKIEFILE, "") == CURLE_OK &&
           curl_easy_setopt(http, CURLOPT_HTTPHEADER, session->headers) == CURLE_OK &&
           curl_easy_setopt(http, CURLOPT_WRITEFUNCTION, receive) == CURLE_OK &&
           curl_easy_setopt(http, CURLOPT_WRITEDATA, session) == CURLE_OK;
}

struct kbs_session *kbs_session_new(const char *url, long timeout_s)
{
    struct kbs_session *session = calloc(1, sizeof(*session));

    if (!session)
        return NULL;
    *session = (struct kbs_session){
        .url = url,
        .timeout_s = timeout_s,
        .http = curl_easy_init(),
        .headers = curl_slist_append(NULL, "Content-Type: application/json"),
        .reply = malloc(KBS_REPLY_MAX),
    };
    if (session->http && session->headers && session->reply && configure(session))
        return session;
    kbs_session_free(session);
    return NULL;
}

void kbs_session_free(struct kbs_session *session)
{
    if (!session)
        return;
    curl_easy_cleanup(session->http);
    curl_slist_free_all(session->headers);
    free(session->reply);
    free(session);
}

MUST_CHECK static bool set_target(struct kbs_session *session, const char *path)
{
    size_t size = strlen(session->url) + strlen(path) + 1;
    char *target = malloc(size);
    bool done;

    if (!target)
        return false;
    snprintf(target, size, "%s%s", session->url, path);
    done = curl_easy_setopt(session->http, CURLOPT_URL, target) == CURLE_OK;
    free(target);
    return done;
}

MUST_CHECK static bool set_body(struct kbs_session *session, const char *text)
{
    if (!text)
        return curl_easy_setopt(session->http, CURLOPT_HTTPGET, 1L) == CURLE_OK;
    return curl_easy_setopt(session->http, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(session->http, CURLOPT_POSTFIELDSIZE, (long)strlen(text)) == CURLE_OK &&
           curl_easy_setopt(session->http, CURLOPT_COPYPOSTFIELDS, text) == CURLE_OK;
}

/* Keeps a refusal's code for the log, as far as it is plain. */
static void note_refusal(struct kbs_session *session, long http_status)
{
    json_t *error = json_loadb(session->reply, session->reply_size, 0, NULL);
    const char *detail = json_string_value(json_object_get(error, "detail"));

    if (detail && strspn(detail, "abcdefghijklmnopqrstuvwxyz-") == strlen(detail))
        snprintf(session->problem, sizeof(session->problem), "HTTP status %ld, %s", http_status,
                 detail);
    else
        snprintf(session->problem, sizeof(session->problem), "HTTP status %ld", http_status);
    json_decref(error);
}

static enum kbs_status take_reply(struct kbs_session *session, json_t **reply)
{
    long http_status = 0;
    json_error_t error;

    curl_easy_getinfo(session->http, CURLINFO_RESPONSE_CODE, &http_status);
    if (http_status != HTTP_OK) {
        note_refusal(session, http_status);
        return KBS_REFUSED;
    }
    *reply = json_loadb(session->reply, session->reply_size, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(*reply))
        return KBS_OK;
    json_decref(*reply);
    *reply = NULL;
    snprintf(session->problem, sizeof(session->problem), "its answer is no JSON object");
    return KBS_PROTOCOL;
}

/* A transfer ends with an error of its own when there is no peer, or when the peer misbehaves. */
static enum kbs_status take_transfer_error(struct kbs_session *session, CURLcode code)
{
    snprintf(session->problem, sizeof(session->problem), "%s",
             code == CURLE_WRITE_ERROR ? "its answer is too long" : curl_easy_strerror(code));
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        return KBS_UNREACHABLE;
    default:
        return KBS_PROTOCOL;
    }
}

enum kbs_status kbs_session_request(struct kbs_session *session, const char *path, json_t *body,
                                    json_t **reply)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    enum kbs_status status = KBS_PROTOCOL;
    CURLcode code;

    *reply = NULL;
    session->reply_size = 0;
    snprintf(session->problem, sizeof(session->problem), "out of memory");
    if ((body && !text) || !set_target(session, path) || !set_body(session, text))
        goto out;
    code = curl_easy_perform(session->http);
    status = code == CURLE_OK ? take_reply(session, reply) : take_transfer_error(session, code);
out:
    free(text);
    return status;
}
