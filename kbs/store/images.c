/* SPDX-License-Identifier: MIT */
#include "kbs/store/images.h"

#include <stdlib.h>
#include <string.h>

#include "kbs/store/db.h"

#define COLUMNS "name, measurement, added, retired"

struct found {
    const struct db *db;
    struct image image;
    bool found, whole;
    void (*visit)(void *context, const struct image *image);
    void *context;
};

static void take_image(void *context, const struct db_row *row)
{
    struct found *found = context;
    struct image *image = &found->image;

    found->found = true;
    found->whole = db_row_text(found->db, row, 0, image->name, sizeof(image->name)) &&
                   db_row_bytes(found->db, row, 1, image->measurement, sizeof(image->measurement));
    image->added = db_row_integer(found->db, row, 2);
    image->retired = db_row_integer(found->db, row, 3);
    if (found->whole && found->visit)
        found->visit(found->context, image);
}

static enum store_status find(struct store_unit *unit, const char *sql, struct db_value by,
                              struct image *image)
{
    struct found found = {.db = unit->db};
    enum store_status status = DB_RUN(unit->db, sql, take_image, &found, NULL, by);

    if (status != STORE_OK)
        return status;
    if (!found.found)
        return STORE_NOT_FOUND;
    *image = found.image;
    return found.whole ? STORE_OK : STORE_FAILED;
}

enum store_status image_by_name(struct store_unit *unit, const char *name, struct image *image)
{
    return find(unit, "SELECT " COLUMNS " FROM image WHERE name = $1", db_text(name), image);
}

enum store_status image_by_measurement(struct store_unit *unit,
                                       const uint8_t measurement[LAUNCH_DIGEST_SIZE],
                                       struct image *image)
{
    return find(unit,
                "SELECT " COLUMNS " FROM image WHERE measurement = $1 "
                "ORDER BY CASE retired WHEN 0 THEN 0 ELSE 1 END, retired DESC LIMIT 1",
                db_bytes(measurement, LAUNCH_DIGEST_SIZE), image);
}

/* What was known of its pages stays known. */
static enum store_status add_again(struct store_unit *unit, const struct image *image,
                                   const struct image *before, struct db_value pages)
{
    if (!before->retired)
        return STORE_EXISTS;
    if (memcmp(before->measurement, image->measurement, sizeof(image->measurement)) != 0)
        return STORE_NAME_USED;
    return DB_CHANGE(unit->db,
                     "UPDATE image SET retired = 0, added = $2, pages = COALESCE($3, pages) "
                     "WHERE name = $1",
                     db_text(image->name), db_integer(image->added), pages);
}

enum store_status image_add(struct store_unit *unit, const struct image *image, const void *pages,
                            size_t pages_size)
{
    struct db_value pages_value = db_bytes(pages, pages_size);
    struct image before;
    enum store_status status = store_is_name(image->name) && pages_size <= IMAGE_PAGES_MAX
                                   ? image_by_name(unit, image->name, &before)
                                   : STORE_FAILED;

    if (status == STORE_OK)
        return add_again(unit, image, &before, pages_value);
    if (status != STORE_NOT_FOUND)
        return status;
    return DB_RUN(unit->db, "INSERT INTO image (" COLUMNS ", pages) VALUES ($1, $2, $3, 0, $4)",
                  NULL, NULL, NULL, db_text(image->name),
                  db_bytes(image->measurement, sizeof(image->measurement)),
                  db_integer(image->added), pages_value);
}

struct pages {
    const struct db *db;
    uint8_t *bytes;
    size_t size;
    enum store_status status;
};

static void take_pages(void *context, const struct db_row *row)
{
    struct pages *pages = context;
    struct db_value value = db_row_value(pages->db, row, 0);

    pages->status = STORE_OK;
    if (value.size == 0)
        return;
    pages->bytes = malloc(value.size);
    if (!pages->bytes) {
        pages->status = STORE_FAILED;
        return;
    }
    memcpy(pages->bytes, value.bytes, value.size);
    pages->size = value.size;
}

enum store_status image_pages(struct store_unit *unit, const char *name, uint8_t **bytes,
                              size_t *size)
{
    struct pages pages = {.db = unit->db, .status = STORE_NOT_FOUND};
    enum store_status status = DB_RUN(unit->db, "SELECT pages FROM image WHERE name = $1",
                                      take_pages, &pages, NULL, db_text(name));

    *bytes = pages.bytes;
    *size = pages.size;
    return status == STORE_OK ? pages.status : status;
}

enum store_status image_retire(struct store_unit *unit, const char *name, time_t now)
{
    return DB_CHANGE(unit->db, "UPDATE image SET retired = $2 WHERE name = $1 AND retired = 0",
                     db_text(name), db_integer(now));
}

enum store_status image_each(struct store_unit *unit,
                             void (*visit)(void *context, const struct image *image), void *context)
{
    struct found found = {.db = unit->db, .visit = visit, .context = context};

    return db_run(unit->db, "SELECT " COLUMNS " FROM image ORDER BY added, name, retired", NULL, 0,
                  take_image, &found, NULL);
}
