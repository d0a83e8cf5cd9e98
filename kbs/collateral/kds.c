/* SPDX-License-Identifier: MIT */
#include "kbs/collateral/kds.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "kbs/metrics.h"

#define URL_MAX 1024

#define HTTP_OK                200
#define HTTP_BAD_REQUEST       400
#define HTTP_NOT_FOUND         404
#define HTTP_TOO_MANY_REQUESTS 429

/* Seconds to leave the service alone: after the first failure, and at most; each further failure in
 * a row doubles them. */
#define PAUSE_AFTER_429       10
#define PAUSE_AFTER_429_MAX   600
#define PAUSE_AFTER_ERROR     2
#define PAUSE_AFTER_ERROR_MAX 60

struct kds {
    const char *url;
    long timeout_s;
    bool loopback; /* then plain HTTP is fine, and a proxy is not */
    pthread_mutex_t lock;
    unsigned failures; /* in a row; under the lock, as the next one */
    time_t resume;     /* until then it is left alone */
};

/* What a fetch gave. */
struct answer {
    uint8_t *bytes;
    size_t size;
    long status;      /* HTTP's; 0: there was no answer, or too long a one */
    long retry_after; /* seconds, or 0 */
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void start_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool is_loopback_host(const char *host)
{
    return strcmp(host, "127.0.0.1") == 0 || strcmp(host, "[::1]") == 0 ||
           strcmp(host, "localhost") == 0;
}

/* Splits url; false when it is none, or has what a base may not have. */
MUST_CHECK static bool parse_url(const char *url, bool *https, bool *loopback)
{
    CURLU *parsed = curl_url();
    char *scheme = NULL, *host = NULL, *query = NULL;
    bool valid = parsed && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
                 curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                 curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                 curl_url_get(parsed, CURLUPART_QUERY, &query, 0) == CURLUE_NO_QUERY &&
                 strlen(url) <= URL_MAX / 2 && url[strlen(url) - 1] != '/';

    if (valid) {
        *https = strcmp(scheme, "https") == 0;
        *loopback = is_loopback_host(host);
        valid = *https || strcmp(scheme, "http") == 0;
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(query);
    curl_url_cleanup(parsed);
    return valid;
}

bool kds_url_is_acceptable(const char *url)
{
    bool https, loopback;

    return parse_url(url, &https, &loopback) && (https || loopback);
}

struct kds *kds_new(const char *url, long timeout_s)
{
    struct kds *kds = calloc(1, sizeof(*kds));
    bool https;

    pthread_once(&curl_once, start_curl);
    if (!kds)
        return NULL;
    kds->url = url;
    kds->timeout_s = timeout_s;
    if (!parse_url(url, &https, &kds->loopback) || !(https || kds->loopback)) {
        free(kds);
        return NULL;
    }
    pthread_mutex_init(&kds->lock, NULL);
    return kds;
}

void kds_free(struct kds *kds)
{
    if (!kds)
        return;
    pthread_mutex_destroy(&kds->lock);
    free(kds);
}

/* Fetching */

static size_t receive(char *bytes, size_t unit, size_t count, void *context)
{
    struct answer *answer = context;
    size_t size = unit * count;
    uint8_t *more;

    if (size > ITEM_BYTES_MAX - answer->size)
        return CURL_WRITEFUNC_ERROR;
    more = realloc(answer->bytes, answer->size + size + 1);
    if (!more)
        return CURL_WRITEFUNC_ERROR;
    memcpy(more + answer->size, bytes, size);
    answer->bytes = more;
    answer->size += size;
    return size;
}

MUST_CHECK static bool set_options(CURL *curl, const struct kds *kds, const char *url,
                                   struct answer *answer)
{
    return curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, kds->loopback ? "https,http" : "https") ==
               CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           (!kds->loopback || curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK) &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT, kds->timeout_s) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kds->timeout_s) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_USERAGENT, "snp-vtpm-kbs") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer) == CURLE_OK;
}

static void get(const struct kds *kds, const struct item *item, struct answer *answer)
{
    CURL *curl = curl_easy_init();
    char path[ITEM_TEXT_MAX], url[URL_MAX];
    curl_off_t retry_after = 0;

    *answer = (struct answer){0};
    item_url_path(item, path);
    snprintf(url, sizeof(url), "%s%s", kds->url, path);
    if (curl && set_options(curl, kds, url, answer) && curl_easy_perform(curl) == CURLE_OK &&
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status) == CURLE_OK &&
        curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_after) == CURLE_OK)
        answer->retry_after = (long)retry_after;
    curl_easy_cleanup(curl);
}

static enum collateral_status judge(const struct item *item, const struct answer *answer,
                                    struct item_value *value)
{
    switch (answer->status) {
    case HTTP_OK:
        return item_read(item, answer->bytes, answer->size, value) ? COLLATERAL_OK
                                                                   : COLLATERAL_FAILED;
    case HTTP_BAD_REQUEST: /* what the KDS says of a chip or TCB that it does not know */
    case HTTP_NOT_FOUND:
        return COLLATERAL_NONE;
    case HTTP_TOO_MANY_REQUESTS:
        return COLLATERAL_BACKING_OFF;
    default:
        return COLLATERAL_FAILED;
    }
}

/* Backing off */

static long pause_for(const struct kds *kds, enum collateral_status status, long retry_after)
{
    bool asked = status == COLLATERAL_BACKING_OFF;
    long most = asked ? PAUSE_AFTER_429_MAX : PAUSE_AFTER_ERROR_MAX;
    long pause = asked ? PAUSE_AFTER_429 : PAUSE_AFTER_ERROR;

    if (retry_after > 0)
        return retry_after < most ? retry_after : most;
    for (unsigned i = 0; i < kds->failures && pause < most; i++)
        pause *= 2;
    return pause < most ? pause : most;
}

static bool is_paused(struct kds *kds, time_t now)
{
    bool paused;

    pthread_mutex_lock(&kds->lock);
    paused = now < kds->resume;
    pthread_mutex_unlock(&kds->lock);
    return paused;
}

static void note_outcome(struct kds *kds, enum collateral_status status, long retry_after,
                         time_t now)
{
    bool failed = status == COLLATERAL_FAILED || status == COLLATERAL_BACKING_OFF;

    metric_add(METRIC_KDS_FETCHES, 1);
    if (failed)
        metric_add(METRIC_KDS_FAILURES, 1);
    pthread_mutex_lock(&kds->lock);
    if (failed) {
        kds->resume = now + pause_for(kds, status, retry_after);
        kds->failures++;
    } else {
        kds->failures = 0;
    }
    pthread_mutex_unlock(&kds->lock);
}

enum collateral_status kds_fetch(struct kds *kds, const struct item *item, time_t now,
                                 struct item_value *value)
{
    struct answer answer;
    enum collateral_status status;

    *value = (struct item_value){0};
    if (is_paused(kds, now))
        return COLLATERAL_BACKING_OFF;
    get(kds, item, &answer);
    status = judge(item, &answer, value);
    note_outcome(kds, status, answer.retry_after, now);
    free(answer.bytes);
    return status;
}
