/* SPDX-License-Identifier: MIT */
#include "proxy/http_client.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "proxy/clock.h"

#define CONNECT_MS 5000 /* a try to connect, with the TLS handshake */
#define BODY_FIRST 4096 /* bytes */

struct http_client {
    const struct http_target *target;
    CURLSH *cookies; /* they outlive connections */
    CURL *curl;      /* NULL: no connection yet */
    struct curl_slist *headers;
    char *body;
    size_t body_size, body_room;
    size_t headers_size;
    bool too_long;
    char detail[CURL_ERROR_SIZE]; /* libcurl's own words about an error */
    const char *problem;
};

MUST_CHECK static bool make_room(struct http_client *client, size_t size)
{
    size_t room = client->body_room ? client->body_room : BODY_FIRST;
    char *body;

    while (room < size)
        room *= 2;
    if (room == client->body_room)
        return true;
    body = realloc(client->body, room);
    if (!body)
        return false;
    client->body = body;
    client->body_room = room;
    return true;
}

/* libcurl's write callback: taking less than it offers ends the transfer. */
static size_t take_body(char *data, size_t one, size_t size, void *context)
{
    struct http_client *client = context;

    (void)one;
    client->too_long = size > HTTP_BODY_MAX - client->body_size;
    if (client->too_long || !make_room(client, client->body_size + size))
        return 0;
    memcpy(client->body + client->body_size, data, size);
    client->body_size += size;
    return size;
}

/* The same for each line of the headers, and of a chunked body's trailer. */
static size_t count_header(char *data, size_t one, size_t size, void *context)
{
    struct http_client *client = context;

    (void)data;
    (void)one;
    client->too_long = size > HTTP_HEADERS_MAX - client->headers_size;
    if (client->too_long)
        return 0;
    client->headers_size += size;
    return size;
}

MUST_CHECK static bool configure_tls(CURL *curl, const struct http_target *target)
{
    bool done =
        curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK;

    if (done && target->ca)
        /* Without a path: libcurl would believe the system's certificates as well. */
        done = curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_CAINFO, target->ca) == CURLE_OK;
    if (done && target->pin)
        done = curl_easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY, target->pin) == CURLE_OK;
    return done;
}

MUST_CHECK static bool configure(struct http_client *client)
{
    CURL *curl = client->curl;

    return curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           /* The KBS is where --url says, whatever the environment says of web proxies. */
           curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SHARE, client->cookies) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_COOKIEFILE, "") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTPHEADER, client->headers) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, count_header) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERDATA, client) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, client) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->detail) == CURLE_OK &&
           configure_tls(curl, client->target);
}

/* Locks for it are not needed: one thread at a time has a client. */
static CURLSH *new_cookies(void)
{
    CURLSH *cookies = curl_share_init();

    if (cookies &&
        curl_share_setopt(cookies, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE) != CURLSHE_OK) {
        curl_share_cleanup(cookies);
        return NULL;
    }
    return cookies;
}

struct http_client *http_client_new(const struct http_target *target)
{
    struct http_client *client = calloc(1, sizeof(*client));

    if (!client)
        return NULL;
    *client = (struct http_client){
        .target = target,
        .cookies = new_cookies(),
        .headers = curl_slist_append(NULL, "Content-Type: application/json"),
        .problem = "",
    };
    if (client->cookies && client->headers)
        return client;
    http_client_free(client);
    return NULL;
}

void http_client_hang_up(struct http_client *client)
{
    curl_easy_cleanup(client->curl);
    client->curl = NULL;
}

void http_client_free(struct http_client *client)
{
    if (!client)
        return;
    http_client_hang_up(client);
    curl_share_cleanup(client->cookies);
    curl_slist_free_all(client->headers);
    free(client->body);
    free(client);
}

MUST_CHECK static bool prepare(struct http_client *client)
{
    if (client->curl)
        return true;
    client->curl = curl_easy_init();
    if (client->curl && configure(client))
        return true;
    http_client_hang_up(client);
    return false;
}

MUST_CHECK static bool set_address(struct http_client *client, const char *path)
{
    size_t size = strlen(client->target->url) + strlen(path) + 1;
    char *address = malloc(size);
    bool done;

    if (!address)
        return false;
    snprintf(address, size, "%s%s", client->target->url, path);
    done = curl_easy_setopt(client->curl, CURLOPT_URL, address) == CURLE_OK;
    free(address);
    return done;
}

/* body is not copied: it stays the caller's until the transfer is over. */
MUST_CHECK static bool set_body(CURL *curl, const char *body)
{
    if (!body)
        return curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L) == CURLE_OK;
    return curl_easy_setopt(curl, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body)) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body) == CURLE_OK;
}

/* left_ms is not 0, which would mean no limit to libcurl. */
MUST_CHECK static bool set_limits(CURL *curl, int left_ms)
{
    long connect_ms = left_ms < CONNECT_MS ? left_ms : CONNECT_MS;

    return curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)left_ms) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, connect_ms) == CURLE_OK;
}

/* Whether the transfer got as far as to send the request. */
static bool was_sent(CURL *curl)
{
    curl_off_t before_sending = 0;

    return curl_easy_getinfo(curl, CURLINFO_PRETRANSFER_TIME_T, &before_sending) != CURLE_OK ||
           before_sending > 0;
}

static enum http_result classify(const struct http_client *client, CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return HTTP_ANSWERED;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
        return HTTP_NO_CONNECTION;
    case CURLE_OPERATION_TIMEDOUT:
        return was_sent(client->curl) ? HTTP_NO_ANSWER : HTTP_NO_CONNECTION;
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_OUT_OF_MEMORY:
        return HTTP_NO_ANSWER;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return HTTP_NOT_BELIEVED;
    default:
        return HTTP_MALFORMED;
    }
}

/* The details of a failure to connect are good to know; later ones might quote the answer. */
static const char *describe(const struct http_client *client, enum http_result result,
                            CURLcode code)
{
    if (client->too_long)
        return "its answer is too long";
    if ((result == HTTP_NO_CONNECTION || result == HTTP_NOT_BELIEVED) && client->detail[0])
        return client->detail;
    return curl_easy_strerror(code);
}

enum http_result http_client_send(struct http_client *client, const char *path, const char *body,
                                  int64_t deadline_ms)
{
    int left_ms = clock_left_ms(deadline_ms);
    enum http_result result;
    CURLcode code;

    client->detail[0] = '\0';
    client->body_size = 0;
    client->headers_size = 0;
    client->too_long = false;
    client->problem = "Timeout was reached";
    if (left_ms == 0)
        return HTTP_NO_ANSWER;
    client->problem = "out of memory";
    if (!prepare(client) || !set_address(client, path) || !set_body(client->curl, body) ||
        !set_limits(client->curl, left_ms))
        return HTTP_NO_ANSWER;
    code = curl_easy_perform(client->curl);
    result = classify(client, code);
    client->problem = describe(client, result, code);
    return result;
}

long http_client_status(const struct http_client *client)
{
    long status = 0;

    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

long http_client_retry_after_s(const struct http_client *client)
{
    curl_off_t seconds = 0;

    curl_easy_getinfo(client->curl, CURLINFO_RETRY_AFTER, &seconds);
    return seconds > LONG_MAX ? LONG_MAX : (long)seconds;
}

struct reader http_client_body(const struct http_client *client)
{
    return reader_over(client->body, client->body_size);
}

void http_client_forget_body(struct http_client *client)
{
    free(client->body);
    client->body = NULL;
    client->body_size = 0;
    client->body_room = 0;
}

const char *http_client_problem(const struct http_client *client)
{
    return client->problem;
}
