/* SPDX-License-Identifier: MIT */
#include "kbs/backup/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "kbs/audit/audit.h"
#include "kbs/keys/keyring.h"
#include "kbs/store/db.h"
#include "kbs/store/leases.h"
#include "lib/base/bytes.h"
#include "lib/file/durable.h"
#include "lib/file/io.h"

/* In the header of a database: the application_id, big-endian. */
#define MARK_OFFSET 68

static _Thread_local char words[PATH_MAX + DB_REASON_MAX + 64];

__attribute__((format(printf, 2, 3))) static bool fail(const char **reason, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(words, sizeof(words), format, arguments);
    va_end(arguments);
    *reason = words;
    return false;
}

static bool fail_with_errno(const char **reason, const char *path)
{
    return fail(reason, "%s: %s", path, strerror(errno));
}

/* path with something behind it, which fits. */
struct beside {
    char path[PATH_MAX];
};

MUST_CHECK static bool name_beside(const char *path, const char *suffix, struct beside *beside,
                                   const char **reason)
{
    int length = snprintf(beside->path, sizeof(beside->path), "%s%s", path, suffix);

    return (length > 0 && (size_t)length < sizeof(beside->path)) ||
           fail(reason, "%s: the name is too long", path);
}

/* Removes a file and what SQLite may have beside it. */
static void remove_database(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    const char *ignored;
    struct beside beside = {""};

    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
        if (name_beside(path, suffixes[i], &beside, &ignored))
            unlink(beside.path);
}

/* Makes an empty file that is its owner's alone. */
MUST_CHECK static bool make_file(const char *path, const char **reason)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    return fd >= 0 ? close(fd) == 0 : fail_with_errno(reason, path);
}

static const char *reason_of(const struct db *db, enum store_status status)
{
    return db && db->reason[0] ? db->reason : store_status_text(status);
}

/* Backing up */

/* All of the store as one reader sees it, without what was deleted, into a file that is empty. */
MUST_CHECK static bool copy_store(const struct store *store, const char *path, const char **reason)
{
    struct db *db = NULL;
    enum store_status status = db_sqlite_open(store_file(store), false, &db);

    if (status == STORE_OK)
        status = DB_RUN(db, "VACUUM INTO $1", NULL, NULL, NULL, db_text(path));
    if (status != STORE_OK)
        fail(reason, "%s: %s", path, reason_of(db, status));
    db_close(db);
    return status == STORE_OK;
}

/* Without SQLite, which would keep a log beside the copy: a network's file system has none. */
MUST_CHECK static bool mark_and_sync(const char *path, const char **reason)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    uint8_t mark[sizeof(uint32_t)];
    bool done;

    put_be32(mark, STORE_BACKUP_MARK);
    done = fd >= 0 && io_write_at(fd, mark, sizeof(mark), MARK_OFFSET) && fsync(fd) == 0;
    if (!done)
        fail_with_errno(reason, path);
    if (fd >= 0)
        close(fd);
    return done;
}

bool backup_write(const struct store *store, const char *path, const char **reason)
{
    struct beside beside = {""};
    bool written;

    /* The name is taken first, so that nothing that is there is ever replaced. */
    if (!name_beside(path, BACKUP_NEW_SUFFIX, &beside, reason) || !make_file(path, reason))
        return false;
    remove_database(beside.path); /* what a power cut left */
    written = make_file(beside.path, reason) && copy_store(store, beside.path, reason) &&
              mark_and_sync(beside.path, reason);
    if (written && (rename(beside.path, path) != 0 || !file_sync_folder_of(path)))
        written = fail_with_errno(reason, path);
    if (!written) {
        remove_database(beside.path);
        unlink(path);
    }
    return written;
}

/* Restoring */

enum store_status backup_restored(struct store_unit *unit, time_t now, unsigned *leases)
{
    enum store_status status = leases_restored(unit, now, leases);

    if (status == STORE_OK && store_file(unit->store))
        status = db_script(unit->db, "PRAGMA application_id = 0");
    return status == STORE_OK ? audit_append(unit, "store-restored",
                                             json_pack("{s:i}", "leases", (int)*leases), now)
                              : status;
}

MUST_CHECK static bool copy_bytes(const char *from, const char *to, const char **reason)
{
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CLOEXEC);
    ssize_t got = -1;

    if (in >= 0 && out >= 0)
        while ((got = sendfile(out, in, NULL, 1 << 20)) > 0)
            ;
    if (got != 0)
        fail_with_errno(reason, in < 0 ? from : to);
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    return got == 0;
}

/* A copy whose log is beside it is in use, or was copied without what is in the log. */
MUST_CHECK static bool check_copy(const char *copy, const char *file, const char **reason)
{
    struct stat own, store;
    struct beside log = {""};

    if (!name_beside(copy, "-wal", &log, reason))
        return false;
    if (stat(copy, &own) != 0)
        return fail_with_errno(reason, copy);
    if (!S_ISREG(own.st_mode) || own.st_size == 0)
        return fail(reason, "%s is no backup", copy);
    if (stat(file, &store) == 0 && own.st_dev == store.st_dev && own.st_ino == store.st_ino)
        return fail(reason, "%s is the store itself", copy);
    return access(log.path, F_OK) != 0 ||
           fail(reason, "%s is in use, or was not made by kbs backup: %s is beside it", copy,
                log.path);
}

static void take_verdict(void *context, const struct db_row *row)
{
    (void)row;
    (*(unsigned *)context)++;
}

/* That each page and index is as SQLite left it. */
MUST_CHECK static bool check_pages(const char *path, const char **reason)
{
    unsigned problems = 0;
    struct db *db = NULL;
    enum store_status status = db_sqlite_open(path, false, &db);

    if (status == STORE_OK)
        status = db_run(db,
                        "SELECT integrity_check FROM pragma_integrity_check "
                        "WHERE integrity_check <> 'ok' LIMIT 1",
                        NULL, 0, take_verdict, &problems, NULL);
    db_close(db);
    return (status == STORE_OK && problems == 0) || fail(reason, "the backup is damaged");
}

/* Has SQLite do without a log beside the file, which it does while nobody else has it open. */
static enum store_status fold_log(const char *file, char reason[DB_REASON_MAX])
{
    struct db *db = NULL;
    enum store_status status = db_sqlite_open(file, false, &db);

    if (status == STORE_OK)
        status = db_script(db, "PRAGMA journal_mode = DELETE");
    snprintf(reason, DB_REASON_MAX, "%s", reason_of(db, status));
    db_close(db);
    return status;
}

/* Makes the copy at path a store. */
MUST_CHECK static bool prepare(const char *path, const struct master_keys *keys, store_work *work,
                               void *context, const char **reason)
{
    char folded[DB_REASON_MAX];
    struct store *store = NULL;
    enum store_status status;

    if (!check_pages(path, reason))
        return false;
    status = store_open_backup(path, keys, &store);
    if (status == STORE_OK)
        keyring_close(keyring_open(store, &status)); /* under these master keys */
    if (status == STORE_OK)
        status = store_change(store, work, context);
    if (status != STORE_OK)
        fail(reason, "the backup: %s", store_reason(store, status));
    store_close(store);
    if (status == STORE_OK) {
        status = fold_log(path, folded);
        if (status != STORE_OK)
            fail(reason, "%s: %s", path, folded);
    }
    return status == STORE_OK;
}

/* A store that is not even a database is in nobody's use. */
MUST_CHECK static bool check_unused(const char *file, const char **reason)
{
    char ignored[DB_REASON_MAX];

    return fold_log(file, ignored) != STORE_CONFLICT ||
           fail(reason, "%s is in use: stop every server and command that uses it", file);
}

/* A log that is still beside a broken store would be taken for the new one's. */
MUST_CHECK static bool move_logs(const char *file, const char *replaced, const char **reason)
{
    static const char *const suffixes[] = {"-wal", "-shm", "-journal"};

    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        struct beside from = {""}, to = {""};

        if (!name_beside(file, suffixes[i], &from, reason) ||
            !name_beside(replaced, suffixes[i], &to, reason))
            return false;
        if (rename(from.path, to.path) != 0 && errno != ENOENT)
            return fail_with_errno(reason, from.path);
    }
    return true;
}

MUST_CHECK static bool put_in_place(const char *prepared, const char *file, const char *replaced,
                                    bool *was_there, const char **reason)
{
    *was_there = access(file, F_OK) == 0;
    if (*was_there && !check_unused(file, reason))
        return false;
    if (*was_there && link(file, replaced) != 0)
        return fail_with_errno(reason, replaced);
    if (!move_logs(file, replaced, reason))
        return false;
    return (rename(prepared, file) == 0 && file_sync_folder_of(file)) ||
           fail_with_errno(reason, file);
}

bool backup_restore(const char *copy, const char *file, const char *replaced,
                    const struct master_keys *keys, store_work *work, void *context,
                    bool *was_there, const char **reason)
{
    struct beside beside = {""};
    bool done;

    if (!check_copy(copy, file, reason) || !name_beside(file, BACKUP_NEW_SUFFIX, &beside, reason))
        return false;
    remove_database(beside.path); /* what a power cut left */
    done = make_file(beside.path, reason) && copy_bytes(copy, beside.path, reason) &&
           prepare(beside.path, keys, work, context, reason) &&
           put_in_place(beside.path, file, replaced, was_there, reason);
    if (!done)
        remove_database(beside.path);
    return done;
}
