/* SPDX-License-Identifier: MIT */
#include "kbs/cli/api_client.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <openssl/crypto.h>

#include "kbs/cli/fail.h"
#include "kbs/cli/plain_text.h"

#define API        "/admin/v1/"
#define REPLY_MAX  (64u << 20) /* bytes */
#define TIMEOUT_S  60L
#define CONNECT_S  10L
#define HEADER_MAX 128

struct api_client {
    CURL *http;
    struct curl_slist *headers;
    char *url;
    size_t reply_size;
    char *reply; /* as large as needed */
    bool overflow;
    char error[CURL_ERROR_SIZE];
};

/* libcurl's write callback: taking less than it offers ends the transfer. */
static size_t receive(char *data, size_t one, size_t size, void *context)
{
    struct api_client *client = context;
    char *grown;

    (void)one;
    client->overflow = size > REPLY_MAX - client->reply_size;
    if (client->overflow)
        return 0;
    grown = realloc(client->reply, client->reply_size + size + 1);
    if (!grown)
        return 0;
    client->reply = grown;
    memcpy(client->reply + client->reply_size, data, size);
    client->reply_size += size;
    return size;
}

MUST_CHECK static bool add_headers(struct api_client *client, const char *token)
{
    char authorization[HEADER_MAX];
    struct curl_slist *more;
    bool fits = snprintf(authorization, sizeof(authorization), "Authorization: Bearer %s", token) <
                (int)sizeof(authorization);

    client->headers = curl_slist_append(NULL, "Content-Type: application/json");
    more = client->headers && fits ? curl_slist_append(client->headers, authorization) : NULL;
    OPENSSL_cleanse(authorization, sizeof(authorization));
    return more != NULL;
}

MUST_CHECK static bool configure(struct api_client *client, const char *ca)
{
    CURL *http = client->http;

    return curl_easy_setopt(http, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
           curl_easy_setopt(http, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3) == CURLE_OK &&
           /* With a CA of the owner's, the system's are not believed. */
           (!ca || (curl_easy_setopt(http, CURLOPT_CAINFO, ca) == CURLE_OK &&
                    curl_easy_setopt(http, CURLOPT_CAPATH, NULL) == CURLE_OK)) &&
           curl_easy_setopt(http, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(http, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
           curl_easy_setopt(http, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(http, CURLOPT_CONNECTTIMEOUT, CONNECT_S) == CURLE_OK &&
           curl_easy_setopt(http, CURLOPT_TIMEOUT, TIMEOUT_S) == CURLE_OK &&
           /* The KBS is where the URL says, whatever the environment says of web proxies. */
           curl_easy_setopt(http, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(http, CURLOPT_HTTPHEADER, client->headers) == CURLE_OK &&
           curl_easy_setopt(http, CURLOPT_ERRORBUFFER, client->error) == CURLE_OK &&
           curl_easy_setopt(http, CURLOPT_WRITEFUNCTION, receive) == CURLE_OK &&
           curl_easy_setopt(http, CURLOPT_WRITEDATA, client) == CURLE_OK;
}

struct api_client *api_client_new(const struct api_settings *settings)
{
    struct api_client *client = calloc(1, sizeof(*client));

    if (!client)
        return NULL;
    client->http = curl_easy_init();
    client->url = strdup(settings->url);
    if (client->http && client->url && add_headers(client, settings->token) &&
        configure(client, settings->ca))
        return client;
    api_client_free(client);
    return NULL;
}

void api_client_free(struct api_client *client)
{
    if (!client)
        return;
    curl_easy_cleanup(client->http);
    for (struct curl_slist *header = client->headers; header; header = header->next)
        OPENSSL_cleanse(header->data, strlen(header->data));
    curl_slist_free_all(client->headers);
    OPENSSL_clear_free(client->reply, client->reply_size);
    free(client->url);
    free(client);
}

/* Appends name to target, each segment escaped. */
MUST_CHECK static bool write_escaped(FILE *target, CURL *http, const char *name)
{
    while (*name) {
        size_t length = strcspn(name, "/");
        char *escaped = length > 0 ? curl_easy_escape(http, name, (int)length) : NULL;

        if (length > 0 && !escaped)
            return false;
        fputs(escaped ? escaped : "", target);
        curl_free(escaped);
        name += length;
        if (*name == '/')
            fputc(*name++, target);
    }
    return true;
}

MUST_CHECK static bool set_target(struct api_client *client, const char *head, const char *name,
                                  const char *tail)
{
    char *url = NULL;
    size_t size = 0;
    FILE *target = open_memstream(&url, &size);
    bool done;

    if (!target)
        return false;
    fprintf(target, "%s" API "%s", client->url, head);
    done = !name || write_escaped(target, client->http, name);
    fputs(tail, target);
    done =
        fclose(target) == 0 && done && curl_easy_setopt(client->http, CURLOPT_URL, url) == CURLE_OK;
    free(url);
    return done;
}

/* The text is borrowed until the transfer is over. */
MUST_CHECK static bool set_body(struct api_client *client, const char *method, const char *text)
{
    CURL *http = client->http;

    if (!text)
        return curl_easy_setopt(http, CURLOPT_CUSTOMREQUEST, NULL) == CURLE_OK &&
               curl_easy_setopt(http, CURLOPT_HTTPGET, 1L) == CURLE_OK;
    return curl_easy_setopt(http, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(http, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK &&
           curl_easy_setopt(http, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(text)) ==
               CURLE_OK &&
           curl_easy_setopt(http, CURLOPT_POSTFIELDS, text) == CURLE_OK;
}

static int exit_status_of(long http_status)
{
    if (http_status == 401 || http_status == 403)
        return EXIT_DENIED;
    return http_status == 429 || http_status >= 500 ? EXIT_UNREACHABLE : EXIT_REFUSED;
}

static int say_refusal(long http_status, const json_t *reply)
{
    const char *code = json_string_value(json_object_get(reply, "error"));
    const char *message = json_string_value(json_object_get(reply, "message"));
    char *plain = plain_text(message ? message : "the KBS refused");
    char *plain_code = plain_text(code ? code : "no reason given");
    int status = complain(exit_status_of(http_status), "%s (%s, HTTP status %ld)",
                          plain ? plain : "", plain_code ? plain_code : "", http_status);

    free(plain);
    free(plain_code);
    return status;
}

static int take_reply(struct api_client *client, json_t **reply)
{
    long http_status = 0;
    int status;

    curl_easy_getinfo(client->http, CURLINFO_RESPONSE_CODE, &http_status);
    *reply = json_loadb(client->reply ? client->reply : "", client->reply_size,
                        JSON_REJECT_DUPLICATES, NULL);
    if (http_status >= 200 && http_status < 300 && json_is_object(*reply))
        return EXIT_DONE;
    status = http_status >= 200 && http_status < 300
                 ? complain(EXIT_UNREACHABLE, "%s does not answer as a KBS does", client->url)
                 : say_refusal(http_status, *reply);
    json_decref(*reply);
    *reply = NULL;
    return status;
}

static int say_transfer_error(const struct api_client *client, CURLcode code)
{
    if (client->overflow)
        return complain(EXIT_UNREACHABLE, "%s: its answer is too long", client->url);
    return complain(EXIT_UNREACHABLE, "%s cannot be reached: %s", client->url,
                    client->error[0] ? client->error : curl_easy_strerror(code));
}

int api_request(struct api_client *client, const char *method, const char *head, const char *name,
                const char *tail, json_t *body, json_t **reply)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    CURLcode code;
    int status;

    *reply = NULL;
    client->reply_size = 0;
    client->error[0] = '\0';
    if ((body && !text) || !set_target(client, head, name, tail) ||
        !set_body(client, method, text)) {
        status = complain(EXIT_FILE, "out of memory");
        goto out;
    }
    code = curl_easy_perform(client->http);
    status = code == CURLE_OK ? take_reply(client, reply) : say_transfer_error(client, code);
out:
    if (text)
        OPENSSL_clear_free(text, strlen(text));
    json_decref(body);
    return status;
}
