/* SPDX-License-Identifier: MIT */
/* "/" and "/status": what an auditor wants to see, as a page for a browser without scripts. */
#include "kbs/admin/page.h"

#include <inttypes.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "kbs/admin/html.h"
#include "kbs/admin/page_style.h"
#include "kbs/admin/routes.h"
#include "kbs/admin/trusted.h"
#include "kbs/admin/values.h"
#include "kbs/audit/audit_watch.h"
#include "lib/base/hex.h"
#include "lib/jose/base64.h"

#define STYLE_HASH_SIZE 32

static void add_security_headers(struct http_reply *reply)
{
    uint8_t hash[STYLE_HASH_SIZE] = {0};
    char text[BASE64_LENGTH(STYLE_HASH_SIZE) + 1];

    /* A wrong hash only costs the style. */
    (void)!EVP_Digest(page_style, sizeof(page_style) - 1, hash, NULL, EVP_sha256(), NULL);
    base64_encode(BASE64_STANDARD, hash, sizeof(hash), text);
    http_reply_header(reply, "Content-Security-Policy",
                      "default-src 'none'; style-src 'sha256-%s'; img-src data:; base-uri 'none'; "
                      "form-action 'none'; frame-ancestors 'none'",
                      text);
    http_reply_header(reply, "Referrer-Policy", "no-referrer");
    http_reply_header(reply, "X-Frame-Options", "DENY");
}

static void write_head(FILE *out)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
          "<title>Key Broker Server</title><link rel=\"icon\" href=\"data:,\"><style>",
          out);
    fputs(page_style, out);
    fputs("</style></head>\n<body>", out);
}

static void write_title(FILE *out, const struct call *call)
{
    char now[TIME_TEXT_SIZE];

    values_time(call->request->now, now);
    fputs("<header><h1>Key Broker Server</h1><p>as of ", out);
    html_text(out, now);
    fputs(", for ", out);
    html_text(out, call->actor.name);
    fputs(call->actor.role == ROLE_OWNER ? " (owner)" : " (auditor)", out);
    fputs("; all times are UTC", out);
    fputs("</p></header>\n<nav><a href=\"#attestations\">Attestations</a>"
          "<a href=\"#volumes\">Volumes</a><a href=\"#images\">Images</a>"
          "<a href=\"#policies\">Policies</a><a href=\"#tokens\">Tokens</a>"
          "<a href=\"#keys\">Keys</a></nav>\n<main>",
          out);
}

static void write_warnings(FILE *out, const struct kbs *kbs, const struct audit_state *state)
{
    if (state->problem) {
        fprintf(out,
                "<p class=\"banner bad\" role=\"alert\"><strong>The audit log is broken at line "
                "%" PRIu64 ":</strong> ",
                state->first_bad);
        html_text(out, state->problem);
        fputs(". Somebody changed the database, or it was damaged.</p>\n", out);
    }
    if (trusts_emulated(kbs))
        fputs(
            "<p class=\"banner warn\" role=\"alert\"><strong>An emulated platform is trusted."
            "</strong> Its VMs are not confidential: whoever runs them can read every secret that "
            "is released to them.</p>\n",
            out);
}

static void write_state(FILE *out, const struct audit_state *state)
{
    if (state->problem)
        fprintf(out, "<span class=\"bad\">✗ broken</span><small>at line %" PRIu64 "</small>",
                state->first_bad);
    else
        fprintf(out, "<span class=\"%s\">%s</span><small>%" PRIu64 " lines", //
                state->whole ? "good" : "warn", state->whole ? "✓ whole" : "… being verified",
                state->last - state->archived);
    if (!state->problem && state->archived)
        fprintf(out, ", from %" PRIu64 " on; those before are archived", state->archived + 1);
    if (!state->problem)
        fputs("</small>", out);
}

static void write_moment(FILE *out, time_t time)
{
    char text[TIME_TEXT_SIZE];

    values_time(time, text);
    html_text(out, text[0] ? text : "not yet");
}

static void write_summary(FILE *out, const struct kbs *kbs, const struct audit_state *state)
{
    char head[2 * AUDIT_HASH_SIZE + 1];

    hex_text(state->head, sizeof(state->head), head);
    fputs("<dl class=\"cards\"><div><dt>Audit log</dt><dd>", out);
    write_state(out, state);
    fprintf(out, "</dd></div><div><dt>Verified up to line</dt><dd>%" PRIu64 "<small>at ",
            state->line);
    write_moment(out, state->seen);
    fputs("; from its beginning at ", out);
    write_moment(out, state->whole);
    fputs("</small></dd></div><div class=\"wide\"><dt>Hash of that line</dt><dd "
          "class=\"hash\"><code>",
          out);
    html_text(out, head);
    fputs("</code></dd></div><div><dt>Platforms believed</dt><dd>", out);
    fputs(trusts_emulated(kbs) ? "AMD <span class=\"warn\">and emulated</span>" : "AMD only", out);
    fputs("</dd></div></dl>\n", out);
}

static enum store_status write_page(const struct call *call, FILE *out)
{
    struct page page = {.out = out, .unit = call->unit, .now = call->request->now};
    static enum store_status (*const sections[])(struct page *) = {
        page_attestations, page_volumes, page_images, page_policies, page_tokens, page_keys};
    struct audit_state state;
    enum store_status status = audit_watch_look(call->kbs->watch, call->unit, &state);

    if (status != STORE_OK)
        return status;
    write_head(out);
    write_title(out, call);
    write_warnings(out, call->kbs, &state);
    write_summary(out, call->kbs, &state);
    for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]) && status == STORE_OK; i++)
        status = sections[i](&page);
    fputs("</main></body></html>\n", out);
    return status;
}

bool page_show(struct call *call)
{
    struct http_reply *reply = call->reply;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    enum store_status status = STORE_FAILED;

    if (out) {
        status = write_page(call, out);
        if (fclose(out) != 0)
            status = STORE_FAILED;
    }
    if (status != STORE_OK) {
        free(text);
        return call_refuse_status(call, status, "the status page", "cannot be made");
    }
    reply->status = HTTP_OK;
    reply->content_type = "text/html; charset=utf-8";
    reply->body = text;
    reply->body_size = size;
    add_security_headers(reply);
    return true;
}
