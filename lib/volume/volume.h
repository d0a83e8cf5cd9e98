/* SPDX-License-Identifier: MIT */
/*
 * The state volume: a few named objects, authenticated and encrypted, on an untrusted block device;
 * a commit changes all that it changes at once (docs/state-volume.md).
 *
 * Opening writes nothing, whatever it finds. A commit writes nothing where the acknowledged state
 * or the one before it lies, so that a power cut leaves the old state or the new one.
 *
 * With an anchor, the state that somebody else remembers, an old copy does not open. Without one
 * whoever calls acknowledges each commit at once: volume_update().
 */
#ifndef SNPVTPM_LIB_VOLUME_VOLUME_H
#define SNPVTPM_LIB_VOLUME_VOLUME_H

#include "lib/volume/anchor.h"
#include "lib/volume/device.h"
#include "lib/volume/space.h"
#include "lib/volume/status.h"

#define VOLUME_KEY_SIZE SECTOR_CIPHER_KEY_SIZE

/* The object with libtpms' permanent state; all that a volume of version 1 has. */
#define VOLUME_TPM_STATE "tpm2-permall"

/* What is kept of the TPM's endorsement keys: services/tpm/ek_record.h. It goes with the TPM. */
#define VOLUME_TPM_EK "tpm2-ek"

/* What a slot holds. */
enum slot_content {
    SLOT_OTHER,   /* not the current state; nobody needs what it is */
    SLOT_WRITTEN, /* the current state, once flushed */
    SLOT_DURABLE, /* the current state */
};

/* What version 1 had outside the slots: it has to go with an upgrade, or it could come back. */
enum remains {
    REMAINS_NONE,
    REMAINS_ERASED, /* once flushed */
    REMAINS_THERE,
};

struct volume {
    struct device device;
    struct volume_state current;      /* the newest durable state */
    struct volume_state acknowledged; /* as current, or the one before that has to stay */
    bool pending;                     /* current is not acknowledged */
    enum slot_content slots[SLOTS];
    unsigned slot;  /* one that holds current */
    bool formatted; /* current is set: the volume is no longer all zero */
    bool flushed;   /* since it was opened: what was found is durable */
    enum remains remains;
    bool writable;             /* opened as VOLUME_OK or VOLUME_BLANK */
    bool in_doubt;             /* a commit failed when nobody can tell whether it took place */
    bool has_highest;          /* highest is set */
    struct superblock highest; /* found when it was opened: what a complaint shows */
    /* Of the states to come: */
    uint64_t epoch;
    uint64_t generation;
};

/* bytes NULL: remove the object */
struct volume_change {
    const char *name;
    const uint8_t *bytes;
    size_t size;
};

/*
 * Opens the volume on storage. VOLUME_OK: it has a state. VOLUME_BLANK: it has none yet. Otherwise
 * it cannot be used; if somebody changed it, volume_was_changed() says so. anchor may be NULL.
 * volume_close() is due whatever the outcome; the storage must live until then.
 */
MUST_CHECK enum volume_status volume_open(struct volume *volume,
                                          const struct volume_storage *storage,
                                          const uint8_t key[VOLUME_KEY_SIZE],
                                          const struct volume_anchor *anchor);

/*
 * Reads an object of the current state. On VOLUME_OK *bytes has *size bytes and is the caller's to
 * release with OPENSSL_clear_free(). VOLUME_NO_OBJECT, VOLUME_DAMAGED, or a failure.
 */
MUST_CHECK enum volume_status volume_read(struct volume *volume, const char *name, uint8_t **bytes,
                                          size_t *size);

/*
 * Makes a state with these changes, durable when it returns VOLUME_OK; it becomes current. The
 * state that is acknowledged stays as it is. After a failure the device holds the state before or
 * the new one, whole. A volume in doubt about which takes nothing more (VOLUME_NOT_WRITABLE),
 * because trying again could overwrite the only good state: open it again.
 */
MUST_CHECK enum volume_status volume_commit(struct volume *volume,
                                            const struct volume_change *changes, size_t count);

/*
 * The current state is acknowledged: what only older states had may be overwritten from now on.
 * This writes what the next commit flushes; a failure is made up for there.
 */
void volume_acknowledge(struct volume *volume);

/*
 * The current state is one that nobody acknowledged, or will: the volume goes on from the empty
 * state 0, and what is committed next takes the current state's place. False, and nothing is done,
 * when the state may have been acknowledged: it has another base.
 */
MUST_CHECK bool volume_disown(struct volume *volume);

/* Commits a change of one object, and acknowledges it: for a volume without an anchor. */
MUST_CHECK enum volume_status volume_update(struct volume *volume, const char *name,
                                            const uint8_t *bytes, size_t size);

/*
 * Writes and flushes all that acknowledging has left, so that every slot has the current state and
 * nothing of version 1 remains. VOLUME_PENDING before it is acknowledged.
 */
MUST_CHECK enum volume_status volume_settle(struct volume *volume);

/*
 * As volume_commit(), under another key, which is the volume's from then on; changes may be NULL.
 * Up to a certain write the volume opens with the old key, from then on with the new one. With the
 * old one the states of before open until the new one is acknowledged, and the slots are settled.
 * VOLUME_WEAK_KEY, or as volume_commit(). After a failure it is not writable.
 */
MUST_CHECK enum volume_status volume_rekey(struct volume *volume,
                                           const uint8_t key[VOLUME_KEY_SIZE],
                                           const struct volume_change *changes, size_t count);

/* Gives a blank volume that is not formatted its identity; otherwise it gets a random one. */
MUST_CHECK bool volume_identify(struct volume *volume, const uint8_t id[VOLUME_ID_SIZE]);

/* Makes a blank volume that has no identity yet a formatted one, durably; the first commit does it
 * otherwise. */
MUST_CHECK enum volume_status volume_format(struct volume *volume);

/* Forgets the key. */
void volume_close(struct volume *volume);

#endif
