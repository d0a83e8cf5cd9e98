/* SPDX-License-Identifier: MIT */
/*
 * What can go wrong in the attestation service, in words and as the status of docs/service-abi.md.
 *
 * The words are fixed: nothing that came from the host is ever part of them.
 */
#ifndef SNPVTPM_SERVICES_ATTEST_ATTEST_ERROR_H
#define SNPVTPM_SERVICES_ATTEST_ATTEST_ERROR_H

#include "lib/abi/attest_service.h"

enum attest_error {
    ATTEST_OK = 0,

    ATTEST_ERR_REQUEST, /* from the SVSM: malformed */
    ATTEST_ERR_PENDING, /* not done yet: the same call goes on */

    ATTEST_ERR_PROXY_SILENT, /* the deadline passed */
    ATTEST_ERR_PROXY_CLOSED,
    ATTEST_ERR_FRAME_SIZE,
    ATTEST_ERR_JSON,
    ATTEST_ERR_NEGOTIATION, /* NegotiationResponse: member missing or of the wrong type */
    ATTEST_ERR_RECIPE,      /* params is not our constant */
    ATTEST_ERR_CHALLENGE_SIZE,
    ATTEST_ERR_ATTESTATION, /* AttestationResponse: member missing, of the wrong type or size */
    ATTEST_ERR_HEADER, /* protected header: not our algorithms, or another epk than beside it */
    ATTEST_ERR_EPK,    /* epk is not a point of P-521 */

    /* where the image demands a signed release record */
    ATTEST_ERR_UNSIGNED,        /* the challenge is not of a KBS that signs */
    ATTEST_ERR_RELEASE_MISSING, /* no record in the header */
    ATTEST_ERR_RELEASE_MALFORMED,
    ATTEST_ERR_RELEASE_UNTRUSTED,  /* signed by no pinned key */
    ATTEST_ERR_RELEASE_ECHO,       /* about another operation, volume or challenge */
    ATTEST_ERR_RELEASE_EVIDENCE,   /* about another report or another key */
    ATTEST_ERR_RELEASE_COMMITMENT, /* the content key is not the one committed to */
    ATTEST_ERR_RELEASE_DENIED,
    ATTEST_ERR_RELEASE_NO_VOLUME,
    ATTEST_ERR_RELEASE_BUSY,
    ATTEST_ERR_RELEASE_SUPERSEDED,
    ATTEST_ERR_RELEASE_STALE,
    ATTEST_ERR_RELEASE_RETRY,
    ATTEST_ERR_RELEASE_FROZEN,
    ATTEST_ERR_RELEASE_NOT_NOW, /* any other status */
    ATTEST_ERR_LEASE_HELD,      /* BUSY still, after a lease's time */
    ATTEST_ERR_LEASE_LOST,      /* it is another VM's, or nobody's */
    ATTEST_ERR_LEASE_MALFORMED, /* a record with some of what tells a lease */
    ATTEST_ERR_LEASE_POLICY,    /* a policy that this program does not know how to keep */

    /* as the proxy tells them */
    ATTEST_ERR_KBS_UNREACHABLE,
    ATTEST_ERR_KBS_REFUSED, /* by the KBS, in its own words */
    ATTEST_ERR_KBS_PROTOCOL,
    ATTEST_ERR_KBS_TLS,
    ATTEST_ERR_KBS_BUSY,
    ATTEST_ERR_KBS_ERROR,    /* HTTP status 5xx */
    ATTEST_ERR_KBS_GATEWAY,  /* 502, 504 */
    ATTEST_ERR_KBS_REDIRECT, /* 3xx */
    ATTEST_ERR_KBS_VERSION,  /* the KBS refuses before there is evidence */
    ATTEST_ERR_VERSION,      /* the proxy does not speak our version of the protocol */
    ATTEST_ERR_MESSAGE,      /* the proxy has no use for our message */
    ATTEST_ERR_UNEXPLAINED,  /* a failure for no reason, or one that is not known here */

    ATTEST_ERR_AMD_SP_BUSY,
    ATTEST_ERR_AMD_SP_INVALID_LEN,
    ATTEST_ERR_AMD_SP_FAILED,   /* VMM or firmware status, or the descriptor failed */
    ATTEST_ERR_AMD_SP_RESPONSE, /* not the answer to our message, or not authentic */
    ATTEST_ERR_AMD_SP_REFUSED,  /* authentic response, STATUS is not 0 */
    ATTEST_ERR_AMD_SP_REPORT,   /* authentic response, but not the report we asked for */
    ATTEST_ERR_AMD_SP_DISABLED, /* VMPCK0 was wiped after an earlier failure */

    ATTEST_ERR_DECRYPT,
    ATTEST_ERR_SECRET_SIZE,

    ATTEST_ERR_INTERNAL, /* no memory, no entropy */
    ATTEST_ERR_KEY_NOT_TAKEN,

    ATTEST_ERROR_COUNT
};

/* One sentence: what happened, to which thing, what to do. Static storage. */
const char *attest_error_words(enum attest_error error);

/* For the channel; with 10 more, exit statuses of the native front-end. */
enum attest_status attest_error_status(enum attest_error error);

#endif
