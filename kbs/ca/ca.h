/* SPDX-License-Identifier: MIT */
/*
 * The KBS's certificate authorities for endorsement keys. The newest one that is not retired gives
 * certificates; all that are not retired are shown, and each revokes what it gave by its own CRL.
 * docs/ek-certificates.md.
 */
#ifndef SNPVTPM_KBS_CA_CA_H
#define SNPVTPM_KBS_CA_CA_H

#include "kbs/ca/ek_certificate.h"
#include "kbs/store/authorities.h"

#define CA_DAYS  7300
#define CRL_DAYS 7 /* until there has to be a newer one */

/* Makes a key, and an authority of it, which is the active one from then on. */
MUST_CHECK enum store_status ca_make(struct store_unit *unit, time_t now,
                                     uint8_t id[SIGNING_KEY_ID_SIZE]);

/* Makes one unless there is one: a store of an older version has none. */
MUST_CHECK enum store_status ca_make_first(struct store *store, time_t now);

/* The active authority, to be released, and its id. STORE_NOT_FOUND when there is none. */
MUST_CHECK enum store_status ca_active(struct store_unit *unit, struct authority *authority,
                                       uint8_t id[SIGNING_KEY_ID_SIZE]);
void ca_release(struct authority *authority);

/* The authorities' own certificates, the active one's first, as PEM text; the caller frees it. */
MUST_CHECK enum store_status ca_certificates(struct store_unit *unit, char **pem, size_t *size);

/* The authorities' CRLs of now, likewise. */
MUST_CHECK enum store_status ca_crls(struct store_unit *unit, time_t now, char **pem, size_t *size);

#endif
