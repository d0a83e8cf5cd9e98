/* SPDX-License-Identifier: MIT */
/*
 * The lease of a state volume, and the state that is committed: the record that the KBS keeps, and
 * the rules by which requests and the owner's commands change it. A pure state machine: it knows
 * no store, no clock and no randomness. docs/anchoring.md says what the rules are for;
 * tests/model/kbs.pml has the same ones for spin, and a test holds the two together.
 *
 * The caller makes the new record durable before it tells anybody of the answer.
 */
#ifndef SNPVTPM_KBS_LEASE_LEASE_H
#define SNPVTPM_KBS_LEASE_LEASE_H

#include <stdint.h>
#include <time.h>

#include "lib/base/reader.h"
#include "lib/release/record.h"

#define LEASE_FOREVER      UINT32_MAX /* as a time: the lease does not run out */
#define LEASE_TIME_DEFAULT 60         /* seconds that anybody waits after a hard end */

/* What of the TPM's changes is anchored before they are answered. */
enum lease_mode {
    LEASE_OFF = 0, /* no lease, nothing is anchored */
    LEASE_STRICT = RELEASE_FLAG_STRICT,
    LEASE_CLASSED = RELEASE_FLAG_CLASSED,
    LEASE_BOOT = RELEASE_FLAG_BOOT,
};

struct lease_policy {
    enum lease_mode mode;
    bool same_epoch;       /* unanchored states of the committed one's boot open, too */
    bool manufacture;      /* as long as nothing is committed, a blank disk gets a new TPM */
    bool adopt;            /* as long as nothing is committed, the disk's state is taken */
    bool ephemeral;        /* a guest whose volume does not open starts with a TPM that forgets */
    uint32_t pending_time; /* seconds that a lease lasts until CONFIRM */
    uint32_t active_time;  /* seconds that it lasts from each later request on */
};

enum lease_phase {
    LEASE_NONE,
    LEASE_PENDING, /* granted; no state was confirmed under it */
    LEASE_ACTIVE,
    LEASE_RELEASED, /* given back; its holder may take it up again as long as nobody else did */
};

struct lease_complaint {
    time_t when;    /* 0: there is none */
    bool has_state; /* else nothing was on the disk */
    uint8_t state[RELEASE_STATE_SIZE];
    uint8_t report_id[RELEASE_REPORT_ID_SIZE];
};

struct lease_record {
    bool frozen;
    uint64_t generation; /* counts the owner's commands */
    uint64_t epoch;      /* of the newest grant; 0: there was none */

    bool has_committed;
    uint8_t committed[RELEASE_STATE_SIZE]; /* counter u64be, root */
    uint64_t committed_epoch;              /* in which it was written; 0: the owner accepted it */
    bool has_ek_digest;
    uint8_t ek_digest[RELEASE_DIGEST_SIZE];

    enum lease_phase phase;
    uint8_t lease[RELEASE_LEASE_SIZE]; /* this and the following: unless LEASE_NONE */
    uint8_t holder[RELEASE_REPORT_ID_SIZE];
    uint64_t sequence; /* of its last request that was answered with OK */
    time_t granted, renewed;

    uint32_t key_version;  /* that opens the committed state */
    uint32_t next_version; /* to which the next boot changes over; 0: none */
    uint32_t last_version; /* that is destroyed at the next CONFIRM; 0: none */

    struct lease_complaint complaint; /* the last one, until the owner did something about it */
};

/* Why a request was answered as it was. Value, status, code for the audit log, words. */
#define LEASE_REASONS(R)                                                                           \
    R(OK, OK, "ok", "it was done")                                                                 \
    R(BUSY, BUSY, "lease-busy", "another VM has the lease")                                        \
    R(HELD_BEFORE, SUPERSEDED, "lease-held-before",                                                \
      "this start of the VM had a lease already, and lost it")                                     \
    R(SUPERSEDED, SUPERSEDED, "lease-superseded", "the lease is not this VM's any more")           \
    R(STALE, STALE, "state-stale", "the state that this builds on is not the committed one")       \
    R(NOT_CONFIRMED, STALE, "lease-not-confirmed", "no state was confirmed under this lease yet")  \
    R(KEY_UNKNOWN, STALE, "key-version-unknown",                                                   \
      "the state is under a key that is neither the volume's nor the one to change over to")       \
    R(EK_CHANGED, STALE, "ek-changed", "the volume's TPM had another endorsement key")             \
    R(FROZEN, FROZEN, "volume-frozen", "the owner froze the volume")                               \
    R(CONFIRMED, RETRY, "lease-confirmed", "this VM has the key already, and went on")             \
    R(LATE, RETRY, "request-late", "a later request of this VM was answered before")               \
    R(DISK_REFUSED, OK, "disk-refused", "the disk does not show the committed state")              \
    R(COMPLAINT_IGNORED, OK, "complaint-ignored", "the VM had confirmed a state before")

enum lease_reason {
#define R(name, status, code, words) LEASE_REASON_##name,
    LEASE_REASONS(R)
#undef R
};

enum release_status lease_status(enum lease_reason reason);
const char *lease_reason_code(enum lease_reason reason);
const char *lease_reason_text(enum lease_reason reason);

struct lease_input {
    const struct release_request *request; /* well-formed, as release_request_parse leaves it */
    const struct lease_policy *policy;     /* with a mode other than LEASE_OFF */
    uint8_t report_id[RELEASE_REPORT_ID_SIZE];
    bool held_before; /* this report_id had a lease of this volume at any time */
    uint8_t new_lease[RELEASE_LEASE_SIZE]; /* random, for a grant */
    time_t now;
};

struct lease_output {
    enum lease_reason reason;
    bool changed;         /* the record is to be stored */
    bool granted;         /* a new lease: its holder is to be remembered */
    bool gives_key;       /* the answer carries key_version's key and, if there is one, next's */
    uint32_t promoted;    /* the volume's key is this version from now on; 0: no change */
    uint32_t destroyed;   /* the key of this version is to be destroyed; 0: none */
    uint32_t retry_after; /* seconds, with BUSY; LEASE_FOREVER when only the owner can end it */
};

/* Applies a request to the record. */
struct lease_output lease_step(struct lease_record *record, const struct lease_input *input);

/* The policy flags of a record's answer. */
uint32_t lease_flags(const struct lease_record *record, const struct lease_policy *policy);

/* Fills in what an answer tells of the lease and the committed state. */
void lease_tell(const struct lease_record *record, const struct lease_input *input,
                const struct lease_output *output, struct release_record *answer);

/* Seconds that the lease still lasts; 0 when nobody has one, LEASE_FOREVER when it never ends. */
uint32_t lease_left(const struct lease_record *record, const struct lease_policy *policy,
                    time_t now);

/* The counter of a state. */
uint64_t lease_counter(const uint8_t state[RELEASE_STATE_SIZE]);

/* The owner's commands; each says whether there was something to do. */

/* Ends the lease: its holder persists nothing any more. */
MUST_CHECK bool lease_break(struct lease_record *record);

MUST_CHECK bool lease_freeze(struct lease_record *record);
MUST_CHECK bool lease_thaw(struct lease_record *record);

/* Makes the state of the last complaint the committed one, or none for a blank disk. A lease ends.
 */
MUST_CHECK bool lease_accept(struct lease_record *record);

/* Has no state committed and no key to change over to, for a key that opens none of the older
 * states. A lease ends. */
MUST_CHECK bool lease_forget(struct lease_record *record);

/*
 * The record is of a backup. Who had the lease since then, and which state he committed, is not
 * known: from now on nobody has it for the time of one lease, after which he has stopped, and no
 * lease of before is good any more. The committed state stays what it was then.
 */
void lease_restored(struct lease_record *record, time_t now);

/* Has the next boot change over to the key of this version. */
MUST_CHECK bool lease_rekey(struct lease_record *record, uint32_t version);

/* Has it stay with its key. A VM that was given the other one and has not confirmed a state yet
 * loses its lease. */
MUST_CHECK bool lease_cancel_rekey(struct lease_record *record);

#endif
