/* SPDX-License-Identifier: MIT */
#include "kbs/admin/admin.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "kbs/admin/authenticate.h"
#include "kbs/admin/routes.h"
#include "kbs/audit/audit.h"
#include "kbs/log.h"
#include "kbs/metrics.h"
#include "lib/jose/strict_json.h"

#define ALLOWED_MAX 64

static const char *role_name(enum role role)
{
    return role == ROLE_OWNER ? "owner" : "auditor";
}

/* The line of the audit log about this call. */
static json_t *audit_members(const struct call *call, bool refused)
{
    bool known = call->actor.name[0] != '\0';
    const char *detail = refused ? call->refusal.message : call->detail;

    return LOG_MEMBERS({"actor", known ? call->actor.name : NULL},
                       {"role", known ? role_name(call->actor.role) : NULL},
                       {"op", call->route ? call->route->operation : "request"},
                       {"object", call->object[0] ? call->object : NULL},
                       {"result", refused ? "refused" : "done"},
                       {"reason", refused ? call->refusal.code : NULL},
                       {"detail", detail[0] ? detail : NULL}, {"peer", call->request->peer});
}

/* A browser asks without a token first: that it may not have the page is no event. */
static bool is_first_visit(const struct call *call)
{
    return call->refusal.status == HTTP_UNAUTHORIZED &&
           strcmp(call->refusal.code, TOKEN_MISSING) == 0 &&
           strcmp(call->request->method, "GET") == 0;
}

static void log_refusal(const struct call *call)
{
    /* What is refused changes nothing; without a log it is refused all the same. */
    if (audit_record(call->kbs->audit, "admin", audit_members(call, true), call->request->now, NULL,
                     NULL) != STORE_OK)
        fprintf(stderr, "kbs: a refusal of the admin API could not be logged\n");
}

static void answer_refusal(struct call *call)
{
    http_reply_json(
        call->reply, call->refusal.status,
        json_pack("{s:s, s:s}", "error", call->refusal.code, "message", call->refusal.message));
    metric_add(METRIC_ADMIN_REFUSED, 1);
    if (!is_first_visit(call))
        log_refusal(call);
}

static bool find_route(struct call *call)
{
    const struct http_request *request = call->request;
    char allowed[ALLOWED_MAX];

    call->route =
        route_find(request->method, request->path, call->object, allowed, sizeof(allowed));
    if (call->route)
        return true;
    if (!allowed[0])
        return call_refuse(call, HTTP_NOT_FOUND, "path-unknown", "there is nothing at this path");
    http_reply_header(call->reply, "Allow", "%s", allowed);
    return call_refuse(call, HTTP_METHOD_NOT_ALLOWED, "method-not-allowed", "here one can only %s",
                       allowed);
}

static bool is_json_type(const char *type)
{
    static const char json[] = "application/json";
    size_t length = sizeof(json) - 1;

    return type && strncasecmp(type, json, length) == 0 &&
           (type[length] == '\0' || type[length] == ';' || type[length] == ' ');
}

/* Whether Origin names this server, as the client called it. */
static bool is_own_origin(const char *origin, const char *host)
{
    static const char scheme[] = "https://";

    return host && strncmp(origin, scheme, sizeof(scheme) - 1) == 0 &&
           strcasecmp(origin + sizeof(scheme) - 1, host) == 0;
}

/*
 * A browser that holds an owner's token for this server sends it with whatever other sites make it
 * send. They cannot make it send JSON unasked, and it says where a request comes from.
 */
static bool refuse_forged(struct call *call)
{
    const char *site = http_request_value(call->request, HTTP_HEADER, "Sec-Fetch-Site");
    const char *origin = http_request_value(call->request, HTTP_HEADER, "Origin");

    if (!is_json_type(http_request_value(call->request, HTTP_HEADER, "Content-Type")))
        return call_refuse(call, HTTP_BAD_REQUEST, "content-type",
                           "the body must be JSON, and Content-Type application/json");
    if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
        return call_refuse(call, HTTP_FORBIDDEN, "cross-site",
                           "the request comes from another "
                           "site");
    if (origin && !is_own_origin(origin, http_request_value(call->request, HTTP_HEADER, "Host")))
        return call_refuse(call, HTTP_FORBIDDEN, "cross-site",
                           "the request comes from another "
                           "origin");
    return true;
}

static bool take_body(struct call *call)
{
    struct strict_json_problem problem;

    if (!refuse_forged(call))
        return false;
    call->body = strict_json_load_or_say(call->request->body, call->request->body_size, &problem);
    return call->body || call_refuse(call, HTTP_BAD_REQUEST,
                                     problem.excessive ? "json-excessive" : "json-invalid",
                                     "the body: %s", problem.text);
}

static bool look(struct call *call)
{
    enum store_status status = store_begin_reading(call->kbs->store, &call->unit);
    bool done;

    if (status != STORE_OK)
        return call_refuse_status(call, status, "storage", "cannot be read");
    done = authenticate_again(call) && call->route->answer(call);
    store_abandon(call->unit);
    return done;
}

/* What takes its time is told to nobody whose token was revoked meanwhile. */
static bool watch(struct call *call)
{
    if (!call->route->answer(call))
        return false;
    if (authenticate(call))
        return true;
    http_reply_release(call->reply);
    return false;
}

struct changing {
    struct call *call;
    char *line; /* of the audit log */
};

/* A store_work: the change, and its line. What the handler refuses ends it, too. */
static enum store_status change_in(struct store_unit *unit, void *context)
{
    struct changing *changing = context;
    struct call *call = changing->call;

    http_reply_release(call->reply);
    call->refusal = (struct refusal){0};
    call->unit = unit;
    if (!authenticate_again(call) || !call->route->answer(call))
        return call_is_busy(call) ? STORE_CONFLICT : STORE_FAILED;
    free(changing->line);
    return audit_append_line(unit, "admin", audit_members(call, false), call->request->now,
                             &changing->line);
}

static bool change(struct call *call)
{
    struct changing changing = {.call = call};
    enum store_status status = store_change(call->kbs->store, change_in, &changing);

    if (status == STORE_OK) {
        metric_add(METRIC_AUDIT_LINES, 1);
        log_line(changing.line);
        if (call->route->committed)
            call->route->committed(call);
    } else {
        http_reply_release(call->reply);
    }
    free(changing.line);
    if (status == STORE_OK || call->refusal.code)
        return status == STORE_OK;
    return call_refuse_status(call, status, "the change", "was not stored");
}

static bool answer(struct call *call)
{
    if (!authenticate(call) || !find_route(call))
        return false;
    if (call->actor.role < call->route->role)
        return call_refuse(call, HTTP_FORBIDDEN, "role-insufficient",
                           "this takes an owner's token, and %s is an auditor's", call->actor.name);
    switch (call->route->kind) {
    case ROUTE_LOOK:
        return look(call);
    case ROUTE_QUESTION:
        return take_body(call) && look(call);
    case ROUTE_WATCH:
        return watch(call);
    case ROUTE_CHANGE:
        return take_body(call) && change(call);
    }
    return false;
}

bool admin_knows_sender(const struct kbs *kbs, const struct http_request *request)
{
    return authenticate_knows_sender(kbs, request);
}

void admin_answer(void *context, const struct http_request *request, struct http_reply *reply)
{
    struct call call = {.kbs = context, .request = request, .reply = reply};

    metric_add(METRIC_ADMIN_REQUESTS, 1);
    http_reply_header(reply, "X-Content-Type-Options", "nosniff");
    if (!answer(&call))
        answer_refusal(&call);
    json_decref(call.body);
}
