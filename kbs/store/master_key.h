/* SPDX-License-Identifier: MIT */
/*
 * The master keys under which the store wraps secrets: AES-256-GCM with a key derived for each
 * record (HKDF-SHA-512, random salt). What the record is (its kind, name and version) is
 * authenticated, so that nobody with the database alone can put one in the place of another.
 */
#ifndef SNPVTPM_KBS_STORE_MASTER_KEY_H
#define SNPVTPM_KBS_STORE_MASTER_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/must_check.h"

#define MASTER_KEY_SIZE  32
#define MASTER_KEYS_MAX  4
#define MASTER_KEY_ID    8 /* bytes of SHA-256 of the key, in each record */
#define WRAP_OVERHEAD    (1 + MASTER_KEY_ID + 32 + 12 + 16) /* bytes that wrapping adds */
#define WRAP_CONTEXT_MAX 512

struct master_key {
    uint8_t id[MASTER_KEY_ID];
    uint8_t bytes[MASTER_KEY_SIZE];
};

/* The first wraps; all unwrap, so that a key can be replaced without a stop. */
struct master_keys {
    size_t count;
    struct master_key keys[MASTER_KEYS_MAX];
};

enum master_key_status {
    MASTER_KEY_OK,
    MASTER_KEY_MISSING,   /* no such file */
    MASTER_KEY_EXPOSED,   /* others than its owner may read it */
    MASTER_KEY_MALFORMED, /* not one line of 64 hexadecimal digits for each key */
    MASTER_KEY_EXISTS,
    MASTER_KEY_FULL,   /* it has MASTER_KEYS_MAX keys already */
    MASTER_KEY_FAILED, /* errno */
};

/* Loads the keys in a file, the newest first, or in $CREDENTIALS_DIRECTORY/NAME for
 * "credential:NAME" (systemd). Wipe them with master_keys_wipe. */
MUST_CHECK enum master_key_status master_keys_load(const char *source, struct master_keys *keys);

/* Makes a new file, mode 0600, with one random key. */
MUST_CHECK enum master_key_status master_key_create(const char *path);

/* Adds a random key in front of those in the file, atomically. */
MUST_CHECK enum master_key_status master_key_rotate(const char *path);

void master_keys_wipe(struct master_keys *keys);

const char *master_key_status_text(enum master_key_status status);

/* Wraps size bytes; out has room for size + WRAP_OVERHEAD. False without memory or entropy. */
MUST_CHECK bool master_key_wrap(const struct master_keys *keys, const char *context,
                                const void *bytes, size_t size, uint8_t *out);

/* Unwraps size bytes; out has room for size - WRAP_OVERHEAD and is wiped on failure. */
MUST_CHECK bool master_key_unwrap(const struct master_keys *keys, const char *context,
                                  const uint8_t *wrapped, size_t size, void *out);

#endif
