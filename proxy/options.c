/* SPDX-License-Identifier: MIT */
#include "proxy/options.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "lib/jose/base64.h"
#include "proxy/exchange.h"
#include "proxy/peers.h"
#include "proxy/unix_listener.h"
#include "proxy/vsock_listener.h"

#define TIMEOUT_MAX     600 /* seconds */
#define CONNECTIONS_MAX 4096
#define RATE_MAX        1000000
#define RESOURCE_LENGTH 256
#define PIN_PREFIX      "sha256//"
#define PIN_SIZE        32

/* Records what is wrong; false, for the caller to return. */
__attribute__((format(printf, 2, 3))) static bool refuse(struct options_problem *problem,
                                                         const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(problem->text, sizeof(problem->text), format, arguments);
    va_end(arguments);
    return false;
}

static bool replace(char **place, const char *value, struct options_problem *problem)
{
    char *copy = strdup(value);

    if (!copy)
        return refuse(problem, "out of memory");
    free(*place);
    *place = copy;
    return true;
}

static bool append(struct option_list *list, const char *value, struct options_problem *problem)
{
    if (*value == '\0')
        return refuse(problem, "a path must not be empty");
    if (list->count == OPTIONS_LISTENERS_MAX)
        return refuse(problem, "at most %d of a kind", OPTIONS_LISTENERS_MAX);
    list->values[list->count] = NULL;
    if (!replace(&list->values[list->count], value, problem))
        return false;
    list->count++;
    return true;
}

static bool parse_number(const char *text, unsigned long least, unsigned long most,
                         unsigned long *number, struct options_problem *problem)
{
    char *end;

    errno = 0;
    *number = strtoul(text, &end, 10);
    if (errno == 0 && *text >= '0' && *text <= '9' && *end == '\0' && *number >= least &&
        *number <= most)
        return true;
    return refuse(problem, "must be a number from %lu to %lu, not %s", least, most, text);
}

static bool has_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK;

    curl_free(text);
    return has;
}

/* Credentials in an address would end up in logs; a query would end up in the middle of paths. */
static bool is_plain_address(const char *text)
{
    CURLU *url = curl_url();
    bool plain = url && curl_url_set(url, CURLUPART_URL, text, 0) == CURLUE_OK &&
                 has_part(url, CURLUPART_HOST) && !has_part(url, CURLUPART_USER) &&
                 !has_part(url, CURLUPART_PASSWORD) && !has_part(url, CURLUPART_QUERY) &&
                 !has_part(url, CURLUPART_FRAGMENT);

    curl_url_cleanup(url);
    return plain && (strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0);
}

static bool set_url(struct options *options, const char *value, struct options_problem *problem)
{
    size_t length;

    if (!is_plain_address(value))
        return refuse(problem, "must be as https://HOST[:PORT][/PATH], not %s", value);
    if (!replace(&options->url, value, problem))
        return false;
    for (length = strlen(options->url); options->url[length - 1] == '/'; length--)
        options->url[length - 1] = '\0';
    return true;
}

static bool set_unix(struct options *options, const char *value, struct options_problem *problem)
{
    return append(&options->unix_paths, value, problem);
}

static bool set_serial(struct options *options, const char *value, struct options_problem *problem)
{
    return append(&options->serial_devices, value, problem);
}

static bool set_vsock(struct options *options, const char *value, struct options_problem *problem)
{
    unsigned long port = VSOCK_PORT_DEFAULT;

    if (*value && !parse_number(value, 1, UINT32_MAX - 1, &port, problem))
        return false;
    options->vsock = true;
    options->vsock_port = (uint32_t)port;
    return true;
}

static bool set_socket_group(struct options *options, const char *value,
                             struct options_problem *problem)
{
    const struct group *group = getgrnam(value);

    if (!group)
        return refuse(problem, "there is no group %s", value);
    options->socket_gid = group->gr_gid;
    return replace(&options->socket_group, value, problem);
}

static bool set_ca(struct options *options, const char *value, struct options_problem *problem)
{
    return replace(&options->ca, value, problem);
}

static bool is_pin(const char *text, size_t length)
{
    uint8_t digest[PIN_SIZE];
    size_t prefix = strlen(PIN_PREFIX);

    return length > prefix && memcmp(text, PIN_PREFIX, prefix) == 0 &&
           base64_decode_exact(BASE64_STANDARD, text + prefix, length - prefix, digest, PIN_SIZE);
}

static bool set_pin(struct options *options, const char *value, struct options_problem *problem)
{
    for (const char *pin = value, *end;; pin = end + 1) {
        end = strchrnul(pin, ';');
        if (!is_pin(pin, (size_t)(end - pin)))
            return refuse(problem, "must be sha256//BASE64 of 32 bytes, or several with ';'");
        if (*end == '\0')
            break;
    }
    return replace(&options->pin, value, problem);
}

/* Each part as Trustee names resources: letters, digits, '_', '-' and, but in front, '.'. */
static bool is_resource(const char *text)
{
    static const char front[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    int parts = 0;

    if (strlen(text) > RESOURCE_LENGTH)
        return false;
    for (;; text++) {
        size_t length = strspn(text, front);

        if (length == 0)
            return false;
        while (text[length] && (text[length] == '.' || strchr(front, text[length])))
            length++;
        text += length;
        parts++;
        if (*text != '/')
            return parts == 3 && *text == '\0';
    }
}

static bool set_resource(struct options *options, const char *value,
                         struct options_problem *problem)
{
    if (!is_resource(value))
        return refuse(problem, "must be as repository/type/tag, not %s", value);
    return replace(&options->resource, value, problem);
}

static bool set_timeout(struct options *options, const char *value, struct options_problem *problem)
{
    unsigned long seconds;

    if (!parse_number(value, 1, TIMEOUT_MAX, &seconds, problem))
        return false;
    options->timeout_s = (long)seconds;
    return true;
}

static bool set_unsigned(unsigned *place, unsigned long most, const char *value,
                         struct options_problem *problem)
{
    unsigned long number;

    if (!parse_number(value, 1, most, &number, problem))
        return false;
    *place = (unsigned)number;
    return true;
}

static bool set_connections(struct options *options, const char *value,
                            struct options_problem *problem)
{
    return set_unsigned(&options->connections, CONNECTIONS_MAX, value, problem);
}

static bool set_per_peer(struct options *options, const char *value,
                         struct options_problem *problem)
{
    return set_unsigned(&options->per_peer, CONNECTIONS_MAX, value, problem);
}

static bool set_rate(struct options *options, const char *value, struct options_problem *problem)
{
    return set_unsigned(&options->rate, RATE_MAX, value, problem);
}

static bool set_kbs_connections(struct options *options, const char *value,
                                struct options_problem *problem)
{
    return set_unsigned(&options->kbs_connections, CONNECTIONS_MAX, value, problem);
}

static bool set_log(struct options *options, const char *value, struct options_problem *problem)
{
    static const char *const names[] = {
        [LOG_AUTOMATIC] = "auto",
        [LOG_JSON] = "json",
        [LOG_TEXT] = "text",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(value, names[i]) == 0) {
            options->log = (enum log_format)i;
            return true;
        }
    }
    return refuse(problem, "must be auto, json or text, not %s", value);
}

void options_init(struct options *options)
{
    *options = (struct options){
        .socket_gid = UNIX_LISTENER_OWN_GROUP,
        .timeout_s = 30,
        .connections = 512,
        .per_peer = 16,
        .rate = PEERS_RATE_DEFAULT,
        .kbs_connections = 32,
        .log = LOG_AUTOMATIC,
    };
}

static void free_list(struct option_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->values[i]);
}

void options_free(struct options *options)
{
    free_list(&options->unix_paths);
    free_list(&options->serial_devices);
    free(options->url);
    free(options->ca);
    free(options->pin);
    free(options->resource);
    free(options->socket_group);
}

bool options_set(struct options *options, const char *name, const char *value,
                 struct options_problem *problem)
{
    static const struct {
        const char *name;
        bool (*set)(struct options *options, const char *value, struct options_problem *problem);
    } settings[] = {
        {"url", set_url},
        {"unix", set_unix},
        {"serial", set_serial},
        {"vsock", set_vsock},
        {"socket-group", set_socket_group},
        {"ca", set_ca},
        {"pin", set_pin},
        {"resource", set_resource},
        {"timeout", set_timeout},
        {"connections", set_connections},
        {"per-peer", set_per_peer},
        {"rate", set_rate},
        {"kbs-connections", set_kbs_connections},
        {"log", set_log},
    };

    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        if (strcmp(name, settings[i].name) == 0)
            return settings[i].set(options, value, problem);
    return refuse(problem, "there is no such option");
}

/* Whether the file has at least one certificate, so that a mistake shows before a VM boots. */
static bool check_ca(const char *path, struct options_problem *problem)
{
    FILE *file = fopen(path, "r");
    X509 *certificate;

    if (!file)
        return refuse(problem, "ca: %s: %s", path, strerror(errno));
    certificate = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
    ERR_clear_error();
    if (!certificate)
        return refuse(problem, "ca: %s has no certificate in PEM form", path);
    X509_free(certificate);
    return true;
}

bool options_check(const struct options *options, unsigned inherited,
                   struct options_problem *problem)
{
    if (!options->url)
        return refuse(problem, "url: the address of the KBS is missing");
    if (options->unix_paths.count == 0 && options->serial_devices.count == 0 && !options->vsock &&
        inherited == 0)
        return refuse(problem, "there is nothing to listen on: give unix, serial or vsock");
    if ((options->ca || options->pin) && strncmp(options->url, "https://", 8) != 0)
        return refuse(problem, "ca and pin say whom to believe, but %s is not https", options->url);
    return !options->ca || check_ca(options->ca, problem);
}
