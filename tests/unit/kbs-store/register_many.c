/* SPDX-License-Identifier: MIT */
/*
 * What crash.sh kills: registers secrets and volumes, and acknowledges each when it is durable.
 *
 * usage: register_many URL register FIRST COUNT    prints the number of each that is durable
 *        register_many URL check COUNT             exit status 0: all are there, and the log is
 * whole
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kbs/audit/audit.h"
#include "kbs/store/images.h"
#include "kbs/store/policies.h"
#include "kbs/store/secrets.h"
#include "kbs/store/volumes.h"

static struct master_keys keys = {.count = 1};

static void set_volume(struct volume *volume, uint8_t key[STATE_KEY_SIZE], unsigned i)
{
    *volume = (struct volume){.id = {(uint8_t)i, (uint8_t)(i >> 8)},
                              .image = "svsm-1",
                              .policy = "default",
                              .created = 1};
    snprintf(volume->name, sizeof(volume->name), "vm-%u", i);
    memset(key, (int)i, STATE_KEY_SIZE);
}

static enum store_status prepare(struct store *store)
{
    struct image image = {.name = "svsm-1", .measurement = {1}};
    struct store_unit *unit;
    struct image found;
    enum store_status status = store_begin(store, &unit);

    if (status != STORE_OK)
        return status;
    status = image_by_name(unit, image.name, &found);
    if (status != STORE_NOT_FOUND) {
        store_abandon(unit);
        return status;
    }
    status = image_add(unit, &image, NULL, 0);
    if (status == STORE_OK)
        status = policy_put(unit, "default", "", false, 1);
    if (status == STORE_OK)
        return store_commit(unit);
    store_abandon(unit);
    return status;
}

static enum store_status register_one(struct store *store, unsigned i)
{
    uint8_t key[STATE_KEY_SIZE];
    struct volume volume;
    struct store_unit *unit;
    char path[32];
    enum store_status status = store_begin(store, &unit);

    if (status != STORE_OK)
        return status;
    set_volume(&volume, key, i);
    snprintf(path, sizeof(path), "crash/test/%u", i);
    status = volume_add(unit, &volume, key);
    if (status == STORE_OK)
        status = secret_put(unit, path, "default", path, strlen(path), false, 1);
    if (status == STORE_OK)
        status = audit_append(unit, "register", json_pack("{s:i}", "n", (int)i), 1);
    if (status == STORE_OK)
        return store_commit(unit);
    store_abandon(unit);
    return status == STORE_EXISTS ? STORE_OK : status; /* durable, and not acknowledged before */
}

static enum store_status register_all(struct store *store, unsigned first, unsigned count)
{
    enum store_status status = prepare(store);

    for (unsigned i = first; i < count && status == STORE_OK; i++) {
        status = register_one(store, i);
        if (status == STORE_OK)
            printf("%u\n", i);
        fflush(stdout);
    }
    return status;
}

static bool check_one(struct store_unit *unit, unsigned i)
{
    uint8_t wanted[STATE_KEY_SIZE], key[STATE_KEY_SIZE], *bytes = NULL;
    struct volume volume, found;
    char path[32];
    size_t size;
    bool whole;

    set_volume(&volume, wanted, i);
    snprintf(path, sizeof(path), "crash/test/%u", i);
    whole = volume_by_name(unit, volume.name, &found) == STORE_OK &&
            volume_key(unit, found.id, key) == STORE_OK && memcmp(key, wanted, sizeof(key)) == 0 &&
            secret_fetch(unit, path, &bytes, &size) == STORE_OK && size == strlen(path) &&
            memcmp(bytes, path, size) == 0;
    if (!whole)
        printf("%u was acknowledged and is missing\n", i);
    free(bytes);
    return whole;
}

static enum store_status check_all(struct store *store, unsigned count)
{
    struct store_unit *unit;
    struct audit_check check;
    enum store_status status = store_begin_reading(store, &unit);
    bool whole = true;

    if (status != STORE_OK)
        return status;
    for (unsigned i = 0; i < count; i++)
        whole &= check_one(unit, i);
    status = audit_verify(unit, &check);
    store_abandon(unit);
    if (status == STORE_OK && (check.problem || check.entries != count)) {
        printf("audit log of %u lines: %s\n", (unsigned)check.entries,
               check.problem ? check.problem : "not one for each");
        whole = false;
    }
    return status == STORE_OK && !whole ? STORE_FAILED : status;
}

int main(int count, char **arguments)
{
    struct store *store = NULL;
    enum store_status status = STORE_FAILED;

    if (count < 4)
        return 2;
    memset(keys.keys[0].bytes, 7, MASTER_KEY_SIZE);
    status = store_open(arguments[1], true, &keys, &store);
    if (status == STORE_OK && strcmp(arguments[2], "register") == 0 && count == 5)
        status = register_all(store, (unsigned)atoi(arguments[3]), (unsigned)atoi(arguments[4]));
    else if (status == STORE_OK)
        status = check_all(store, (unsigned)atoi(arguments[3]));
    if (status != STORE_OK)
        fprintf(stderr, "%s\n", store_reason(store, status));
    store_close(store);
    return status == STORE_OK ? 0 : 1;
}
