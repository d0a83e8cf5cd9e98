/* SPDX-License-Identifier: MIT */
/*
 * The SVSM's end of a lease (docs/anchoring.md). A boot begins with ACQUIRE, before the volume is
 * opened. Then comes CONFIRM, when the boot's first state is durable, before the guest starts; or
 * COMPLAIN, when the disk does not show the committed state. From CONFIRM on the lease is kept by
 * ANCHOR, RENEW and RELEASE, for whose answers nobody waits.
 */
#ifndef SNPVTPM_SERVICES_ATTEST_LEASE_H
#define SNPVTPM_SERVICES_ATTEST_LEASE_H

#include "lib/abi/state_grant.h"
#include "services/attest/fetch_key.h"

#define LEASE_ASK_AGAIN        5 /* seconds between two questions while another VM has the lease */
#define LEASE_CONFIRM_ATTEMPTS 3

/* Milliseconds that a processor of the guest's stands still at a time for an exchange while the
 * guest runs: as long as bytes come, and when none do. */
#define LEASE_KEEP_WAIT 250
#define LEASE_KEEP_GAP  10

enum lease_stage {
    LEASE_STAGE_NONE,    /* none was acquired */
    LEASE_STAGE_GRANTED, /* CONFIRM or COMPLAIN is due */
    LEASE_STAGE_KEPT,
    LEASE_STAGE_LOST, /* for ever: this start of the VM gets no other */
};

struct lease {
    uint64_t sequence; /* of the last request */
    enum lease_stage stage;
    struct release_request terms; /* what each request says of the lease; from: as committed */
    uint32_t time;                /* that the lease lasts from a request on, in seconds */
    bool in_doubt;                /* whether the KBS has committed this state: */
    uint8_t doubtful[RELEASE_STATE_SIZE];
    struct exchange *exchange;    /* that was begun; NULL: none */
    struct release_request asked; /* in it */
    void (*pause)(unsigned int seconds);
};

/* Lets real time pass. */
void lease_pause(unsigned int seconds);

/*
 * Has the key released. For a volume with leases grant says so, and lease_confirm() is due. While
 * another VM has the lease, this waits as long as the KBS says that lease lasts, not longer, and
 * says so on the log. The caller wipes grant; on failure it holds no key.
 */
MUST_CHECK enum attest_error lease_acquire(struct lease *lease, const struct kbs_access *access,
                                           struct state_grant *grant);

/*
 * Has the KBS commit the boot's first state. Its answer may be lost, so what is no answer of the
 * KBS's is asked again, a few times. ATTEST_ERR_REQUEST when nothing is to be confirmed. *time is
 * for how many seconds from the request on others wait for this VM. With the TPM's endorsement
 * keys, unless ek is NULL, certificates of theirs are asked for.
 */
MUST_CHECK enum attest_error lease_confirm(struct lease *lease, const struct kbs_access *access,
                                           const struct state_name *state,
                                           const struct ek_request *ek, uint32_t *time,
                                           struct ek_certificates *certificates);

/*
 * Tells the KBS that the disk shows this state, or none (NULL), where it should show the committed
 * one. The lease is given up. ATTEST_ERR_REQUEST when it is too late for that.
 */
MUST_CHECK enum attest_error lease_complain(struct lease *lease, const struct kbs_access *access,
                                            const struct state_name *found);

/*
 * ANCHOR or RELEASE with the newest state, which is durable, or RENEW (state NULL). With
 * ATTEST_ERR_PENDING it is not done yet, and the same call goes on with it; another one first ends
 * what was begun. A state about which the KBS's answer is missing is asked for again before any
 * other. ATTEST_ERR_LEASE_LOST: the VM must persist nothing more. *time as with lease_confirm().
 * It has a third of the lease's time, from 2 to 20 s, and not access's.
 */
MUST_CHECK enum attest_error lease_keep(struct lease *lease, const struct kbs_access *access,
                                        enum release_op op, const struct state_name *state,
                                        uint32_t *time);

#endif
