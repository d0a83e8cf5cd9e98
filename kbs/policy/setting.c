/* SPDX-License-Identifier: MIT */
#include "kbs/policy/setting.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/hex.h"

#define PATH_TEXT_MAX 128
#define NAMES_MAX     384

/* "tcb.milan.snp"; an element of a list has its list's path. From the last name to the first. */
static void path_text(const config_setting_t *found, char text[PATH_TEXT_MAX])
{
    char below[PATH_TEXT_MAX];

    text[0] = '\0';
    for (; found && !config_setting_is_root(found); found = config_setting_parent(found)) {
        const char *name = config_setting_name(found);

        if (!name)
            continue;
        memcpy(below, text, sizeof(below));
        snprintf(text, PATH_TEXT_MAX, "%.40s%s%.80s", name, below[0] ? "." : "", below);
    }
}

bool fail_at(struct reading *reading, const config_setting_t *found, const char *format, ...)
{
    char *text = reading->error->text;
    size_t room = sizeof(reading->error->text);
    char path[PATH_TEXT_MAX];
    va_list arguments;
    int used;

    path_text(found, path);
    used = snprintf(text, room, "line %u: %s: ", config_setting_source_line(found), path);
    va_start(arguments, format);
    vsnprintf(text + used, room - (size_t)used, format, arguments);
    va_end(arguments);
    return false;
}

/* Groups */

static const struct setting *find_member(const struct setting *members, const char *name)
{
    for (const struct setting *member = members; member->name; member++)
        if (strcmp(member->name, name) == 0)
            return member;
    return NULL;
}

static const char *list_members(const struct setting *members, char text[NAMES_MAX])
{
    size_t used = 0;

    for (const struct setting *member = members; member->name && used < NAMES_MAX; member++)
        used += (size_t)snprintf(text + used, NAMES_MAX - used, "%s%s", used > 0 ? ", " : "",
                                 member->name);
    return text;
}

bool read_group(struct reading *reading, const config_setting_t *found,
                const struct setting *setting)
{
    char names[NAMES_MAX];

    if (!config_setting_is_group(found))
        return fail_at(reading, found, "must be a group: { %s }",
                       list_members(setting->members, names));
    for (int i = 0; i < config_setting_length(found); i++) {
        const config_setting_t *child = config_setting_get_elem(found, (unsigned)i);
        const struct setting *member = find_member(setting->members, config_setting_name(child));

        if (!member)
            return fail_at(reading, child, "no such setting; there are: %s",
                           list_members(setting->members, names));
        if (!member->read(reading, child, member))
            return false;
    }
    return true;
}

/* Single values */

static void *target_of(const struct reading *reading, const struct setting *setting)
{
    return (uint8_t *)reading->policy + setting->offset;
}

bool read_boolean(struct reading *reading, const config_setting_t *found,
                  const struct setting *setting)
{
    if (config_setting_type(found) != CONFIG_TYPE_BOOL)
        return fail_at(reading, found, "must be true or false");
    *(bool *)target_of(reading, setting) = config_setting_get_bool(found);
    return true;
}

static bool get_number(struct reading *reading, const config_setting_t *found, size_t max,
                       long long *value)
{
    int type = config_setting_type(found);

    *value =
        type == CONFIG_TYPE_INT64 ? config_setting_get_int64(found) : config_setting_get_int(found);
    return ((type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64) && *value >= 0 &&
            *value <= (long long)max) ||
           fail_at(reading, found, "must be a number from 0 to %zu%s", max,
                   max > INT32_MAX ? ", with L behind it above 2147483647" : "");
}

bool read_byte(struct reading *reading, const config_setting_t *found,
               const struct setting *setting)
{
    long long value;

    if (!get_number(reading, found, UINT8_MAX, &value))
        return false;
    *(uint8_t *)target_of(reading, setting) = (uint8_t)value;
    return true;
}

bool read_number(struct reading *reading, const config_setting_t *found,
                 const struct setting *setting)
{
    long long value;

    if (!get_number(reading, found, setting->max, &value))
        return false;
    *(uint32_t *)target_of(reading, setting) = (uint32_t)value;
    return true;
}

bool read_bytes(struct reading *reading, const config_setting_t *found,
                const struct setting *setting)
{
    struct wanted_bytes *wanted = target_of(reading, setting);
    const char *text = config_setting_get_string(found);

    if (!text || (text[0] && !hex_bytes(text, wanted->bytes, setting->max)))
        return fail_at(reading, found, "must be %zu hexadecimal digits, or empty for any value",
                       2 * setting->max);
    wanted->set = text[0] != '\0';
    return true;
}

/* Lists */

bool read_strings(struct reading *reading, const config_setting_t *found, unsigned max_count,
                  bool (*take)(struct reading *reading, const config_setting_t *element,
                               const char *text, unsigned at))
{
    if (!config_setting_is_array(found) && !config_setting_is_list(found))
        return fail_at(reading, found, "must be a list of strings: [\"...\", ...]");
    if ((unsigned)config_setting_length(found) > max_count)
        return fail_at(reading, found, "has more than %u elements", max_count);
    for (unsigned i = 0; i < (unsigned)config_setting_length(found); i++) {
        const config_setting_t *element = config_setting_get_elem(found, i);
        const char *text = config_setting_get_string(element);

        if (!text)
            return fail_at(reading, element, "must be a list of strings: [\"...\", ...]");
        for (unsigned before = 0; before < i; before++)
            if (strcmp(text, config_setting_get_string_elem(found, (int)before)) == 0)
                return fail_at(reading, element, "\"%.80s\" is there twice", text);
        if (!take(reading, element, text, i))
            return false;
    }
    return true;
}

static bool find_bit(const struct setting *setting, const char *name, uint64_t *mask)
{
    for (size_t i = 0; i < setting->bits->count; i++)
        if (strcmp(setting->bits->bits[i].name, name) == 0) {
            *mask |= 1ull << setting->bits->bits[i].bit;
            return true;
        }
    return false;
}

static const char *list_bits(const struct setting *setting, char text[NAMES_MAX])
{
    size_t used = 0;

    for (size_t i = 0; i < setting->bits->count && used < NAMES_MAX; i++)
        used += (size_t)snprintf(text + used, NAMES_MAX - used, "%s%s", used > 0 ? ", " : "",
                                 setting->bits->bits[i].name);
    return text;
}

/* A bit by its name or, where bits have none, its number. */
static bool read_bit(struct reading *reading, const config_setting_t *element,
                     const struct setting *setting, uint64_t *mask)
{
    const char *name = config_setting_get_string(element);
    char names[NAMES_MAX];
    long long bit;

    if (setting->bits)
        return (name && find_bit(setting, name, mask)) ||
               fail_at(reading, element, "must name bits; there are: %s",
                       list_bits(setting, names));
    if (!get_number(reading, element, 63, &bit))
        return false;
    *mask |= 1ull << bit;
    return true;
}

bool read_bits(struct reading *reading, const config_setting_t *found,
               const struct setting *setting)
{
    uint64_t *mask = target_of(reading, setting);

    if (!config_setting_is_array(found) && !config_setting_is_list(found))
        return fail_at(reading, found, "must be a list of bits: [...]");
    *mask = 0;
    for (unsigned i = 0; i < (unsigned)config_setting_length(found); i++) {
        const config_setting_t *element = config_setting_get_elem(found, i);
        uint64_t before = *mask;

        if (!read_bit(reading, element, setting, mask))
            return false;
        if (*mask == before)
            return fail_at(reading, element, "a bit is there twice");
    }
    return true;
}
