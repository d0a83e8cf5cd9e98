/* SPDX-License-Identifier: MIT */
/* What is done to keys on the machine itself, by whoever may read its files. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>

#include "kbs/audit/audit.h"
#include "kbs/keys/keyring.h"
#include "kbs/server/backing.h"
#include "kbs/server/commands.h"
#include "kbs/store/rewrap.h"
#include "kbs/store/tokens.h"
#include "lib/base/hex.h"
#include "lib/file/credential.h"

static enum store_status rewrap(struct store_unit *unit, void *context)
{
    unsigned *count = context;
    enum store_status status = store_rewrap(unit, count);

    if (status != STORE_OK)
        return status;
    return audit_append(unit, "rotate-master-key", json_pack("{s:i}", "rewrapped", (int)*count),
                        time(NULL));
}

static int add_master_key(const char *config_path)
{
    struct config_errors errors;
    struct config config;
    enum master_key_status status;
    int result = EXIT_DONE;

    if (!config_load(config_path, &config, &errors)) {
        fputs(errors.text, stderr);
        result = EXIT_INPUT;
    } else if (credential_is_one(config.master_key.text)) {
        result = complain(EXIT_INPUT, "the master key is a credential of systemd's: put a new line "
                                      "of 64 hexadecimal digits in front of the others where it "
                                      "is loaded from, restart, and rotate with --rewrap");
    } else {
        status = master_key_rotate(config.master_key.text);
        if (status != MASTER_KEY_OK)
            result = complain(EXIT_FILE, "master key %s: %s", config.master_key.text,
                              status == MASTER_KEY_FAILED ? strerror(errno)
                                                          : master_key_status_text(status));
        else
            printf("%s: a new key was added; servers use it once they are restarted\n",
                   config.master_key.text);
    }
    config_free(&config);
    return result;
}

static int rewrap_store(const char *config_path)
{
    struct backing backing;
    unsigned count = 0;
    int status = backing_open(config_path, &backing);

    if (status == EXIT_DONE)
        status = backing_change(&backing, rewrap, &count);
    if (status == EXIT_DONE)
        printf("%u secrets and keys are now wrapped under the newest master key: restart servers "
               "that were started before it was added\n",
               count);
    backing_close(&backing);
    return status;
}

int command_rotate_master_key(int argc, char **argv)
{
    static const char *const flags[] = {"add", "rewrap", NULL};
    bool only[2] = {false};
    const char *config = backing_options(argc, argv, flags, only);
    int status = EXIT_DONE;

    if (!config)
        return EXIT_USAGE;
    if (only[0] && only[1])
        return complain(EXIT_USAGE, "--add and --rewrap are both done without either");
    if (!only[1])
        status = add_master_key(config);
    if (status == EXIT_DONE && !only[0])
        status = rewrap_store(config);
    return status;
}

struct shown {
    bool all;
    unsigned count;
};

static void show_key(void *context, const uint8_t id[SIGNING_KEY_ID_SIZE], EVP_PKEY *key)
{
    char text[2 * SIGNING_KEY_ID_SIZE + 1];
    struct shown *shown = context;

    if (shown->count > 0 && !shown->all)
        return;
    if (shown->all)
        printf("# %s %s\n", shown->count == 0 ? "active" : "not retired",
               hex_text(id, SIGNING_KEY_ID_SIZE, text));
    if (PEM_write_PUBKEY(stdout, key) == 1)
        shown->count++;
}

int command_show_release_key(int argc, char **argv)
{
    static const char *const flags[] = {"all", NULL};
    struct shown shown = {false};
    struct backing backing;
    struct keyring *keyring = NULL;
    enum store_status loaded;
    const char *config = backing_options(argc, argv, flags, &shown.all);
    int status;

    if (!config)
        return EXIT_USAGE;
    status = backing_open(config, &backing);
    if (status != EXIT_DONE)
        goto out;
    keyring = keyring_open(backing.store, &loaded);
    if (!keyring) {
        status = complain(EXIT_FILE, "signing keys: %s", store_status_text(loaded));
        goto out;
    }
    keyring_each(keyring, SIGNING_KEY_RELEASE, show_key, &shown);
    if (shown.count == 0)
        status = complain(EXIT_FILE, "the store has no key for release records");
    keyring_close(keyring);
out:
    backing_close(&backing);
    return status;
}

struct recovery {
    struct token token;
    char text[TOKEN_TEXT_MAX + 1];
};

static enum store_status recover(struct store_unit *unit, void *context)
{
    struct recovery *recovery = context;
    enum store_status status = token_create(unit, &recovery->token, recovery->text);

    if (status != STORE_OK)
        return status;
    return audit_append(unit, "recover-token", json_pack("{s:s}", "token", recovery->token.name),
                        recovery->token.created);
}

int command_recover_token(int argc, char **argv)
{
    static const char *const no_flags[] = {NULL};
    const char *config = backing_options(argc, argv, no_flags, NULL);
    struct recovery recovery = {.token = {.role = ROLE_OWNER, .created = time(NULL)}};
    struct backing backing;
    struct tm utc;
    int status;

    if (!config)
        return EXIT_USAGE;
    gmtime_r(&recovery.token.created, &utc);
    strftime(recovery.token.name, sizeof(recovery.token.name), "recovered-%Y%m%d-%H%M%S", &utc);
    status = backing_open(config, &backing);
    if (status == EXIT_DONE)
        status = backing_change(&backing, recover, &recovery);
    if (status == EXIT_DONE)
        printf("%s\n", recovery.text);
    OPENSSL_cleanse(&recovery, sizeof(recovery));
    backing_close(&backing);
    return status;
}
