/* SPDX-License-Identifier: MIT */
/* /admin/v1/images */
#include "kbs/store/images.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kbs/admin/json_values.h"
#include "kbs/admin/routes.h"
#include "kbs/admin/values.h"
#include "lib/igvm/launch_pages.h"

static json_t *image_json(const struct image *image)
{
    return json_pack("{s:s, s:o, s:o, s:o}", "name", image->name, "measurement",
                     json_hex(image->measurement, sizeof(image->measurement)), "added",
                     json_time(image->added), "retired", json_time(image->retired));
}

static void add_image(void *list, const struct image *image)
{
    json_array_append_new(list, image_json(image));
}

bool images_list(struct call *call)
{
    json_t *list = json_array();
    enum store_status status = image_each(call->unit, add_image, list);

    if (status != STORE_OK) {
        json_decref(list);
        return call_refuse_status(call, status, "images", "cannot be listed");
    }
    return call_reply(call, HTTP_OK, json_pack("{s:o}", "images", list));
}

/* How many pages each part has, in the order of the parts. */
static json_t *parts_json(const struct launch_pages *pages)
{
    size_t counts[LAUNCH_PARTS_MAX] = {0};
    json_t *parts = json_array();

    for (size_t i = 0; i < pages->count; i++)
        counts[pages->pages[i].part]++;
    for (size_t i = 0; i < pages->part_count; i++)
        json_array_append_new(parts, json_pack("{s:s, s:I}", "part", pages->parts[i], "pages",
                                               (json_int_t)counts[i]));
    return parts;
}

/* Adds what is known of the image's pages to its JSON. */
MUST_CHECK static enum store_status add_parts(struct call *call, json_t *json)
{
    struct launch_pages pages = {0};
    uint8_t *bytes;
    size_t size;
    enum store_status status = image_pages(call->unit, call->object, &bytes, &size);

    if (status != STORE_OK)
        return status;
    if (bytes && launch_pages_decode(&pages, bytes, size) == LAUNCH_PAGES_OK)
        json_object_set_new(json, "parts", parts_json(&pages));
    launch_pages_free(&pages);
    free(bytes);
    return STORE_OK;
}

static bool reply_image(struct call *call, unsigned http)
{
    struct image image;
    enum store_status status = image_by_name(call->unit, call->object, &image);
    json_t *json = status == STORE_OK ? image_json(&image) : NULL;

    if (status == STORE_OK)
        status = add_parts(call, json);
    if (status == STORE_OK)
        return call_reply(call, http, json);
    json_decref(json);
    return call_refuse_status(call, status, "image", call->object);
}

bool images_show(struct call *call)
{
    return reply_image(call, HTTP_OK);
}

/* Whether the pages are well-formed, and those of this measurement. */
MUST_CHECK static bool check_pages(struct call *call, const uint8_t *bytes, size_t size,
                                   const uint8_t measurement[LAUNCH_DIGEST_SIZE])
{
    struct launch_pages pages = {0};
    struct launch_digest digest;
    enum launch_pages_status status = launch_pages_decode(&pages, bytes, size);
    bool computed = status == LAUNCH_PAGES_OK && launch_pages_digest(&pages, &digest);

    launch_pages_free(&pages);
    if (status != LAUNCH_PAGES_OK)
        return call_refuse(call, HTTP_BAD_REQUEST, "pages-invalid", "pages: %s",
                           launch_pages_text(status));
    if (!computed)
        return call_refuse(call, HTTP_INTERNAL, "crypto-failed", "pages: libcrypto failed");
    return memcmp(digest.ld, measurement, LAUNCH_DIGEST_SIZE) == 0 ||
           call_refuse(call, HTTP_BAD_REQUEST, "pages-mismatch",
                       "pages: their measurement is another one than measurement says");
}

static bool add(struct call *call, const struct image *image, const uint8_t *bytes, size_t size)
{
    enum store_status status = image_add(call->unit, image, bytes, size);

    if (status == STORE_EXISTS)
        return call_refuse(call, HTTP_CONFLICT, "exists",
                           "there is an image with this name or measurement already");
    if (status == STORE_NAME_USED)
        return call_refuse(call, HTTP_CONFLICT, "name-used",
                           "a retired image with another measurement has the name %s, by which "
                           "volumes and policies know it: choose another name",
                           image->name);
    if (status != STORE_OK)
        return call_refuse_status(call, status, "image", image->name);
    return reply_image(call, HTTP_CREATED);
}

bool images_add(struct call *call)
{
    const char *name, *measurement, *pages_text = NULL;
    struct image image = {.added = call->request->now};
    uint8_t *bytes = NULL;
    size_t size = 0;
    bool done;

    if (!call_unpack(call, "{s:s, s:s, s?s}", "name", &name, "measurement", &measurement, "pages",
                     &pages_text) ||
        !call_name_object(call, name))
        return false;
    snprintf(image.name, sizeof(image.name), "%s", name);
    if (!hex_bytes(measurement, image.measurement, sizeof(image.measurement)))
        return call_refuse(call, HTTP_BAD_REQUEST, "measurement-invalid",
                           "measurement: must be %d hexadecimal digits", 2 * LAUNCH_DIGEST_SIZE);
    if (pages_text && !call_decode(call, "pages", pages_text, IMAGE_PAGES_MAX, &bytes, &size))
        return false;
    done = (!bytes || check_pages(call, bytes, size, image.measurement)) &&
           add(call, &image, bytes, size);
    free(bytes);
    return done;
}

bool images_retire(struct call *call)
{
    enum store_status status;

    if (!call_unpack(call, "{}"))
        return false;
    status = image_retire(call->unit, call->object, call->request->now);
    if (status != STORE_OK)
        return call_refuse_status(call, status, "image", call->object);
    return reply_image(call, HTTP_OK);
}
