/* SPDX-License-Identifier: MIT */
#include "kbs/server/config.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libconfig.h>

#include "kbs/collateral/kds.h"
#include "kbs/server/config_table.h"
#include "kbs/server/listener.h"
#include "lib/file/credential.h"

/* What reading goes by. */
struct reading {
    const char *name, *folder;
    struct config_errors *errors;
};

void config_complain(struct config_errors *errors, const char *name, int line, const char *format,
                     ...)
{
    size_t used = strlen(errors->text);
    va_list arguments;

    errors->count++;
    used += (size_t)snprintf(errors->text + used, sizeof(errors->text) - used,
                             line > 0 ? "%s:%d: " : "%s: ", name, line);
    if (used < sizeof(errors->text)) {
        va_start(arguments, format);
        used +=
            (size_t)vsnprintf(errors->text + used, sizeof(errors->text) - used, format, arguments);
        va_end(arguments);
    }
    if (used < sizeof(errors->text))
        snprintf(errors->text + used, sizeof(errors->text) - used, "\n");
}

#define COMPLAIN(reading, setting, ...)                                                            \
    config_complain((reading)->errors, (reading)->name, config_setting_source_line(setting),       \
                    __VA_ARGS__)

static void read_number(struct reading *reading, const config_setting_t *setting,
                        const struct config_rule *rule, int *number)
{
    if (config_setting_type(setting) != CONFIG_TYPE_INT)
        COMPLAIN(reading, setting, "%s must be a whole number from %d to %d", rule->name, rule->min,
                 rule->max);
    else if (config_setting_get_int(setting) < rule->min ||
             config_setting_get_int(setting) > rule->max)
        COMPLAIN(reading, setting, "%s is %d; it may be from %d to %d", rule->name,
                 config_setting_get_int(setting), rule->min, rule->max);
    else
        *number = config_setting_get_int(setting);
}

/* Whether text is one of the words in choices. */
MUST_CHECK static bool is_choice(const char *text, const char *choices)
{
    size_t length = strlen(text);

    while (*choices) {
        size_t word = strcspn(choices, " ");

        if (word == length && memcmp(text, choices, word) == 0)
            return true;
        choices += word + (choices[word] == ' ');
    }
    return false;
}

/* NULL when text may be the value of such a setting; otherwise what it should be. */
MUST_CHECK static const char *unfit(const struct config_rule *rule, const char *text)
{
    bool loopback;

    switch (rule->kind) {
    case CONFIG_CHOICE:
        return is_choice(text, rule->choices) ? NULL : rule->choices;
    case CONFIG_ADDRESS:
        return listener_is_address(text, &loopback)
                   ? NULL
                   : "an ADDRESS:PORT in numbers, such as \"127.0.0.1:8080\" or \"[::]:8443\"";
    case CONFIG_URL:
        return kds_url_is_acceptable(text)
                   ? NULL
                   : "an https:// URL, or an http:// one of this machine itself, that does not end "
                     "in a slash";
    default:
        return strlen(text) < PATH_MAX / 2 ? NULL : "shorter";
    }
}

/* Where a path of the configuration begins in a setting's text, or NULL when it has none. */
static const char *path_in(enum config_kind kind, const char *text)
{
    switch (kind) {
    case CONFIG_FILE:
    case CONFIG_FOLDER:
    case CONFIG_NEW_FOLDER:
        return text;
    case CONFIG_SECRET_FILE:
        return credential_is_one(text) ? NULL : text;
    case CONFIG_STORE:
        if (strncmp(text, "sqlite:", 7) == 0)
            return text + 7;
        return strstr(text, "://") ? NULL : text;
    default:
        return NULL;
    }
}

/* A copy in which a relative path starts at the configuration's folder; NULL without memory. */
static char *copy_text(const struct reading *reading, enum config_kind kind, const char *text)
{
    const char *path = path_in(kind, text);
    char *copy;

    if (!path || path[0] == '/' || strcmp(reading->folder, ".") == 0)
        return strdup(text);
    return asprintf(&copy, "%.*s%s/%s", (int)(path - text), text, reading->folder, path) >= 0
               ? copy
               : NULL;
}

static void read_text(struct reading *reading, const config_setting_t *setting,
                      const struct config_rule *rule, struct config_text *text)
{
    const char *value = config_setting_get_string(setting), *wanted;

    if (config_setting_type(setting) != CONFIG_TYPE_STRING || !*value) {
        COMPLAIN(reading, setting, "%s must be a text in quotes that is not empty", rule->name);
        return;
    }
    wanted = unfit(rule, value);
    if (wanted) {
        COMPLAIN(reading, setting, "%s is \"%.200s\"; it must be %s%s", rule->name, value,
                 rule->kind == CONFIG_CHOICE ? "one of: " : "", wanted);
        return;
    }
    text->line = (int)config_setting_source_line(setting);
    text->text = copy_text(reading, rule->kind, value);
    if (!text->text)
        COMPLAIN(reading, setting, "out of memory");
}

/* What a rule's name is inside a group, "burst" of "limits.burst" in "limits"; NULL when it is not
 * in there. The whole is the group NULL. */
static const char *name_inside(const char *name, const char *group)
{
    size_t length = group ? strlen(group) : 0;

    if (!group)
        return name;
    return strncmp(name, group, length) == 0 && name[length] == '.' ? name + length + 1 : NULL;
}

static const struct config_rule *find_rule(const struct config_rule *rules, const char *group,
                                           const char *name)
{
    for (; rules->name; rules++) {
        const char *inside = name_inside(rules->name, group);

        if (inside && strcmp(inside, name) == 0)
            return rules;
    }
    return NULL;
}

MUST_CHECK static bool is_group(const struct config_rule *rules, const char *name)
{
    while (rules->name && !name_inside(rules->name, name))
        rules++;
    return rules->name;
}

/* "listen, store, kds"; a group, whose rules follow each other, is named once. */
static void list_names(const struct config_rule *rules, const char *group, char *names, size_t room)
{
    const char *last = "";
    size_t used = 0;

    for (; rules->name && used < room; rules++) {
        const char *name = name_inside(rules->name, group);
        size_t size = name ? strcspn(name, ".") : 0;

        if (!name || (strncmp(name, last, size) == 0 && strcspn(last, ".") == size))
            continue;
        used += (size_t)snprintf(names + used, room - used, "%s%.*s", used > 0 ? ", " : "",
                                 (int)size, name);
        last = name;
    }
}

static void complain_of_unknown(struct reading *reading, const config_setting_t *setting,
                                const struct config_rule *rules, const char *group)
{
    char names[512] = "";

    list_names(rules, group, names, sizeof(names));
    COMPLAIN(reading, setting, "there is no setting \"%.100s\"%s%s; there are: %s",
             config_setting_name(setting), group ? " in " : "", group ? group : "", names);
}

static void read_setting(struct reading *reading, const config_setting_t *setting,
                         const struct config_rule *rule, void *base)
{
    void *place = (char *)base + rule->offset;

    if (rule->kind == CONFIG_NUMBER)
        read_number(reading, setting, rule, place);
    else
        read_text(reading, setting, rule, place);
}

static void read_group(struct reading *reading, const config_setting_t *group,
                       const struct config_rule *rules, void *base)
{
    const char *name = config_setting_name(group);

    if (!config_setting_is_group(group)) {
        COMPLAIN(reading, group, "%s must be a group of settings in braces", name);
        return;
    }
    for (int i = 0; i < config_setting_length(group); i++) {
        const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
        const struct config_rule *rule = find_rule(rules, name, config_setting_name(setting));

        if (rule)
            read_setting(reading, setting, rule, base);
        else
            complain_of_unknown(reading, setting, rules, name);
    }
}

/* Reads a group of settings and of groups; but listeners, which are such groups themselves, are
 * read apart. */
static void read_settings(struct reading *reading, const config_setting_t *all,
                          const struct config_rule *rules, void *base)
{
    for (int i = 0; i < config_setting_length(all); i++) {
        const config_setting_t *setting = config_setting_get_elem(all, (unsigned)i);
        const char *name = config_setting_name(setting);
        const struct config_rule *rule = find_rule(rules, NULL, name);

        if (is_group(rules, name))
            read_group(reading, setting, rules, base);
        else if (!rule)
            complain_of_unknown(reading, setting, rules, NULL);
        else if (rule->kind != CONFIG_LISTENERS)
            read_setting(reading, setting, rule, base);
    }
}

static void read_listeners(struct reading *reading, const config_setting_t *all, const char *name,
                           struct config_listeners *listeners)
{
    const config_setting_t *setting = config_setting_get_member(all, name);
    bool list = setting && config_setting_is_list(setting);
    int count = list ? config_setting_length(setting) : 1;

    if (!setting)
        return;
    if (count < 1 || count > CONFIG_LISTENERS_MAX) {
        COMPLAIN(reading, setting, "%s has %d listeners; there may be 1 to %d", name, count,
                 CONFIG_LISTENERS_MAX);
        return;
    }
    listeners->count = (size_t)count;
    for (int i = 0; i < count; i++) {
        const config_setting_t *one =
            list ? config_setting_get_elem(setting, (unsigned)i) : setting;

        listeners->listeners[i].line = (int)config_setting_source_line(one);
        if (config_setting_is_group(one))
            read_settings(reading, one, config_listener_rules, &listeners->listeners[i]);
        else
            COMPLAIN(reading, one, "%s must be a group of settings in braces", name);
    }
}

static void check_listener(struct reading *reading, const char *which, bool tls_always,
                           const struct config_listener *listener)
{
    bool tls = listener->certificate.text && listener->key.text;
    bool loopback;

    if (!listener->certificate.text != !listener->key.text)
        config_complain(reading->errors, reading->name, listener->line,
                        "%s: tls needs both certificate and key", which);
    if (!listener->address.text)
        config_complain(reading->errors, reading->name, listener->line, "%s needs an address",
                        which);
    else if (!tls && tls_always)
        config_complain(reading->errors, reading->name, listener->line,
                        "%s needs tls: { certificate, key }", which);
    else if (!tls && listener_is_address(listener->address.text, &loopback) && !loopback)
        config_complain(reading->errors, reading->name, listener->address.line,
                        "%s: %s can be reached from other machines: it needs tls: { certificate, "
                        "key }, or an address of the loopback",
                        which, listener->address.text);
}

static void check_whole(struct reading *reading, const struct config *config)
{
    const struct {
        const char *name;
        bool missing;
    } needed[] = {
        {"listen", config->listen.count == 0},
        {"admin-listen", config->admin_listen.count == 0},
        {"store", !config->store.text},
        {"master-key", !config->master_key.text},
    };

    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
        if (needed[i].missing)
            config_complain(reading->errors, reading->name, 0, "%s is missing", needed[i].name);
    for (size_t i = 0; i < config->listen.count; i++)
        check_listener(reading, "listen", false, &config->listen.listeners[i]);
    for (size_t i = 0; i < config->admin_listen.count; i++)
        check_listener(reading, "admin-listen", true, &config->admin_listen.listeners[i]);
    if (config->emulated_certificates.text && !config->emulated_root.text)
        config_complain(reading->errors, reading->name, config->emulated_certificates.line,
                        "trust-emulated needs root, the emulated platform's root certificate");
    if (config->kds_cache.text && !config->kds_url.text)
        config_complain(reading->errors, reading->name, config->kds_cache.line,
                        "kds needs a url where it has a cache");
}

/* libconfig reads other files where a line says so, and that is not wanted: what is checked is
 * what is seen. */
MUST_CHECK static int line_that_includes(const char *text)
{
    int line = 1;

    for (;; line++) {
        const char *end = strchr(text, '\n');

        if (strncmp(text + strspn(text, " \t"), "@include", 8) == 0)
            return line;
        if (!end)
            return 0;
        text = end + 1;
    }
}

MUST_CHECK static bool set_default_texts(struct config *config)
{
    if (!config->attestation_policy.text)
        config->attestation_policy.text = strdup("default");
    if (!config->log_format.text)
        config->log_format.text = strdup("json");
    return config->attestation_policy.text && config->log_format.text;
}

bool config_parse(const char *text, const char *name, const char *folder, struct config *config,
                  struct config_errors *errors)
{
    struct reading reading = {.name = name, .folder = folder, .errors = errors};
    int includes = line_that_includes(text);
    config_t parsed;

    *config = config_defaults;
    *errors = (struct config_errors){0};
    if (includes > 0) {
        config_complain(errors, name, includes, "other files cannot be included");
        return false;
    }
    config_init(&parsed);
    if (config_read_string(&parsed, text) == CONFIG_TRUE) {
        read_settings(&reading, config_root_setting(&parsed), config_rules, config);
        read_listeners(&reading, config_root_setting(&parsed), "listen", &config->listen);
        read_listeners(&reading, config_root_setting(&parsed), "admin-listen",
                       &config->admin_listen);
        check_whole(&reading, config);
        if (!set_default_texts(config))
            config_complain(errors, name, 0, "out of memory");
    } else {
        config_complain(errors, name, config_error_line(&parsed), "%s", config_error_text(&parsed));
    }
    config_destroy(&parsed);
    return errors->count == 0;
}

static void free_texts(const struct config_rule *rules, void *base)
{
    for (; rules->name; rules++)
        if (rules->kind != CONFIG_NUMBER && rules->kind != CONFIG_LISTENERS)
            free(((struct config_text *)(void *)((char *)base + rules->offset))->text);
}

void config_free(struct config *config)
{
    free_texts(config_rules, config);
    for (size_t i = 0; i < config->listen.count; i++)
        free_texts(config_listener_rules, &config->listen.listeners[i]);
    for (size_t i = 0; i < config->admin_listen.count; i++)
        free_texts(config_listener_rules, &config->admin_listen.listeners[i]);
    *config = (struct config){0};
}
