/* SPDX-License-Identifier: MIT */
#include "kbs/cli/settings.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libconfig.h>
#include <openssl/crypto.h>
#include <unistd.h>

#include "kbs/cli/api_client.h"
#include "kbs/cli/input.h"

#define DEFAULT_FILE "/.config/kbsctl.conf"
#define URL_MAX      1023
#define TOKEN_MAX    63

struct settings {
    char url[URL_MAX + 1];
    char ca[PATH_MAX], token_file[PATH_MAX];
};

/* What the file may have, and where it goes. */
struct known {
    const char *name;
    char *target;
    size_t size;
    bool path;
};

/* The file to read, and whether it was named; NULL: there is no place for one. */
static const char *config_path(const struct cli *cli, char path[PATH_MAX], bool *named)
{
    const char *home = getenv("HOME"), *variable = getenv("KBSCTL_CONFIG");

    *named = true;
    if (cli_has(cli, OPTION_CONFIG))
        return cli->options[OPTION_CONFIG];
    if (variable && *variable)
        return variable;
    *named = false;
    if (!home || snprintf(path, PATH_MAX, "%s" DEFAULT_FILE, home) >= PATH_MAX)
        return NULL;
    return path;
}

/* A relative path is one from the configuration's folder. */
MUST_CHECK static bool set_value(const struct known *known, const char *value,
                                 const char *config_file)
{
    const char *slash = strrchr(config_file, '/');
    int folder = known->path && *value != '/' && slash ? (int)(slash - config_file) + 1 : 0;

    return snprintf(known->target, known->size, "%.*s%s", folder, config_file, value) <
           (int)known->size;
}

static int take_setting(const config_setting_t *setting, const struct known *known, size_t count,
                        const char *file)
{
    const char *name = config_setting_name(setting), *value = config_setting_get_string(setting);
    int line = (int)config_setting_source_line(setting);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, known[i].name) != 0)
            continue;
        if (!value || !*value)
            return complain(EXIT_REFUSED, "%s:%d: %s must be a string: %s = \"...\";", file, line,
                            name, name);
        if (!set_value(&known[i], value, file))
            return complain(EXIT_REFUSED, "%s:%d: %s is too long", file, line, name);
        return EXIT_DONE;
    }
    return complain(EXIT_REFUSED, "%s:%d: there is no setting %s; there are url, ca, token-file",
                    file, line, name);
}

static int read_config(const char *file, struct settings *settings)
{
    const struct known known[] = {
        {"url", settings->url, sizeof(settings->url), false},
        {"ca", settings->ca, sizeof(settings->ca), true},
        {"token-file", settings->token_file, sizeof(settings->token_file), true},
    };
    const config_setting_t *root;
    config_t config;
    int status = EXIT_DONE;

    config_init(&config);
    if (config_read_file(&config, file) != CONFIG_TRUE) {
        status = config_error_type(&config) == CONFIG_ERR_FILE_IO
                     ? complain(EXIT_FILE, "%s cannot be read", file)
                     : complain(EXIT_REFUSED, "%s:%d: %s", file, config_error_line(&config),
                                config_error_text(&config));
        goto out;
    }
    root = config_root_setting(&config);
    for (int i = 0; i < config_setting_length(root) && status == EXIT_DONE; i++)
        status = take_setting(config_setting_get_elem(root, (unsigned)i), known,
                              sizeof(known) / sizeof(known[0]), file);
out:
    config_destroy(&config);
    return status;
}

static int take_options(const struct cli *cli, struct settings *settings)
{
    const struct {
        enum cli_option option;
        char *target;
        size_t size;
    } taken[] = {
        {OPTION_URL, settings->url, sizeof(settings->url)},
        {OPTION_CA, settings->ca, sizeof(settings->ca)},
        {OPTION_TOKEN_FILE, settings->token_file, sizeof(settings->token_file)},
    };

    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
        if (cli_has(cli, taken[i].option) &&
            snprintf(taken[i].target, taken[i].size, "%s", cli->options[taken[i].option]) >=
                (int)taken[i].size)
            return complain(EXIT_USAGE, "an option's value is too long");
    return EXIT_DONE;
}

static int check(struct settings *settings)
{
    size_t length = strlen(settings->url);

    if (!settings->url[0])
        return complain(EXIT_USAGE, "where is the KBS? Give --url, or url in a configuration file");
    if (strncmp(settings->url, "https://", 8) != 0 || length == 8)
        return complain(EXIT_USAGE,
                        "%s: must be https://HOST:PORT; without TLS the token could be read on its "
                        "way",
                        settings->url);
    if (!settings->token_file[0])
        return complain(EXIT_USAGE,
                        "who are you? Give --token-file, or token-file in a configuration file");
    if (settings->ca[0] && access(settings->ca, R_OK) != 0)
        return complain(EXIT_FILE, "%s: the CA's certificate cannot be read", settings->ca);
    if (settings->url[length - 1] == '/')
        settings->url[length - 1] = '\0';
    return EXIT_DONE;
}

int settings_connect(struct cli *cli)
{
    struct settings settings = {0};
    char default_path[PATH_MAX], token[TOKEN_MAX + 1];
    bool named;
    const char *file = config_path(cli, default_path, &named);
    int status = EXIT_DONE;

    if (file && (named || access(file, F_OK) == 0))
        status = read_config(file, &settings);
    if (status == EXIT_DONE)
        status = take_options(cli, &settings);
    if (status == EXIT_DONE)
        status = check(&settings);
    if (status == EXIT_DONE)
        status = input_read_token(settings.token_file, token, TOKEN_MAX);
    if (status != EXIT_DONE)
        return status;
    cli->api = api_client_new(&(struct api_settings){
        .url = settings.url, .ca = settings.ca[0] ? settings.ca : NULL, .token = token});
    OPENSSL_cleanse(token, sizeof(token));
    return cli->api ? EXIT_DONE : complain(EXIT_FILE, "out of memory");
}
