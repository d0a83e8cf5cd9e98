/* SPDX-License-Identifier: MIT */
#include "kbs/server/backing.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kbs/server/commands.h"

#define FLAGS_MAX 4

static int load_keys(struct backing *backing)
{
    const char *source = backing->config.master_key.text;
    enum master_key_status status = master_keys_load(source, &backing->keys);

    if (status == MASTER_KEY_OK)
        return EXIT_DONE;
    if (status == MASTER_KEY_FAILED)
        return complain(EXIT_FILE, "master key %s: %s", source, strerror(errno));
    return complain(status == MASTER_KEY_MALFORMED ? EXIT_INPUT : EXIT_FILE, "master key %s: %s",
                    source, master_key_status_text(status));
}

/* The store's reason never has a password; its URL may, and is not shown. */
static int open_store(struct backing *backing, bool may_be_backup)
{
    const char *url = backing->config.store.text;
    enum store_status status = may_be_backup
                                   ? store_open_backup(url, &backing->keys, &backing->store)
                                   : store_open(url, false, &backing->keys, &backing->store);

    if (status == STORE_OK)
        status = store_ping(backing->store);
    if (status == STORE_OK)
        return EXIT_DONE;
    return complain(EXIT_FILE, "store: %s", store_reason(backing->store, status));
}

int backing_load(const char *config_path, struct backing *backing)
{
    struct config_errors errors;

    *backing = (struct backing){0};
    if (access(config_path, R_OK) != 0)
        return complain(EXIT_FILE, "configuration %s: %s", config_path, strerror(errno));
    if (!config_load(config_path, &backing->config, &errors)) {
        fputs(errors.text, stderr);
        return EXIT_INPUT;
    }
    return load_keys(backing);
}

int backing_open(const char *config_path, struct backing *backing)
{
    int status = backing_load(config_path, backing);

    return status == EXIT_DONE ? open_store(backing, false) : status;
}

int backing_open_backup(struct backing *backing)
{
    return open_store(backing, true);
}

const char *backing_store_file(const struct backing *backing)
{
    return store_file_of(backing->config.store.text);
}

int backing_change(struct backing *backing, store_work *change, void *context)
{
    enum store_status status = store_change(backing->store, change, context);

    if (status == STORE_OK)
        return EXIT_DONE;
    return complain(EXIT_FILE, "store: %s; nothing was changed in it", store_status_text(status));
}

void backing_close(struct backing *backing)
{
    store_close(backing->store);
    master_keys_wipe(&backing->keys);
    config_free(&backing->config);
}

static const char *complain_of_usage(const char *command)
{
    complain(EXIT_USAGE, "%s needs --config FILE; see kbs --help", command);
    return NULL;
}

/* Up to the first word that is no option. */
static const char *parse(int argc, char **argv, const char *const *flags, bool *flagged)
{
    struct option known[1 + FLAGS_MAX + 1] = {{"config", required_argument, NULL, 'c'}};
    const char *config = NULL;
    bool understood = true;
    int option;

    for (int i = 0; i < FLAGS_MAX && flags[i]; i++)
        known[1 + i] = (struct option){flags[i], no_argument, NULL, i};
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'c')
            config = optarg;
        else if (option < FLAGS_MAX)
            flagged[option] = true;
        else
            understood = false;
    }
    return understood ? config : NULL;
}

const char *backing_options(int argc, char **argv, const char *const *flags, bool *flagged)
{
    const char *config = parse(argc, argv, flags, flagged);

    return config && optind == argc ? config : complain_of_usage(argv[0]);
}

const char *backing_options_and_file(int argc, char **argv, const char **file)
{
    static const char *const no_flags[] = {NULL};
    bool none[1] = {false};
    const char *config = parse(argc, argv, no_flags, none);

    if (!config || optind + 1 < argc)
        return complain_of_usage(argv[0]);
    *file = argv[optind];
    return config;
}
