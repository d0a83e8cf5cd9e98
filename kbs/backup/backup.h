/* SPDX-License-Identifier: MIT */
/*
 * Backups of an SQLite store: a consistent copy of it, made while servers use it, which no server
 * uses by mistake, and a copy that becomes a store again. A PostgreSQL store has pg_dump for the
 * first, and backup_restored() for the second.
 */
#ifndef SNPVTPM_KBS_BACKUP_BACKUP_H
#define SNPVTPM_KBS_BACKUP_BACKUP_H

#include "kbs/store/store.h"

/* Where a copy is while it is not whole: beside PATH. */
#define BACKUP_NEW_SUFFIX ".new"

/*
 * Writes the store, as it is at one moment, into a new file of mode 0600, durable, or leaves none
 * there. *reason is why not, in words that last until this thread does it again.
 */
MUST_CHECK bool backup_write(const struct store *store, const char *path, const char **reason);

/*
 * What a store that comes from a backup needs before anybody uses it: as leases_restored(), with a
 * line in the audit log, and no mark any more. A part of a unit of work. *leases counts the volumes
 * with leases.
 */
MUST_CHECK enum store_status backup_restored(struct store_unit *unit, time_t now, unsigned *leases);

/*
 * Makes a copy the store at file, durably: beside it, as PATH.new, it is copied and work is done on
 * it, which backup_restored() is a part of; then it takes the file's place, so that at any moment
 * there is the store of before, or the new one. That of before, if *was_there, is at replaced then,
 * a name that is free. False with *reason, and nothing was changed, when the copy is none, or a
 * server has the store open.
 */
MUST_CHECK bool backup_restore(const char *copy, const char *file, const char *replaced,
                               const struct master_keys *keys, store_work *work, void *context,
                               bool *was_there, const char **reason);

#endif
