/* SPDX-License-Identifier: MIT */
/*
 * Where the KBS keeps what must last, in SQLite or PostgreSQL: images, policies, secrets, volumes,
 * administrators' tokens, its own signing keys, the audit log, and (PostgreSQL) sessions.
 *
 * Everything is done inside a unit of work: store_begin ... store_commit makes all of it durable
 * at once, or nothing. A unit is used by one thread; several may be open in different threads. A
 * thread that has one for changes must not wait for another one, nor for audit_record.
 * Secrets and private keys are stored wrapped (master_key.h) and never leave in the clear but
 * through the functions that say so.
 */
#ifndef SNPVTPM_KBS_STORE_STORE_H
#define SNPVTPM_KBS_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "kbs/store/master_key.h"
#include "lib/base/must_check.h"

#define STORE_NAME_MAX 63 /* characters of a name: [A-Za-z0-9][A-Za-z0-9_.-]* */

enum store_status {
    STORE_OK,
    STORE_NOT_FOUND,     /* no such thing */
    STORE_EXISTS,        /* there is one of that name already */
    STORE_IN_USE,        /* something else refers to it */
    STORE_AMBIGUOUS,     /* there are several */
    STORE_CONFLICT,      /* another unit of work came first: do it again (store_change does) */
    STORE_RETIRED,       /* it was, and is no more */
    STORE_NAME_USED,     /* something else had this name once, and keeps it */
    STORE_NO_DATABASE,   /* no such file, or no such database */
    STORE_EXPOSED,       /* others than the owner may read the file */
    STORE_NOT_DATABASE,  /* it is something else */
    STORE_NEWER_VERSION, /* made by a newer version of this program */
    STORE_BACKUP,        /* a backup, which is to be restored and not to be used */
    STORE_WRONG_KEY,     /* wrapped under a master key that was not given, or altered */
    STORE_UNAVAILABLE,   /* the server cannot be reached */
    STORE_FAILED,        /* input or output, memory; store_reason() tells more */
};

struct store;
struct store_unit;

/*
 * Opens the store at url: "sqlite:PATH" (a plain PATH means the same) or "postgresql://..." as
 * libpq takes it. With create, makes what is missing; an older schema is migrated. *store is to be
 * closed in any case; it is NULL only without memory. The keys are borrowed until then.
 */
MUST_CHECK enum store_status store_open(const char *url, bool create,
                                        const struct master_keys *keys, struct store **store);

#define STORE_BACKUP_MARK 0x53565442 /* SQLite's application_id of a backup, "SVTB" */

/* The same for one that may be a backup (kbs/backup/backup.h), for it to become a store. */
MUST_CHECK enum store_status store_open_backup(const char *url, const struct master_keys *keys,
                                               struct store **store);

void store_close(struct store *store);

/* Whether several servers may share this store, so that sessions belong into it. */
bool store_is_shared(const struct store *store);

/* The SQLite file; NULL for PostgreSQL. */
const char *store_file(const struct store *store);

/* The file that a URL names; NULL for PostgreSQL's. */
const char *store_file_of(const char *url);

/* Why opening, or what came last, failed, in words; the URL's password is never part of them. They
 * last until this thread asks again. */
const char *store_reason(struct store *store, enum store_status status);

/* A status in words, without a full stop. */
const char *store_status_text(enum store_status status);

/* Begins a unit of work that may change things. It waits for others that do, of any server: what it
 * reads stays true until it ends, so what it checks and what it then does are one. */
MUST_CHECK enum store_status store_begin(struct store *store, struct store_unit **unit);

/* Begins one that may change sessions and nothing else, beside others. */
MUST_CHECK enum store_status store_begin_sessions(struct store *store, struct store_unit **unit);

/* Begins one that only looks. */
MUST_CHECK enum store_status store_begin_reading(struct store *store, struct store_unit **unit);

/* Makes it durable; unit is gone in any case. STORE_OK means that a power cut loses nothing. */
MUST_CHECK enum store_status store_commit(struct store_unit *unit);

/* Ends it without effect. NULL is ignored. */
void store_abandon(struct store_unit *unit);

/* A part of a unit of work; anything but STORE_OK ends the unit without effect. */
typedef enum store_status store_work(struct store_unit *unit, void *context);

/*
 * Does work in a unit of work of its own, and does it again, in another one, when it had to give
 * way (STORE_CONFLICT: a deadlock, or a lock that was not to be had). STORE_CONFLICT if it still
 * had to after some tries; then nothing was changed.
 */
MUST_CHECK enum store_status store_change(struct store *store, store_work *work, void *context);
MUST_CHECK enum store_status store_change_sessions(struct store *store, store_work *work,
                                                   void *context);

/* Whether it can be reached and read, for /healthz. */
MUST_CHECK enum store_status store_ping(struct store *store);

/* Whether text may be a name. */
MUST_CHECK bool store_is_name(const char *text);

#endif
