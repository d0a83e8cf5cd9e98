/* SPDX-License-Identifier: MIT */
#include "tests/load/exchange.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>

#define REPLY_MAX  65536
#define URL_MAX    1024
#define TIME_LIMIT 60 /* seconds for a request, which may wait behind all others */

struct exchange {
    CURL *curl;
    struct curl_slist *headers;
    const char *url;
    double time;
    char reply[REPLY_MAX];
    size_t size;
    char error[CURL_ERROR_SIZE];
};

/* libcurl's write callback: taking less than it offers ends the transfer. */
static size_t receive(char *data, size_t one, size_t size, void *context)
{
    struct exchange *exchange = context;

    (void)one;
    if (size > sizeof(exchange->reply) - exchange->size)
        return 0;
    memcpy(exchange->reply + exchange->size, data, size);
    exchange->size += size;
    return size;
}

static bool configure(struct exchange *exchange, const char *ca)
{
    CURL *curl = exchange->curl;

    return curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_COOKIEFILE, "") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIME_LIMIT) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTPHEADER, exchange->headers) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, exchange->error) == CURLE_OK &&
           (!ca || curl_easy_setopt(curl, CURLOPT_CAINFO, ca) == CURLE_OK);
}

/* "Expect:" keeps libcurl from asking before it sends a body. */
struct exchange *exchange_new(const char *url, const char *ca)
{
    struct exchange *exchange = calloc(1, sizeof(*exchange));

    if (!exchange)
        return NULL;
    exchange->url = url;
    exchange->curl = curl_easy_init();
    exchange->headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (exchange->curl && exchange->headers && curl_slist_append(exchange->headers, "Expect:") &&
        configure(exchange, ca))
        return exchange;
    exchange_free(exchange);
    return NULL;
}

void exchange_free(struct exchange *exchange)
{
    if (!exchange)
        return;
    curl_easy_cleanup(exchange->curl);
    curl_slist_free_all(exchange->headers);
    free(exchange);
}

void exchange_forget(struct exchange *exchange)
{
    curl_easy_setopt(exchange->curl, CURLOPT_COOKIELIST, "ALL");
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool set_target(struct exchange *exchange, const char *path, const char *body)
{
    char url[URL_MAX];

    return snprintf(url, sizeof(url), "%s%s", exchange->url, path) < URL_MAX &&
           curl_easy_setopt(exchange->curl, CURLOPT_URL, url) == CURLE_OK &&
           (body ? curl_easy_setopt(exchange->curl, CURLOPT_POSTFIELDS, body)
                 : curl_easy_setopt(exchange->curl, CURLOPT_HTTPGET, 1L)) == CURLE_OK;
}

long exchange_request(struct exchange *exchange, const char *path, const char *body, json_t **reply)
{
    double start = now();
    long status = 0;

    *reply = NULL;
    exchange->size = 0;
    exchange->error[0] = '\0';
    if (set_target(exchange, path, body) && curl_easy_perform(exchange->curl) == CURLE_OK) {
        curl_easy_getinfo(exchange->curl, CURLINFO_RESPONSE_CODE, &status);
        *reply = json_loadb(exchange->reply, exchange->size, 0, NULL);
    }
    exchange->time = now() - start;
    return status;
}

double exchange_time(const struct exchange *exchange)
{
    return exchange->time;
}

const char *exchange_error(const struct exchange *exchange)
{
    return exchange->error;
}
