/* SPDX-License-Identifier: MIT */
/*
 * A TPM whose volume has a lease: what the KBS is told and when, and which commands wait for its
 * answer (docs/anchoring.md). The SVSM carries messages and knows nothing of them: it asks for
 * what is due, hands that to the attestation service, and brings its answer back.
 *
 * Nothing here waits. A command that has to is kept, with its response when there is one already;
 * the SVSM has the guest ask again with the same command until it is answered.
 */
#ifndef SNPVTPM_SERVICES_TPM_LEASED_H
#define SNPVTPM_SERVICES_TPM_LEASED_H

#include "lib/base/reader.h"
#include "lib/base/writer.h"
#include "services/tpm/engine.h"

enum leased_phase {
    LEASED_NOT,         /* there is no lease */
    LEASED_REFUSED,     /* the disk does not show the committed state: the KBS is to be told */
    LEASED_UNCONFIRMED, /* the boot's first state is: the TPM answers nothing */
    LEASED_KEPT,
    LEASED_RELEASED, /* given back: another VM may have it. It is taken up again when a command
                        comes */
    LEASED_LOST,     /* another VM took over: this TPM is gone */
};

enum leased_wait {
    WAIT_NONE,
    WAIT_LEASE, /* the command is executed when the lease is known to be this VM's */
    WAIT_ANCHOR,
    WAIT_RELEASE,
    WAIT_OVER, /* the response is there, to be asked for */
};

/* Which changes are anchored before they are answered. */
enum leased_mode {
    LEASED_ANCHORS_NONE,
    LEASED_ANCHORS_MAJOR,
    LEASED_ANCHORS_ALL,
};

struct leased {
    enum leased_phase phase;
    enum leased_mode mode;
    bool found_state; /* LEASED_REFUSED: the disk shows this one, else none */
    struct state_name found;
    bool rekeys;        /* the state to be confirmed is under the volume's new key */
    uint32_t asked;     /* operation of the attestation service's, whose answer is due; 0: none */
    uint64_t asked_at;  /* ms: when it was first due */
    uint64_t renew_at;  /* ms */
    unsigned int tries; /* to get an answer, so far in vain */

    /* The newest state, if it is not anchored. */
    bool in_doubt;      /* it may be: the KBS did not answer */
    unsigned int minor; /* so many changes need not be, yet */
    uint64_t anchor_at; /* ms: when it is asked for, though no command waits */

    enum leased_wait wait;
    uint64_t answered_at; /* ms: WAIT_OVER since */
    uint8_t locality;
    size_t command_size, response_size;
    uint8_t command[TPM_COMMAND_MAX], response[TPM_RESPONSE_MAX];
};

/* The volume was opened with a lease that has these flags (enum state_grant_flag), or refused. */
void leased_begin(struct leased *leased, const struct engine *engine, enum engine_opening opening,
                  uint64_t flags);

/*
 * Executes a command, as engine_execute() does. 0: it waits for what is due, or another one does;
 * the same command again later brings the response.
 */
MUST_CHECK size_t leased_execute(struct leased *leased, struct engine *engine, uint8_t locality,
                                 const uint8_t *command, size_t size,
                                 uint8_t response[TPM_RESPONSE_MAX]);

/* Writes the request that the attestation service should get now, if any. */
MUST_CHECK bool leased_due(struct leased *leased, const struct engine *engine,
                           struct writer *request);

enum leased_told {
    LEASED_TOLD,
    LEASED_TOLD_PENDING, /* the same is due again */
    LEASED_TOLD_FAILED,  /* the state is not confirmed: there is no TPM */
    LEASED_TOLD_NOTHING, /* nothing was asked, or this is no answer to it */
};

/* Takes the attestation service's answer: its status, and what follows that. */
MUST_CHECK enum leased_told leased_told(struct leased *leased, struct engine *engine,
                                        struct reader *answer);

#endif
