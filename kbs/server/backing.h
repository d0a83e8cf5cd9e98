/* SPDX-License-Identifier: MIT */
/* What stands behind every command but init: the configuration, the master keys and the store. */
#ifndef SNPVTPM_KBS_SERVER_BACKING_H
#define SNPVTPM_KBS_SERVER_BACKING_H

#include "kbs/server/config.h"
#include "kbs/store/store.h"

struct backing {
    struct config config;
    struct master_keys keys;
    struct store *store;
};

/* Opens it all, or says why not. Returns an exit status; backing_close in any case. */
MUST_CHECK int backing_open(const char *config_path, struct backing *backing);

/* The same in two steps, for who restores a store. */
MUST_CHECK int backing_load(const char *config_path, struct backing *backing);
MUST_CHECK int backing_open_backup(struct backing *backing);

/* The SQLite file that the configuration names, which need not be there; NULL for PostgreSQL. */
const char *backing_store_file(const struct backing *backing);

/* A change of the store, with its line in the audit log. An exit status, having said why it
 * failed. */
MUST_CHECK int backing_change(struct backing *backing, store_work *change, void *context);

void backing_close(struct backing *backing);

/* Parses "--config FILE" and flags: names of options without a value, the last NULL, each with
 * whether it was given. NULL, having said so, for other options. */
MUST_CHECK const char *backing_options(int argc, char **argv, const char *const *flags,
                                       bool *flagged);

/* Parses "--config FILE" and at most one other word, *file, NULL without. */
MUST_CHECK const char *backing_options_and_file(int argc, char **argv, const char **file);

#endif
