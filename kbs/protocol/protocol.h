/* SPDX-License-Identifier: MIT */
/*
 * The public side: the Key Broker Service protocol 0.4.0, in the dialects of COCONUT-SVSM's proxy
 * and of Trustee's clients, and with signed release records.
 *
 *   POST /kbs/v0/auth                       opens a session, gives a nonce
 *   POST /kbs/v0/attest                     verifies evidence over that nonce, gives a token
 *   GET  /kbs/v0/resource/REPO/TYPE/TAG     gives a secret, encrypted to the attested key
 *   GET  /.well-known/jwks.json             the keys that verify tokens
 *   GET  /kbs/v0/ca.pem                     the authorities that certify endorsement keys
 *   GET  /kbs/v0/ca.crl                     what they revoked
 */
#ifndef SNPVTPM_KBS_PROTOCOL_PROTOCOL_H
#define SNPVTPM_KBS_PROTOCOL_PROTOCOL_H

#include "kbs/http/message.h"
#include "kbs/kbs.h"

#define PROTOCOL_BODY_MAX 65536 /* bytes */
#define CA_CRL_PATH       "/kbs/v0/ca.crl"

/* An http_handler; context is a struct kbs. */
void protocol_answer(void *context, const struct http_request *request, struct http_reply *reply);

#endif
