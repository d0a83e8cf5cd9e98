/* SPDX-License-Identifier: MIT */
/*
 * The state volume: one authenticated, encrypted blob on an untrusted block device, replaced
 * atomically (docs/state-volume.md).
 *
 * Opening writes nothing, whatever it finds. An update leaves the state before it untouched until
 * the new one is durable, so that a power cut leaves the one or the other.
 */
#ifndef SNPVTPM_LIB_VOLUME_VOLUME_H
#define SNPVTPM_LIB_VOLUME_VOLUME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/must_check.h"
#include "lib/volume/sector_cipher.h"
#include "lib/volume/superblock.h"

#define VOLUME_KEY_SIZE      SECTOR_CIPHER_KEY_SIZE
#define VOLUME_SIZE_MULTIPLE 4096
#define VOLUME_SIZE_MIN      (1024 * 1024)

/*
 * The device. Each function returns false when it failed. A write may be cached until flush()
 * returns; a sector that was being written when the power failed may hold anything, the others
 * hold what was last flushed or something written since.
 */
struct volume_storage {
    void *context;
    bool (*size)(void *context, uint64_t *bytes);
    bool (*read)(void *context, uint64_t sector, void *data, size_t sectors);
    bool (*write)(void *context, uint64_t sector, const void *data, size_t sectors);
    bool (*flush)(void *context);
};

enum volume_status {
    VOLUME_OK,
    VOLUME_BLANK,         /* every byte is zero, or formatted and never given a state */
    VOLUME_WRONG_KEY,     /* it holds something, which is no state volume under this key */
    VOLUME_DAMAGED,       /* a state volume under this key, changed by somebody else */
    VOLUME_OTHER_VERSION, /* authentic, of a version that this code does not know */
    VOLUME_BAD_SIZE,      /* smaller than VOLUME_SIZE_MIN or no multiple of 4096 bytes */
    VOLUME_WEAK_KEY,      /* the two halves of the key are equal */
    VOLUME_TOO_LARGE,     /* the payload does not fit */
    VOLUME_IO_FAILED,     /* the device failed */
    VOLUME_NO_RESOURCES,  /* no memory, or OpenSSL failed */
};

struct volume {
    struct volume_storage storage;
    struct sector_cipher cipher;
    uint8_t key[VOLUME_KEY_SIZE];
    uint64_t slot_sectors;
    struct superblock current; /* names the state that is durable */
    bool formatted;            /* current is set: the volume is no longer all zero */
    bool mirrored;             /* current is on the device twice */
    bool writable;             /* opened as VOLUME_OK or VOLUME_BLANK */
    bool in_doubt;             /* an update failed when nobody can tell whether it took place */
};

/* What status means, as the end of the sentence "the state volume ...". */
const char *volume_status_text(enum volume_status status);

/*
 * Opens the volume on storage and loads its state. On VOLUME_OK *payload has *size bytes and is
 * the caller's to release with OPENSSL_clear_free(). volume_close() is due whatever the outcome;
 * the storage must live until then.
 */
MUST_CHECK enum volume_status volume_open(struct volume *volume,
                                          const struct volume_storage *storage,
                                          const uint8_t key[VOLUME_KEY_SIZE], uint8_t **payload,
                                          size_t *size);

/*
 * Replaces the state of a volume that opened as VOLUME_OK or VOLUME_BLANK; VOLUME_OK means durable.
 * After a failure the device holds the state before or the new one, whole. A volume in doubt about
 * which refuses all further updates with VOLUME_IO_FAILED, because retrying could overwrite the
 * only good state: open it again.
 */
MUST_CHECK enum volume_status volume_update(struct volume *volume, const uint8_t *payload,
                                            size_t size);

/* Forgets the key. */
void volume_close(struct volume *volume);

#endif
