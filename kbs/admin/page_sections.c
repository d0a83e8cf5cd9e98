/* SPDX-License-Identifier: MIT */
#include "kbs/admin/page.h"

#include <stdlib.h>
#include <string.h>

#include "kbs/admin/attestations.h"
#include "kbs/admin/html.h"
#include "kbs/admin/values.h"
#include "kbs/store/images.h"
#include "kbs/store/policies.h"
#include "kbs/store/signing_keys.h"
#include "kbs/store/tokens.h"
#include "kbs/store/volumes.h"
#include "lib/base/uuid.h"

#define ATTESTATIONS_MAX 50

static void begin_section(struct page *page, const char *id, const char *caption,
                          const char *const headings[])
{
    fprintf(page->out, "<section id=\"%s\">", id);
    html_begin_table(page->out, caption, headings);
    page->rows = 0;
}

static void end_section(struct page *page, const char *none)
{
    html_end_table(page->out);
    if (page->rows == 0)
        fprintf(page->out, "<p class=\"none\">%s</p>", none);
    fputs("</section>\n", page->out);
}

static void begin_row(struct page *page)
{
    fputs("<tr>", page->out);
    page->rows++;
}

static void end_row(struct page *page)
{
    fputs("</tr>\n", page->out);
}

/* A moment, for people and in its attribute for programs; text when there is none. */
static void time_cell_text(struct page *page, const char *label, const char *time,
                           const char *otherwise)
{
    if (!time || strlen(time) != TIME_TEXT_SIZE - 1) {
        html_cell(page->out, label, otherwise);
        return;
    }
    fprintf(page->out, "<td data-label=\"%s\"><time datetime=\"", label);
    html_text(page->out, time);
    fputs("\">", page->out);
    for (const char *c = time; *c; c++)
        html_text(page->out, *c == 'T' ? " " : *c == 'Z' ? "" : (char[]){*c, '\0'});
    fputs("</time></td>", page->out);
}

static void time_cell(struct page *page, const char *label, time_t time, const char *otherwise)
{
    char text[TIME_TEXT_SIZE];

    values_time(time, text);
    time_cell_text(page, label, text, otherwise);
}

/* Volumes */

static void volume_row(void *context, const struct volume *volume)
{
    struct page *page = context;
    char id[UUID_TEXT_LENGTH + 1], version[16];

    uuid_text(volume->id, id);
    snprintf(version, sizeof(version), "%u", volume->key_version);
    begin_row(page);
    html_cell(page->out, "Name", volume->name);
    html_digest_cell(page->out, "Id", id);
    html_cell(page->out, "Image", volume->image);
    html_cell(page->out, "Policy", volume->policy);
    if (volume->release == VOLUME_RELEASE_ANY)
        html_mark_cell(page->out, "Release", "warn", "any profile");
    else
        html_cell(page->out, "Release", "signed only");
    html_cell(page->out, "Key version", version);
    time_cell(page, "Last released", volume->last_released, "never");
    if (volume->retired)
        html_mark_cell(page->out, "State", "dim", "retired");
    else
        html_mark_cell(page->out, "State", "good", "active");
    end_row(page);
}

enum store_status page_volumes(struct page *page)
{
    static const char *const headings[] = {
        "Name", "Id", "Image", "Policy", "Release", "Key version", "Last released", "State", NULL};
    enum store_status status;

    begin_section(page, "volumes", "Volumes", headings);
    status = volume_each(page->unit, volume_row, page);
    end_section(page, "There is no volume.");
    return status;
}

/* Attestations */

static const char *member(const json_t *line, const char *name)
{
    return json_string_value(json_object_get(line, name));
}

static void reason_cell(struct page *page, const json_t *line)
{
    const char *text = member(line, "text"), *detail = member(line, "detail");

    fputs("<td class=\"text\" data-label=\"Reason\"><span>", page->out);
    html_text(page->out, text ? text : member(line, "reason"));
    fputs("</span>", page->out);
    if (detail && *detail) {
        fputs("<small>", page->out);
        html_text(page->out, detail);
        fputs("</small>", page->out);
    }
    fputs("</td>", page->out);
}

static void platform_cell(struct page *page, const char *platform)
{
    if (platform && strncmp(platform, "EMULATED", 8) == 0)
        html_mark_cell(page->out, "Platform", "warn", "emulated");
    else
        html_cell(page->out, "Platform", platform);
}

static void attestation_row(struct page *page, const json_t *line)
{
    const char *result = member(line, "result");

    begin_row(page);
    time_cell_text(page, "Time", member(line, "time"), NULL);
    if (result && strcmp(result, "accepted") == 0)
        html_mark_cell(page->out, "Verdict", "good", "✓ accepted");
    else
        html_mark_cell(page->out, "Verdict", "bad", "✗ refused");
    reason_cell(page, line);
    html_cell(page->out, "Image", member(line, "image"));
    html_digest_cell(page->out, "Measurement", member(line, "measurement"));
    platform_cell(page, member(line, "platform"));
    html_cell(page->out, "Client", member(line, "peer"));
    end_row(page);
}

enum store_status page_attestations(struct page *page)
{
    static const char *const headings[] = {"Time",        "Verdict",  "Reason", "Image",
                                           "Measurement", "Platform", "Client", NULL};
    json_t *lines;
    enum store_status status = attestations_recent(page->unit, ATTESTATIONS_MAX, &lines);

    begin_section(page, "attestations", "Last attestations", headings);
    for (size_t i = 0; i < json_array_size(lines); i++)
        attestation_row(page, json_array_get(lines, i));
    end_section(page, "Nobody has attested yet.");
    json_decref(lines);
    return status;
}

/* Images */

static void image_row(void *context, const struct image *image)
{
    struct page *page = context;
    char measurement[2 * LAUNCH_DIGEST_SIZE + 1];

    hex_text(image->measurement, sizeof(image->measurement), measurement);
    begin_row(page);
    html_cell(page->out, "Name", image->name);
    html_digest_cell(page->out, "Measurement", measurement);
    time_cell(page, "Added", image->added, NULL);
    if (image->retired)
        time_cell(page, "Retired", image->retired, NULL);
    else
        html_mark_cell(page->out, "Retired", "good", "no");
    end_row(page);
}

enum store_status page_images(struct page *page)
{
    static const char *const headings[] = {"Name", "Measurement", "Added", "Retired", NULL};
    enum store_status status;

    begin_section(page, "images", "Images", headings);
    status = image_each(page->unit, image_row, page);
    end_section(page, "No image is registered: nobody gets anything.");
    return status;
}

/* Policies */

static void policy_row(void *context, const struct policy_record *policy)
{
    struct page *page = context;

    begin_row(page);
    html_cell(page->out, "Name", policy->name);
    time_cell(page, "Updated", policy->updated, NULL);
    fputs("<td class=\"text\" data-label=\"Text\"><details><summary>show</summary><pre>",
          page->out);
    html_text(page->out, policy->text);
    fputs("</pre></details></td>", page->out);
    end_row(page);
}

enum store_status page_policies(struct page *page)
{
    static const char *const headings[] = {"Name", "Updated", "Text", NULL};
    enum store_status status;

    begin_section(page, "policies", "Policies", headings);
    status = policy_each(page->unit, policy_row, page);
    end_section(page, "There is no policy.");
    return status;
}

/* Tokens */

static void token_row(void *context, const struct token *token)
{
    struct page *page = context;

    begin_row(page);
    html_cell(page->out, "Name", token->name);
    html_cell(page->out, "Role", token->role == ROLE_OWNER ? "owner" : "auditor");
    time_cell(page, "Created", token->created, NULL);
    time_cell(page, "Expires", token->expires, "never");
    if (token->revoked)
        html_mark_cell(page->out, "State", "dim", "revoked");
    else if (token->expires && token->expires <= page->now)
        html_mark_cell(page->out, "State", "dim", "expired");
    else
        html_mark_cell(page->out, "State", "good", "valid");
    end_row(page);
}

enum store_status page_tokens(struct page *page)
{
    static const char *const headings[] = {"Name", "Role", "Created", "Expires", "State", NULL};
    enum store_status status;

    begin_section(page, "tokens", "Administrators' tokens", headings);
    status = token_each(page->unit, token_row, page);
    end_section(page, "There is no token.");
    return status;
}

/* Signing keys */

struct key_rows {
    struct page *page;
    bool active_seen[SIGNING_KEY_USES];
};

static void key_row(void *context, const struct signing_key *key)
{
    static const char *const uses[] = {[SIGNING_KEY_RELEASE] = "release records",
                                       [SIGNING_KEY_TOKEN] = "attestation tokens",
                                       [SIGNING_KEY_AUDIT] = "heads of the audit log",
                                       [SIGNING_KEY_CA] = "certificates of endorsement keys"};
    struct key_rows *rows = context;
    struct page *page = rows->page;
    char id[2 * SIGNING_KEY_ID_SIZE + 1];

    hex_text(key->id, sizeof(key->id), id);
    begin_row(page);
    html_digest_cell(page->out, "Id", id);
    html_cell(page->out, "Use", uses[key->use]);
    time_cell(page, "Created", key->created, NULL);
    if (key->retired)
        html_mark_cell(page->out, "State", "dim", "retired");
    else if (rows->active_seen[key->use])
        html_mark_cell(page->out, "State", "warn", "older, still valid");
    else
        html_mark_cell(page->out, "State", "good", "active");
    rows->active_seen[key->use] |= !key->retired;
    end_row(page);
}

enum store_status page_keys(struct page *page)
{
    static const char *const headings[] = {"Id", "Use", "Created", "State", NULL};
    struct key_rows rows = {.page = page};
    enum store_status status;

    begin_section(page, "keys", "Signing keys", headings);
    status = signing_key_each(page->unit, key_row, &rows);
    end_section(page, "There is no key.");
    return status;
}
