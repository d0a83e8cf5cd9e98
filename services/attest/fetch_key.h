/* SPDX-License-Identifier: MIT */
/*
 * The exchange that has the KBS release the state key: negotiate, prove what we are, decrypt.
 *
 * The proxy and all else on the host only carry messages. Each call makes a fresh key pair, to
 * which the KBS encrypts; nobody can open an earlier reply again.
 */
#ifndef SNPVTPM_SERVICES_ATTEST_FETCH_KEY_H
#define SNPVTPM_SERVICES_ATTEST_FETCH_KEY_H

#include <stdint.h>

#include "lib/base/must_check.h"
#include "lib/ek/keys.h"
#include "services/attest/attest_error.h"
#include "services/attest/guest_request.h"
#include "services/attest/release_reply.h"

#define FETCH_KEY_TIMEOUT 60000 /* milliseconds */

/* Through which the KBS is asked. */
struct kbs_access {
    int proxy;            /* byte stream */
    unsigned int timeout; /* of an exchange, in milliseconds, but for the AMD-SP's time */
    struct guest_requester *requester;
    const struct release_terms *terms;
};

/*
 * An exchange that does not wait for the proxy, for any operation, where the image's terms have
 * pins: begun (NULL: no memory), then gone on with until the result is something else than
 * ATTEST_ERR_PENDING. A call waits so many milliseconds for what has not arrived, and no longer
 * than gap when nothing does. *request is as for release_terms_apply(), *record and *keys as from
 * release_reply_read(); the caller wipes *keys.
 */
struct exchange;
struct exchange *exchange_begin(const struct kbs_access *access,
                                const struct release_request *request);
MUST_CHECK enum attest_error exchange_go_on(struct exchange *x, unsigned int milliseconds,
                                            unsigned int gap, struct release_record *record,
                                            struct released_keys *keys);
void exchange_end(struct exchange *x); /* of NULL, too */

/*
 * Runs one exchange, for any operation, where the image's terms have pins, and waits for it;
 * otherwise as above.
 */
MUST_CHECK enum attest_error kbs_ask(const struct kbs_access *access,
                                     const struct release_request *request,
                                     struct release_record *record, struct released_keys *keys);

/*
 * Has the key released without a lease: runs one exchange over the byte stream proxy, on the
 * image's terms, within timeout milliseconds but for the AMD-SP's time. key holds the state key on
 * success and nothing otherwise; the caller wipes it.
 */
MUST_CHECK enum attest_error fetch_key(int proxy, unsigned int timeout,
                                       struct guest_requester *requester,
                                       const struct release_terms *terms,
                                       uint8_t key[STATE_KEY_SIZE]);

/* As the KBS gave them, unread: the TPM service looks at them. */
struct ek_certificates {
    uint8_t bytes[JWE_PLAINTEXT_MAX];
    size_t size; /* 0: none came */
};

/* The same for CONFIRM, whose answer may bring certificates of the endorsement keys. */
MUST_CHECK enum attest_error kbs_confirm(const struct kbs_access *access,
                                         const struct release_request *request,
                                         struct release_record *record,
                                         struct ek_certificates *certificates);

#endif
