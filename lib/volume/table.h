/* SPDX-License-Identifier: MIT */
/*
 * The table of a state: its objects, by name (docs/state-volume.md, "Table"). The bytes that are
 * parsed here were authenticated before; they are checked all the same.
 */
#ifndef SNPVTPM_LIB_VOLUME_TABLE_H
#define SNPVTPM_LIB_VOLUME_TABLE_H

#include "lib/base/writer.h"
#include "lib/volume/superblock.h"

#define VOLUME_OBJECTS_MAX 16
#define VOLUME_NAME_MAX    31 /* characters */

#define TABLE_ENTRY_SIZE (VOLUME_NAME_MAX + 1 + 8 + 8 + VOLUME_NONCE_SIZE + VOLUME_DIGEST_SIZE)
#define TABLE_SIZE_MAX   (VOLUME_OBJECTS_MAX * TABLE_ENTRY_SIZE)

struct volume_object {
    char name[VOLUME_NAME_MAX + 1];
    struct content content;
};

struct table {
    size_t count;
    struct volume_object objects[VOLUME_OBJECTS_MAX];
};

/* 1 to VOLUME_NAME_MAX characters of a-z, 0-9, '-', '.' and '_', the first a letter or digit. */
bool table_name_ok(const char *name);

/* NULL: there is none of that name. */
struct volume_object *table_find(struct table *table, const char *name);

/* The object of that name, added if there is none; NULL: there are too many. */
struct volume_object *table_take(struct table *table, const char *name);
void table_remove(struct table *table, const char *name);

MUST_CHECK bool table_encode(const struct table *table, struct writer *to);

/* False: no whole number of entries, too many, a bad name, or one twice. */
MUST_CHECK bool table_decode(struct table *table, struct reader *from);

#endif
