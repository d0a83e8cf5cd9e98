/* SPDX-License-Identifier: MIT */
/* kbs backup and kbs restore: copies of the store, and what has to be done when one comes back. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "kbs/audit/audit.h"
#include "kbs/backup/backup.h"
#include "kbs/server/backing.h"
#include "kbs/server/commands.h"
#include "lib/base/hex.h"

/* By which line and hash of its audit log an owner tells which store this is. */
static const char *tail_text(const struct audit_tail *tail, char text[2 * AUDIT_HASH_SIZE + 64])
{
    char hash[2 * AUDIT_HASH_SIZE + 1];

    snprintf(text, 2 * AUDIT_HASH_SIZE + 64, "line %" PRIu64 ", hash %s", tail->seq,
             hex_text(tail->hash, sizeof(tail->hash), hash));
    return text;
}

/* kbs backup */

/* *context is the tail of the log with this line. */
static enum store_status note_backup(struct store_unit *unit, void *context)
{
    struct audit_tail *tail = context;
    enum store_status status = audit_append(unit, "backup", json_object(), time(NULL));

    return status == STORE_OK ? audit_head(unit, &tail->seq, tail->hash) : status;
}

static int back_up(struct backing *backing, const char *path)
{
    char text[2 * AUDIT_HASH_SIZE + 64];
    struct audit_tail tail;
    const char *reason;

    if (!store_file(backing->store))
        return complain(EXIT_INPUT, "the store is PostgreSQL's: pg_dump makes a backup of it, and "
                                    "kbs restore goes with it after pg_restore");
    /* Before it, so that the copy has its own line. */
    if (backing_change(backing, note_backup, &tail) != EXIT_DONE)
        return EXIT_FILE;
    if (!backup_write(backing->store, path, &reason))
        return complain(EXIT_FILE, "no backup was made: %s", reason);
    printf("%s has the store, with its audit log up to %s, or later\n", path,
           tail_text(&tail, text));
    return EXIT_DONE;
}

int command_backup(int argc, char **argv)
{
    struct backing backing;
    const char *path, *config = backing_options_and_file(argc, argv, &path);
    int status;

    if (!config)
        return EXIT_USAGE;
    if (!path)
        return complain(EXIT_USAGE, "backup needs FILE, which does not exist yet");
    status = backing_open(config, &backing);
    if (status == EXIT_DONE)
        status = back_up(&backing, path);
    backing_close(&backing);
    return status;
}

/* kbs restore */

#define REPLACED_MAX 100 /* in one second */

struct restored {
    unsigned leases;
    struct audit_tail tail;
};

static int tell_restored(const struct restored *restored)
{
    char text[2 * AUDIT_HASH_SIZE + 64];

    printf("the store is restored; its audit log ends with %s\n"
           "%u volumes have leases: nobody gets one for as long as it lasts, and those of before "
           "are not good any more.\n"
           "A VM whose disk is newer than this store complains, and does not start: kbsctl volume "
           "lease show NAME, then kbsctl volume accept-disk.\n"
           "What was added, retired or revoked since the copy was made has to be done again.\n",
           tail_text(&restored->tail, text), restored->leases);
    return EXIT_DONE;
}

static enum store_status restore_unit(struct store_unit *unit, void *context)
{
    struct restored *restored = context;
    enum store_status status = backup_restored(unit, time(NULL), &restored->leases);

    return status == STORE_OK ? audit_head(unit, &restored->tail.seq, restored->tail.hash) : status;
}

/* The store was put back by other means: PostgreSQL's, or a file system's. */
static int restore_in_place(struct backing *backing)
{
    struct restored restored;
    int status = backing_open_backup(backing);

    if (status == EXIT_DONE)
        status = backing_change(backing, restore_unit, &restored);
    return status == EXIT_DONE ? tell_restored(&restored) : status;
}

/* Where the store of before is kept. */
static bool name_replaced(const char *file, char replaced[PATH_MAX])
{
    time_t now = time(NULL);
    struct tm utc;
    char when[32];

    gmtime_r(&now, &utc);
    strftime(when, sizeof(when), "%Y%m%d-%H%M%S", &utc);
    for (unsigned again = 0; again < REPLACED_MAX; again++) {
        if (snprintf(replaced, PATH_MAX, again ? "%s.replaced-%s.%u" : "%s.replaced-%s", file, when,
                     again) >= PATH_MAX)
            return false;
        if (access(replaced, F_OK) != 0)
            return true;
    }
    return false;
}

static int restore_copy(struct backing *backing, const char *copy)
{
    const char *file = backing_store_file(backing), *reason;
    struct restored restored;
    char replaced[PATH_MAX];
    bool was_there;

    if (!file)
        return complain(EXIT_INPUT, "the store is PostgreSQL's: pg_restore puts it back; then "
                                    "run this without FILE");
    if (!name_replaced(file, replaced))
        return complain(EXIT_FILE, "%s: the name is too long", file);
    if (!backup_restore(copy, file, replaced, &backing->keys, restore_unit, &restored, &was_there,
                        &reason))
        return complain(EXIT_FILE, "nothing was restored: %s", reason);
    if (was_there)
        printf("the store of before is now %s\n", replaced);
    return tell_restored(&restored);
}

int command_restore(int argc, char **argv)
{
    struct backing backing;
    const char *copy, *config = backing_options_and_file(argc, argv, &copy);
    int status;

    if (!config)
        return EXIT_USAGE;
    status = backing_load(config, &backing);
    if (status == EXIT_DONE)
        status = copy ? restore_copy(&backing, copy) : restore_in_place(&backing);
    backing_close(&backing);
    return status;
}
