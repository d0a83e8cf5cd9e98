/* SPDX-License-Identifier: MIT */
/* /admin/v1/explain: why a measurement is not accepted. */
#include "kbs/explain/explain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kbs/admin/json_values.h"
#include "kbs/admin/routes.h"
#include "kbs/admin/values.h"
#include "kbs/audit/audit.h"
#include "kbs/store/images.h"
#include "lib/base/printable.h"

#define PREFACE_MAX 512 /* characters */

/* What is to be explained. */
struct question {
    uint8_t measurement[LAUNCH_DIGEST_SIZE];
    struct launch_pages pages;
    bool has_pages;
    char preface[PREFACE_MAX]; /* what the audit log says about it; may be empty */
};

MUST_CHECK static bool take_pages(struct call *call, const char *text, struct question *question)
{
    struct launch_digest digest;
    enum launch_pages_status status;
    uint8_t *bytes;
    size_t size;

    if (!call_decode(call, "pages", text, IMAGE_PAGES_MAX, &bytes, &size))
        return false;
    status = launch_pages_decode(&question->pages, bytes, size);
    free(bytes);
    question->has_pages = true;
    if (status != LAUNCH_PAGES_OK)
        return call_refuse(call, HTTP_BAD_REQUEST, "pages-invalid", "pages: %s",
                           launch_pages_text(status));
    if (!launch_pages_digest(&question->pages, &digest))
        return call_refuse(call, HTTP_INTERNAL, "crypto-failed", "pages: libcrypto failed");
    memcpy(question->measurement, digest.ld, sizeof(question->measurement));
    return true;
}

MUST_CHECK static bool take_measurement(struct call *call, const char *text,
                                        struct question *question)
{
    return hex_bytes(text, question->measurement, sizeof(question->measurement)) ||
           call_refuse(call, HTTP_BAD_REQUEST, "measurement-invalid",
                       "measurement: must be %d hexadecimal digits", 2 * LAUNCH_DIGEST_SIZE);
}

struct found_line {
    uint64_t seq;
    json_t *members;
};

static void take_line(void *context, const struct audit_entry *entry)
{
    struct found_line *found = context;

    if (entry->seq == found->seq && !found->members)
        found->members = json_loads(entry->line, 0, NULL);
}

/* A refusal may have had another reason than its measurement. */
static void write_preface(const json_t *line, struct question *question)
{
    const char *result = json_string_value(json_object_get(line, "result"));
    const char *reason = json_string_value(json_object_get(line, "reason"));
    const char *text = json_string_value(json_object_get(line, "text"));
    const char *detail = json_string_value(json_object_get(line, "detail"));

    char preface[PREFACE_MAX];

    if (!result || strcmp(result, "refused") != 0 || !reason ||
        strncmp(reason, "measurement-", 12) == 0)
        return;
    snprintf(preface, sizeof(preface),
             "it was refused for another reason than its measurement: %.200s%s%.200s",
             text ? text : reason, detail && *detail ? ": " : "", detail ? detail : "");
    /* A log of an older version may have a certificate's own bytes, cut anywhere here. */
    printable_write(preface, strlen(preface), question->preface, sizeof(question->preface));
}

MUST_CHECK static bool take_audit_line(struct call *call, json_int_t seq, struct question *question)
{
    struct found_line found = {.seq = (uint64_t)seq};
    enum store_status status =
        seq > 0 ? audit_each(call->unit, found.seq, 1, take_line, &found) : STORE_NOT_FOUND;
    const char *measurement = json_string_value(json_object_get(found.members, "measurement"));
    bool taken =
        measurement && hex_bytes(measurement, question->measurement, sizeof(question->measurement));

    write_preface(found.members, question);
    json_decref(found.members);
    if (status != STORE_OK && status != STORE_NOT_FOUND)
        return call_refuse_status(call, status, "the audit log", "cannot be read");
    return taken || call_refuse(call, HTTP_NOT_FOUND, "not-found",
                                "there is no line %lld in the audit log that has a measurement",
                                (long long)seq);
}

MUST_CHECK static bool take_question(struct call *call, struct question *question)
{
    const char *measurement = NULL, *pages = NULL;
    json_int_t seq = 0;

    if (!call_unpack(call, "{s?s, s?s, s?I}", "measurement", &measurement, "pages", &pages, "audit",
                     &seq))
        return false;
    if (json_object_size(call->body) != 1)
        return call_refuse(call, HTTP_BAD_REQUEST, "body-invalid",
                           "one of measurement, pages and audit is needed");
    if (pages)
        return take_pages(call, pages, question);
    return measurement ? take_measurement(call, measurement, question)
                       : take_audit_line(call, seq, question);
}

/* The images' names and so on are copied first: pages are asked of the store one by one. */
struct known_images {
    struct image *images;
    size_t count;
    bool out_of_memory;
};

static void copy_image(void *context, const struct image *image)
{
    struct known_images *known = context;
    struct image *larger = reallocarray(known->images, known->count + 1, sizeof(*larger));

    known->out_of_memory |= !larger;
    if (!larger)
        return;
    known->images = larger;
    known->images[known->count++] = *image;
}

MUST_CHECK static enum store_status consider(struct call *call, struct explainer *explainer,
                                             const struct image *image)
{
    struct explained_image explained = {.name = image->name, .retired = image->retired != 0};
    struct launch_pages pages = {0};
    uint8_t *bytes;
    size_t size;
    enum store_status status = image_pages(call->unit, image->name, &bytes, &size);

    if (status != STORE_OK)
        return status;
    memcpy(explained.measurement, image->measurement, sizeof(explained.measurement));
    if (bytes && launch_pages_decode(&pages, bytes, size) == LAUNCH_PAGES_OK)
        explained.pages = &pages;
    if (!explain_consider(explainer, &explained))
        status = STORE_FAILED;
    launch_pages_free(&pages);
    free(bytes);
    return status;
}

/* Newest first: an image that was just built is most probably meant. */
MUST_CHECK static enum store_status consider_all(struct call *call, struct explainer *explainer)
{
    struct known_images known = {0};
    enum store_status status = image_each(call->unit, copy_image, &known);

    if (known.out_of_memory)
        status = STORE_FAILED;
    for (size_t i = known.count; i > 0 && status == STORE_OK; i--)
        status = consider(call, explainer, &known.images[i - 1]);
    free(known.images);
    return status;
}

static json_t *explanation_json(const struct question *question,
                                const struct explanation *explanation)
{
    json_t *lines = json_array();

    if (question->preface[0])
        json_array_append_new(lines, json_string(question->preface));
    for (size_t i = 0; i < explanation->line_count; i++)
        json_array_append_new(lines, json_string(explanation->lines[i]));
    return json_pack("{s:s, s:o, s:s*, s:o}", "verdict", explanation_code(explanation->verdict),
                     "measurement", json_hex(question->measurement, sizeof(question->measurement)),
                     "image", explanation->image[0] ? explanation->image : NULL, "lines", lines);
}

bool explain_measurement(struct call *call)
{
    struct question question = {0};
    struct explainer *explainer = malloc(sizeof(*explainer));
    enum store_status status;
    bool done = false;

    if (!explainer) {
        call_refuse(call, HTTP_UNAVAILABLE, "out-of-memory", "out of memory");
        goto out;
    }
    if (!take_question(call, &question))
        goto out;
    explain_begin(explainer, question.measurement, question.has_pages ? &question.pages : NULL);
    status = consider_all(call, explainer);
    done = status == STORE_OK
               ? call_reply(call, HTTP_OK, explanation_json(&question, explain_end(explainer)))
               : call_refuse_status(call, status, "images", "cannot be compared");
out:
    launch_pages_free(&question.pages);
    free(explainer);
    return done;
}
