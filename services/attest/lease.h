/* SPDX-License-Identifier: MIT */
/*
 * The SVSM's end of a lease (docs/anchoring.md): ACQUIRE before the volume is opened, and CONFIRM
 * when the boot's first state is durable. The guest starts only after that.
 */
#ifndef SNPVTPM_SERVICES_ATTEST_LEASE_H
#define SNPVTPM_SERVICES_ATTEST_LEASE_H

#include "lib/abi/state_grant.h"
#include "services/attest/fetch_key.h"

#define LEASE_ASK_AGAIN        5 /* seconds between two questions while another VM has the lease */
#define LEASE_CONFIRM_ATTEMPTS 3

struct lease {
    uint64_t sequence;              /* of the last request */
    bool confirmable;               /* acquired, and no state was confirmed yet */
    struct release_request confirm; /* what CONFIRM says of the lease */
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
 * KBS's is asked again, a few times. ATTEST_ERR_REQUEST when nothing is to be confirmed. With the
 * TPM's endorsement keys, unless ek is NULL, certificates of theirs are asked for.
 */
MUST_CHECK enum attest_error lease_confirm(struct lease *lease, const struct kbs_access *access,
                                           const struct state_name *state,
                                           const struct ek_request *ek,
                                           struct ek_certificates *certificates);

#endif
