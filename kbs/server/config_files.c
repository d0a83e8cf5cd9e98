/* SPDX-License-Identifier: MIT */
#include "kbs/server/config_table.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file/credential.h"

struct checking {
    const char *name;
    struct config_errors *errors;
};

static void complain(const struct checking *checking, const char *setting,
                     const struct config_text *text, const char *what)
{
    config_complain(checking->errors, checking->name, text->line, "%s: %s: %s", setting, text->text,
                    what);
}

static void check_file(const struct checking *checking, const char *setting,
                       const struct config_text *text, bool secret)
{
    struct credential_path real;
    struct stat file;

    if (!credential_resolve(text->text, &real))
        complain(checking, setting, text,
                 "systemd gave no such credential; the unit needs LoadCredential=");
    else if (stat(real.path, &file) != 0 || access(real.path, R_OK) != 0)
        complain(checking, setting, text, strerror(errno));
    else if (!S_ISREG(file.st_mode))
        complain(checking, setting, text, "not a file");
    else if (secret && !real.of_systemd && !file_mode_keeps(file.st_mode, FILE_SECRET))
        complain(checking, setting, text, file_error_text(FILE_EXPOSED));
}

static void check_folder(const struct checking *checking, const char *setting,
                         const struct config_text *text, const char *path)
{
    struct stat file;

    if (stat(path, &file) != 0)
        complain(checking, setting, text, strerror(errno));
    else if (!S_ISDIR(file.st_mode))
        complain(checking, setting, text, "not a folder");
    else if (access(path, R_OK | X_OK) != 0)
        complain(checking, setting, text, strerror(errno));
}

/* Of a folder that the program makes itself. */
static void check_parent(const struct checking *checking, const char *setting,
                         const struct config_text *text)
{
    char copy[PATH_MAX];

    if (access(text->text, F_OK) == 0) {
        check_folder(checking, setting, text, text->text);
    } else if (strlen(text->text) < sizeof(copy)) {
        strcpy(copy, text->text);
        check_folder(checking, setting, text, dirname(copy));
    }
}

static void check_text(const struct checking *checking, const struct config_rule *rule,
                       const struct config_text *text)
{
    if (!text->text)
        return;
    switch (rule->kind) {
    case CONFIG_FILE:
        check_file(checking, rule->name, text, false);
        break;
    case CONFIG_SECRET_FILE:
        check_file(checking, rule->name, text, true);
        break;
    case CONFIG_FOLDER:
        check_folder(checking, rule->name, text, text->text);
        break;
    case CONFIG_NEW_FOLDER:
        check_parent(checking, rule->name, text);
        break;
    default:
        break;
    }
}

static void check_texts(const struct checking *checking, const struct config_rule *rules,
                        const void *base)
{
    for (; rules->name; rules++)
        if (rules->kind != CONFIG_NUMBER && rules->kind != CONFIG_LISTENERS)
            check_text(checking, rules, (const void *)((const char *)base + rules->offset));
}

/* Complains about each file that is not as it must be. */
static void check_files(const struct config *config, const char *name, struct config_errors *errors)
{
    struct checking checking = {.name = name, .errors = errors};

    check_texts(&checking, config_rules, config);
    for (size_t i = 0; i < config->listen.count; i++)
        check_texts(&checking, config_listener_rules, &config->listen.listeners[i]);
    for (size_t i = 0; i < config->admin_listen.count; i++)
        check_texts(&checking, config_listener_rules, &config->admin_listen.listeners[i]);
}

/* Whether a store's URL has a password in it. */
MUST_CHECK static bool has_password(const char *url)
{
    const char *user = strstr(url, "://");
    const char *at = user ? strchr(user, '@') : NULL;

    return strstr(url, "password=") || (at && memchr(user + 3, ':', (size_t)(at - user - 3)) &&
                                        !memchr(user + 3, '/', (size_t)(at - user - 3)));
}

bool config_load(const char *path, struct config *config, struct config_errors *errors)
{
    struct file_bytes file;
    enum file_error error;
    char copy[PATH_MAX];
    struct stat status;

    *config = (struct config){0};
    *errors = (struct config_errors){0};
    if (strlen(path) >= sizeof(copy)) {
        config_complain(errors, path, 0, "the path is too long");
        return false;
    }
    error = file_read(path, FILE_PUBLIC, CONFIG_SIZE_MAX, &file);
    if (error != FILE_OK || strlen((const char *)file.bytes) != file.size) {
        config_complain(errors, path, 0, "%s",
                        error != FILE_OK ? file_error_text(error) : "has a NUL in it");
        file_wipe(&file);
        return false;
    }
    strcpy(copy, path);
    if (config_parse((const char *)file.bytes, path, dirname(copy), config, errors)) {
        check_files(config, path, errors);
        if (has_password(config->store.text) &&
            (stat(path, &status) != 0 || !file_mode_keeps(status.st_mode, FILE_SECRET)))
            config_complain(errors, path, config->store.line,
                            "store has a password, and others may read this file; chmod 600");
    }
    file_wipe(&file);
    return errors->count == 0;
}
