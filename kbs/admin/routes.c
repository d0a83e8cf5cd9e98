/* SPDX-License-Identifier: MIT */
#include "kbs/admin/routes.h"

#include <stdio.h>
#include <string.h>

#define API "/admin/v1/"

#define LOOK(path, handler)                                                                        \
    .method = "GET", .head = (path), .kind = ROUTE_LOOK, .role = ROLE_AUDITOR,                     \
    .operation = "look", .answer = (handler)
#define LOOK_AT(start, of_path, handler)                                                           \
    .method = "GET", .head = (start), .tail = "", .argument = (of_path), .kind = ROUTE_LOOK,       \
    .role = ROLE_AUDITOR, .operation = "look", .answer = (handler)
#define WATCH(path, handler)                                                                       \
    .method = "GET", .head = (path), .kind = ROUTE_WATCH, .role = ROLE_AUDITOR,                    \
    .operation = "look", .answer = (handler)
#define ASK(path, op, handler)                                                                     \
    .method = "POST", .head = (path), .kind = ROUTE_QUESTION, .role = ROLE_AUDITOR,                \
    .operation = (op), .answer = (handler)
#define STATE(start, of_path, end, op, handler)                                                    \
    .method = "POST", .head = (start), .tail = (end), .argument = (of_path), .kind = ROUTE_CHANGE, \
    .role = ROLE_AUDITOR, .operation = (op), .answer = (handler)
#define MAKE(path, op, handler, after)                                                             \
    .method = "POST", .head = (path), .kind = ROUTE_CHANGE, .role = ROLE_OWNER, .operation = (op), \
    .answer = (handler), .committed = (after)
#define CHANGE(verb, start, of_path, end, op, handler, after)                                      \
    .method = (verb), .head = (start), .tail = (end), .argument = (of_path), .kind = ROUTE_CHANGE, \
    .role = ROLE_OWNER, .operation = (op), .answer = (handler), .committed = (after)

static const struct route routes[] = {
    {LOOK(API "images", images_list)},
    {MAKE(API "images", "image-add", images_add, NULL)},
    {LOOK_AT(API "images/", ARGUMENT_SEGMENT, images_show)},
    {CHANGE("POST", API "images/", ARGUMENT_SEGMENT, "/retire", "image-retire", images_retire,
            NULL)},

    {LOOK(API "default-policy", policies_show_default)},
    {LOOK(API "policies", policies_list)},
    {ASK(API "policies/validate", "policy-validate", policies_validate)},
    {LOOK_AT(API "policies/", ARGUMENT_SEGMENT, policies_show)},
    {CHANGE("PUT", API "policies/", ARGUMENT_SEGMENT, "", "policy-put", policies_put, NULL)},
    {CHANGE("DELETE", API "policies/", ARGUMENT_SEGMENT, "", "policy-remove", policies_remove,
            NULL)},

    {LOOK(API "secrets", secrets_list)},
    {LOOK_AT(API "secrets/", ARGUMENT_PATH, secrets_show)},
    {CHANGE("PUT", API "secrets/", ARGUMENT_PATH, "", "secret-put", secrets_put, NULL)},
    {CHANGE("DELETE", API "secrets/", ARGUMENT_PATH, "", "secret-retire", secrets_retire, NULL)},

    {LOOK(API "volumes", volumes_list)},
    {MAKE(API "volumes", "volume-create", volumes_create, NULL)},
    {LOOK_AT(API "volumes/", ARGUMENT_SEGMENT, volumes_show)},
    {CHANGE("POST", API "volumes/", ARGUMENT_SEGMENT, "/key", "volume-set-key", volumes_set_key,
            NULL)},
    {CHANGE("POST", API "volumes/", ARGUMENT_SEGMENT, "/rekey", "volume-rekey", volumes_rekey,
            NULL)},
    {CHANGE("POST", API "volumes/", ARGUMENT_SEGMENT, "/image", "volume-set-image",
            volumes_set_image, NULL)},
    {CHANGE("POST", API "volumes/", ARGUMENT_SEGMENT, "/retire", "volume-retire", volumes_retire,
            NULL)},
    {CHANGE("POST", API "volumes/", ARGUMENT_SEGMENT, "/lease", "volume-set-lease",
            leases_set_policy, NULL)},
    {CHANGE("POST", API "volumes/", ARGUMENT_SEGMENT, "/lease/break", "volume-lease-break",
            leases_break, NULL)},
    {CHANGE("POST", API "volumes/", ARGUMENT_SEGMENT, "/accept-disk", "volume-accept-disk",
            leases_accept_disk, NULL)},
    {CHANGE("POST", API "volumes/", ARGUMENT_SEGMENT, "/freeze", "volume-freeze", leases_freeze,
            NULL)},
    {CHANGE("POST", API "volumes/", ARGUMENT_SEGMENT, "/thaw", "volume-thaw", leases_thaw, NULL)},

    {STATE(API "volumes/", ARGUMENT_SEGMENT, "/evidence", "volume-evidence", volumes_evidence)},
    {CHANGE("POST", API "volumes/", ARGUMENT_SEGMENT, "/revoke-ek", "volume-revoke-ek",
            authorities_revoke, NULL)},

    {LOOK(API "tokens", tokens_list)},
    {MAKE(API "tokens", "token-create", tokens_create, NULL)},
    {CHANGE("POST", API "tokens/", ARGUMENT_SEGMENT, "/revoke", "token-revoke", tokens_revoke,
            NULL)},

    {LOOK(API "keys", keys_list)},
    {MAKE(API "keys/rotate", "key-rotate", keys_rotate, keys_changed)},
    {LOOK_AT(API "keys/", ARGUMENT_SEGMENT, keys_show)},
    {CHANGE("POST", API "keys/", ARGUMENT_SEGMENT, "/retire", "key-retire", keys_retire,
            keys_changed)},

    {LOOK(API "ca", authorities_show)},
    {MAKE(API "ca/rotate", "ca-rotate", authorities_rotate, keys_changed)},

    {WATCH(API "audit", audit_list)},
    {WATCH(API "audit/verify", audit_check_chain)},
    {LOOK(API "audit/segments", audit_segments_list)},
    {MAKE(API "audit/segments", "audit-close", audit_segments_close, NULL)},
    {CHANGE("POST", API "audit/segments/", ARGUMENT_SEGMENT, "/prune", "audit-prune",
            audit_segments_prune, audit_segments_pruned)},
    {LOOK_AT(API "audit/", ARGUMENT_SEGMENT, audit_show)},

    {ASK(API "explain", "explain", explain_measurement)},
    {LOOK(API "status", status_show)},
    {LOOK("/metrics", metrics_show)},
    {LOOK("/status", page_show)},
    {LOOK("/", page_show)},
};

static bool is_plain(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~')
            return false;
    return true;
}

/* Whether path is head, something that may stand there, and tail. */
static bool take_argument(const struct route *route, const char *path,
                          char argument[CALL_OBJECT_MAX + 1])
{
    size_t head = strlen(route->head), length = strlen(path), tail, middle;

    argument[0] = '\0';
    if (route->argument == ARGUMENT_NONE)
        return strcmp(path, route->head) == 0;
    tail = strlen(route->tail);
    if (length <= head + tail || strncmp(path, route->head, head) != 0 ||
        strcmp(path + length - tail, route->tail) != 0)
        return false;
    middle = length - head - tail;
    if (middle > CALL_OBJECT_MAX ||
        (route->argument == ARGUMENT_SEGMENT && memchr(path + head, '/', middle)))
        return false;
    memcpy(argument, path + head, middle);
    argument[middle] = '\0';
    return is_plain(argument);
}

static void add_method(char *allowed, size_t size, const char *method)
{
    size_t used = strlen(allowed);

    if (!strstr(allowed, method))
        snprintf(allowed + used, size - used, "%s%s%s", used > 0 ? ", " : "", method,
                 strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

const struct route *route_find(const char *method, const char *path,
                               char argument[CALL_OBJECT_MAX + 1], char *allowed,
                               size_t allowed_size)
{
    allowed[0] = '\0';
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (!take_argument(&routes[i], path, argument))
            continue;
        if (strcmp(method, routes[i].method) == 0)
            return &routes[i];
        add_method(allowed, allowed_size, routes[i].method);
    }
    argument[0] = '\0';
    return NULL;
}
