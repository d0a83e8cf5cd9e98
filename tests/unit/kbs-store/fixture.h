/* SPDX-License-Identifier: MIT */
/*
 * A fresh store for a test: in PostgreSQL when with-postgres.sh runs the program, in SQLite
 * otherwise. The same tests hold for both.
 */
#ifndef SNPVTPM_TESTS_UNIT_KBS_STORE_FIXTURE_H
#define SNPVTPM_TESTS_UNIT_KBS_STORE_FIXTURE_H

#include <limits.h>

#include "kbs/store/db.h"
#include "kbs/store/images.h"
#include "kbs/store/volumes.h"
#include "tests/unit/registered.h"

struct fixture {
    char url[PATH_MAX + 64];
    struct master_keys keys;
    struct store *store;
};

/* For cmocka: a folder for the program's files; a fresh store for a test, and its end. */
int fixture_begin_group(void **state);
int fixture_end_group(void **state);
int fixture_begin(void **state);
int fixture_end(void **state);

bool fixture_is_postgres(void);

/* The path of a file in the program's folder; and of the SQLite file of this fixture. */
const char *fixture_path(const char *name, char path[PATH_MAX]);
const char *fixture_file(const struct fixture *fixture);

/* The URL of a database that does not exist yet (SQLite), or is empty. */
void fixture_new_url(char *url, size_t room);

void fixture_reopen(struct fixture *fixture);

/* A key that is not random, so that tests can be repeated. */
struct master_keys fixture_keys(uint8_t first);

/* The database as one sees it who has no master key. */
struct db *fixture_raw(const struct fixture *fixture);
void fixture_sql(const struct fixture *fixture, const char *sql);

/* Begins a unit, or fails the test. */
struct store_unit *fixture_unit(const struct fixture *fixture);
struct store_unit *fixture_reading(const struct fixture *fixture);

/* Things that others refer to. */
void fixture_add_policy(const struct fixture *fixture, const char *name);
void fixture_add_image(const struct fixture *fixture, const char *name, uint8_t first);
struct volume fixture_add_volume(const struct fixture *fixture, const char *name, const char *image,
                                 uint8_t first);

/* Names in the order in which they were listed, a space after each. */
struct listed {
    char names[256];
};

void fixture_list(struct listed *listed, const char *name);

#define assert_status(actual, wanted)                                                              \
    fixture_assert_status((actual), (wanted), #actual, __FILE__, __LINE__)
#define assert_ok(actual) assert_status(actual, STORE_OK)
void fixture_assert_status(enum store_status actual, enum store_status wanted, const char *text,
                           const char *file, int line);

#endif
