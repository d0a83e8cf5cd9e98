/* SPDX-License-Identifier: MIT */
#include "lib/volume/table.h"

#include <string.h>

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool table_name_ok(const char *name)
{
    size_t length = strnlen(name, VOLUME_NAME_MAX + 1);

    if (length == 0 || length > VOLUME_NAME_MAX || !is_letter_or_digit(name[0]))
        return false;
    for (size_t i = 0; i < length; i++)
        if (!is_letter_or_digit(name[i]) && !strchr("-._", name[i]))
            return false;
    return true;
}

struct volume_object *table_find(struct table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->objects[i].name, name) == 0)
            return &table->objects[i];
    return NULL;
}

struct volume_object *table_take(struct table *table, const char *name)
{
    struct volume_object *object = table_find(table, name);

    if (object || table->count == VOLUME_OBJECTS_MAX)
        return object;
    object = &table->objects[table->count++];
    *object = (struct volume_object){0};
    memcpy(object->name, name, strnlen(name, VOLUME_NAME_MAX));
    return object;
}

void table_remove(struct table *table, const char *name)
{
    struct volume_object *object = table_find(table, name);

    if (object)
        *object = table->objects[--table->count]; /* itself, if it is the last one */
}

bool table_encode(const struct table *table, struct writer *to)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct volume_object *object = &table->objects[i];

        if (!writer_put(to, object->name, sizeof(object->name)) ||
            !writer_le64(to, object->content.sector) || !writer_le64(to, object->content.size) ||
            !writer_put(to, object->content.nonce, VOLUME_NONCE_SIZE) ||
            !writer_put(to, object->content.digest, VOLUME_DIGEST_SIZE))
            return false;
    }
    return true;
}

bool table_decode(struct table *table, struct reader *from)
{
    table->count = 0;
    while (!reader_at_end(from)) {
        struct volume_object object = {0};

        if (table->count == VOLUME_OBJECTS_MAX ||
            !reader_copy(from, object.name, sizeof(object.name)) ||
            !reader_le64(from, &object.content.sector) ||
            !reader_le64(from, &object.content.size) ||
            !reader_copy(from, object.content.nonce, VOLUME_NONCE_SIZE) ||
            !reader_copy(from, object.content.digest, VOLUME_DIGEST_SIZE) ||
            object.name[VOLUME_NAME_MAX] != '\0' || !table_name_ok(object.name) ||
            table_find(table, object.name))
            return false;
        table->objects[table->count++] = object;
    }
    return true;
}
