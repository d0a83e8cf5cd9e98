/* SPDX-License-Identifier: MIT */
/* State volumes of TPMs: each with its key, the image and policy that it goes with. */
#ifndef SNPVTPM_KBS_STORE_VOLUMES_H
#define SNPVTPM_KBS_STORE_VOLUMES_H

#include "kbs/store/store.h"
#include "lib/snp/report.h"

#define VOLUME_ID_SIZE 16
#define STATE_KEY_SIZE 64 /* AES-256-XTS: two 256-bit keys */

/* Which profile of the protocol may get the key. */
enum volume_release {
    VOLUME_RELEASE_SIGNED, /* only with a signed release record */
    VOLUME_RELEASE_ANY,    /* the older profiles too */
};

struct volume {
    uint8_t id[VOLUME_ID_SIZE];
    char name[STORE_NAME_MAX + 1];  /* its own for ever */
    char image[STORE_NAME_MAX + 1]; /* the only image that gets the key */
    char policy[STORE_NAME_MAX + 1];
    enum volume_release release;
    unsigned key_version; /* 1, and one more with each volume_set_key */
    time_t created;
    time_t retired;       /* 0: active */
    time_t last_released; /* 0: never */
};

/* Adds a volume with its key; key_version and times but created are ignored. STORE_EXISTS when id
 * or name is taken, STORE_NAME_USED when a retired volume has the name, STORE_NOT_FOUND when there
 * is no such image or policy. */
MUST_CHECK enum store_status volume_add(struct store_unit *unit, const struct volume *volume,
                                        const uint8_t key[STATE_KEY_SIZE]);

MUST_CHECK enum store_status volume_by_id(struct store_unit *unit, const uint8_t id[VOLUME_ID_SIZE],
                                          struct volume *volume);

MUST_CHECK enum store_status volume_by_name(struct store_unit *unit, const char *name,
                                            struct volume *volume);

/* The one active volume of the image with this measurement, for clients that name none:
 * STORE_AMBIGUOUS when there are several. */
MUST_CHECK enum store_status volume_of_measurement(struct store_unit *unit,
                                                   const uint8_t measurement[LAUNCH_DIGEST_SIZE],
                                                   struct volume *volume);

/* The newest key in the clear; the caller wipes it. STORE_RETIRED for a retired volume. */
MUST_CHECK enum store_status volume_key(struct store_unit *unit, const uint8_t id[VOLUME_ID_SIZE],
                                        uint8_t key[STATE_KEY_SIZE]);

/* The key of one version in the clear; the caller wipes it. STORE_NOT_FOUND when it is destroyed.
 */
MUST_CHECK enum store_status volume_key_of(struct store_unit *unit,
                                           const uint8_t id[VOLUME_ID_SIZE], unsigned version,
                                           uint8_t key[STATE_KEY_SIZE]);

/* Puts a key beside the others, whose version is one more than any before it. */
MUST_CHECK enum store_status volume_add_key(struct store_unit *unit,
                                            const uint8_t id[VOLUME_ID_SIZE],
                                            const uint8_t key[STATE_KEY_SIZE], unsigned *version);

/* Makes that version, which is there, the volume's. */
MUST_CHECK enum store_status volume_promote_key(struct store_unit *unit,
                                                const uint8_t id[VOLUME_ID_SIZE], unsigned version);

MUST_CHECK enum store_status volume_destroy_key(struct store_unit *unit,
                                                const uint8_t id[VOLUME_ID_SIZE], unsigned version);

/* Gives it another key; older versions are kept, wrapped, until it is retired. */
MUST_CHECK enum store_status volume_set_key(struct store_unit *unit, const char *name,
                                            const uint8_t key[STATE_KEY_SIZE], time_t now);

/* Moves it to another image, as after an update of the SVSM. */
MUST_CHECK enum store_status volume_set_image(struct store_unit *unit, const char *name,
                                              const char *image);

/* Remembers that its key was released. */
MUST_CHECK enum store_status volume_note_release(struct store_unit *unit,
                                                 const uint8_t id[VOLUME_ID_SIZE], time_t now);

/* Destroys its keys. It stays listed. */
MUST_CHECK enum store_status volume_retire(struct store_unit *unit, const char *name, time_t now);

MUST_CHECK enum store_status volume_each(struct store_unit *unit,
                                         void (*visit)(void *context, const struct volume *volume),
                                         void *context);

#endif
