/* SPDX-License-Identifier: MIT */
#include "proxy/options_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libconfig.h>

#include "lib/file/whole_file.h"

#define FILE_SIZE_MAX 65535

/* A scalar as the command line would have it; false: it is none. */
static bool value_of(const config_setting_t *setting, char number[32], const char **value)
{
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_STRING:
        *value = config_setting_get_string(setting);
        return true;
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        snprintf(number, 32, "%lld", config_setting_get_int64(setting));
        *value = number;
        return true;
    default:
        return false;
    }
}

static void place_problem(const config_setting_t *setting, const char *name,
                          struct options_problem *problem)
{
    struct options_problem plain = *problem;

    snprintf(problem->text, sizeof(problem->text), "line %u: %.60s: %.180s",
             config_setting_source_line(setting), name, plain.text);
}

/* "vsock = true;" is for the default port. */
static bool is_default(const config_setting_t *setting, const char *name)
{
    return config_setting_type(setting) == CONFIG_TYPE_BOOL && config_setting_get_bool(setting) &&
           strcmp(name, "vsock") == 0;
}

static bool set_one(struct options *options, const config_setting_t *setting, const char *name,
                    struct options_problem *problem)
{
    char number[32];
    const char *value = "";

    if (!value_of(setting, number, &value) && !is_default(setting, name)) {
        snprintf(problem->text, sizeof(problem->text), "must be a string or a number");
    } else if (options_set(options, name, value, problem)) {
        return true;
    }
    place_problem(setting, name, problem);
    return false;
}

static bool set_all(struct options *options, const config_setting_t *setting,
                    struct options_problem *problem)
{
    const char *name = config_setting_name(setting);

    if (!config_setting_is_array(setting))
        return set_one(options, setting, name, problem);
    for (int i = 0; i < config_setting_length(setting); i++)
        if (!set_one(options, config_setting_get_elem(setting, (unsigned)i), name, problem))
            return false;
    return true;
}

static bool apply(struct options *options, const config_setting_t *root,
                  struct options_problem *problem)
{
    for (int i = 0; i < config_setting_length(root); i++)
        if (!set_all(options, config_setting_get_elem(root, (unsigned)i), problem))
            return false;
    return true;
}

bool options_read_text(struct options *options, const char *text, struct options_problem *problem)
{
    config_t config;
    bool done;

    config_init(&config);
    if (config_read_string(&config, text)) {
        done = apply(options, config_root_setting(&config), problem);
    } else {
        snprintf(problem->text, sizeof(problem->text), "line %d: %s", config_error_line(&config),
                 config_error_text(&config));
        done = false;
    }
    config_destroy(&config);
    return done;
}

bool options_read_file(struct options *options, const char *path, struct options_problem *problem)
{
    struct file_bytes file;
    enum file_error error = file_read(path, FILE_PUBLIC, FILE_SIZE_MAX, &file);
    bool done = false;

    if (error == FILE_TOO_LARGE)
        snprintf(problem->text, sizeof(problem->text), "is larger than %d bytes", FILE_SIZE_MAX);
    else if (error != FILE_OK)
        snprintf(problem->text, sizeof(problem->text), "%s", file_error_text(error));
    else
        done = options_read_text(options, (const char *)file.bytes, problem);
    free(file.bytes);
    return done;
}
