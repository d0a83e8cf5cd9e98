/* SPDX-License-Identifier: MIT */
#include "kbs/protocol/attest_ek.h"

#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "kbs/ca/ca.h"
#include "kbs/protocol/attestation.h"
#include "kbs/protocol/outcome.h"
#include "lib/base/hex.h"
#include "lib/base/writer.h"
#include "lib/ek/digest.h"

static_assert(RELEASE_EK_KEYS_SIZE == sizeof(struct ek_keys), "what a request carries");

/* The keys of the request */

static struct ek_keys keys_of(const struct attestation *attestation)
{
    struct ek_keys keys;

    memcpy(&keys, attestation->asked.ek_keys, sizeof(keys));
    return keys;
}

/* Only what a measured SVSM says of its TPM gets here; it is checked all the same. */
static bool check_keys(struct attestation *attestation)
{
    struct ek_keys keys = keys_of(attestation);
    uint8_t digest[EK_DIGEST_SIZE];

    if (!ek_keys_are_sound(&keys))
        return attestation_refuse(attestation, refusal_of(REFUSAL_RELEASE_REQUEST),
                                  "the endorsement keys are no keys");
    if (!ek_keys_digest(&keys, digest) ||
        memcmp(digest, attestation->asked.ek_digest, sizeof(digest)) != 0)
        return attestation_refuse(attestation, refusal_of(REFUSAL_RELEASE_REQUEST),
                                  "the digest is not that of the endorsement key");
    return true;
}

/* Certificates that are there */

struct found {
    struct ek_turn *turn;
    unsigned kinds; /* bits */
};

static void take_stored(void *context, const struct ek_entry *entry)
{
    struct found *found = context;
    struct ek_given *given = &found->turn->given[entry->kind];

    if (entry->size > sizeof(given->der))
        return;
    found->kinds |= 1u << entry->kind;
    memcpy(given->serial, entry->serial, sizeof(given->serial));
    memcpy(given->der, entry->der, entry->size);
    given->size = entry->size;
}

/* Looks for those of the active authority; turn->stored says whether all are there. */
static enum store_status look(const struct attestation *attestation, struct store_unit *unit,
                              struct authority *authority, struct ek_turn *turn)
{
    const uint8_t *digest = attestation->asked.ek_digest;
    struct found found = {.turn = turn};
    bool barred = false;
    enum store_status status = ek_entry_is_barred(unit, attestation->volume.id, digest, &barred);

    turn->applies = turn->stored = false;
    if (status != STORE_OK || barred)
        return status;
    status = ca_active(unit, authority, turn->authority);
    if (status == STORE_NOT_FOUND) /* the owner retired the last one */
        return STORE_OK;
    if (status == STORE_OK)
        status = ek_entry_each(unit, turn->authority, attestation->volume.id, digest, take_stored,
                               &found);
    turn->applies = status == STORE_OK;
    turn->stored = turn->applies && found.kinds == (1u << EK_KINDS) - 1;
    return status;
}

/* Making them */

static bool take_issued(X509 *certificate, struct ek_given *given)
{
    const ASN1_INTEGER *serial = certificate ? X509_get0_serialNumber(certificate) : NULL;
    uint8_t *der = NULL;
    int size = certificate ? i2d_X509(certificate, &der) : 0;
    bool taken = size > 0 && (size_t)size <= sizeof(given->der) &&
                 ASN1_STRING_length(serial) == CERTIFICATE_SERIAL_SIZE;

    if (taken) {
        memcpy(given->serial, ASN1_STRING_get0_data(serial), sizeof(given->serial));
        memcpy(given->der, der, (size_t)size);
        given->size = (size_t)size;
    }
    OPENSSL_free(der);
    return taken;
}

static bool issue(const struct attestation *attestation, const struct authority *authority,
                  struct ek_turn *turn)
{
    struct ek_owner owner = {.volume_id = attestation->volume.id,
                             .volume_name = attestation->volume.name};
    struct ek_keys keys = keys_of(attestation);
    bool issued = true;

    for (enum ek_kind kind = 0; kind < EK_KINDS && issued; kind++) {
        X509 *certificate =
            ek_certificate_issue(authority, &keys, kind, &owner, attestation->request->now);

        issued = take_issued(certificate, &turn->given[kind]);
        X509_free(certificate);
    }
    return issued;
}

/* Finds or makes them, in a unit of work that may only read. */
static enum store_status take_turn(const struct attestation *attestation, struct store_unit *unit,
                                   struct ek_turn *turn)
{
    struct authority authority = {0};
    enum store_status status = look(attestation, unit, &authority, turn);

    if (turn->applies && !turn->stored && !issue(attestation, &authority, turn))
        status = STORE_FAILED;
    ca_release(&authority);
    return status;
}

/* Sending them */

static size_t write_all(const struct ek_turn *turn, uint8_t out[EK_CERTIFICATES_MAX])
{
    struct writer w = writer_over(out, EK_CERTIFICATES_MAX);

    for (enum ek_kind kind = 0; kind < EK_KINDS; kind++) {
        const struct ek_given *given = &turn->given[kind];

        if (!writer_be32(&w, ek_nv_index(kind)) || !writer_be16(&w, (uint16_t)given->size) ||
            !writer_put(&w, given->der, given->size))
            return 0;
    }
    return w.used;
}

size_t attestation_ek_payload(const struct attestation *attestation,
                              uint8_t out[EK_CERTIFICATES_MAX])
{
    return attestation->ek.applies && attestation->ek.sent ? write_all(&attestation->ek, out) : 0;
}

/* Whether the TPM has these already. */
static bool are_there(const struct attestation *attestation, const struct ek_turn *turn)
{
    uint8_t bytes[EK_CERTIFICATES_MAX], digest[EK_DIGEST_SIZE];

    return attestation->asked.has_ek_certificates &&
           SHA384(bytes, write_all(turn, bytes), digest) &&
           memcmp(digest, attestation->asked.ek_certificates, sizeof(digest)) == 0;
}

bool attestation_foresee_ek(struct attestation *attestation)
{
    struct ek_turn *turn = &attestation->ek;
    struct store_unit *unit;
    enum store_status status;

    if (!attestation->asked.has_ek_keys)
        return true;
    if (!check_keys(attestation))
        return false;
    if (!attestation->lease.applies || attestation->grant.denied)
        return true;
    status = store_begin_reading(attestation->kbs->store, &unit);
    if (status == STORE_OK) {
        status = take_turn(attestation, unit, turn);
        store_abandon(unit);
    }
    if (status != STORE_OK)
        return attestation_refuse(attestation, refusal_of_store(status), "certificates");
    turn->sent = turn->applies && !are_there(attestation, turn);
    return true;
}

/* Storing them */

static void tell(struct attestation *attestation, struct outcome *outcome)
{
    struct ek_turn *turn = &attestation->ek;
    char serial[2 * CERTIFICATE_SERIAL_SIZE + 1];
    size_t used = (size_t)snprintf(turn->detail, sizeof(turn->detail),
                                   "%s%sEK certified:", outcome->detail ? outcome->detail : "",
                                   outcome->detail ? ", " : "");

    for (enum ek_kind kind = 0; kind < EK_KINDS && used < sizeof(turn->detail); kind++)
        used +=
            (size_t)snprintf(turn->detail + used, sizeof(turn->detail) - used, " %s",
                             hex_text(turn->given[kind].serial, CERTIFICATE_SERIAL_SIZE, serial));
    outcome->detail = turn->detail;
}

static enum store_status store_all(const struct attestation *attestation, struct store_unit *unit)
{
    const struct ek_turn *turn = &attestation->ek;
    struct ek_entry entry = {.issued = attestation->request->now};
    enum store_status status =
        ek_entry_revoke(unit, attestation->volume.id, attestation->asked.ek_digest,
                        REVOKED_SUPERSEDED, attestation->request->now, NULL);

    memcpy(entry.authority, turn->authority, sizeof(entry.authority));
    memcpy(entry.volume, attestation->volume.id, sizeof(entry.volume));
    memcpy(entry.ek_digest, attestation->asked.ek_digest, sizeof(entry.ek_digest));
    for (entry.kind = 0; entry.kind < EK_KINDS && status == STORE_OK; entry.kind++) {
        memcpy(entry.serial, turn->given[entry.kind].serial, sizeof(entry.serial));
        entry.der = turn->given[entry.kind].der;
        entry.size = turn->given[entry.kind].size;
        status = ek_entry_add(unit, &entry);
    }
    return status;
}

/* What is stored by now, or may not be given any more, takes the place of what was foreseen. */
static enum store_status look_again(struct attestation *attestation, struct store_unit *unit,
                                    bool *changed)
{
    struct ek_turn now = attestation->ek;
    struct authority authority = {0};
    enum store_status status = look(attestation, unit, &authority, &now);

    ca_release(&authority);
    *changed = !now.applies || now.stored != attestation->ek.stored ||
               memcmp(now.authority, attestation->ek.authority, sizeof(now.authority)) != 0;
    if (status == STORE_OK && *changed && now.applies && !now.stored)
        status = take_turn(attestation, unit, &now);
    if (status == STORE_OK && *changed) {
        now.sent = now.applies && !are_there(attestation, &now);
        attestation->ek = now;
    }
    return status;
}

enum store_status attestation_apply_ek(struct attestation *attestation, struct store_unit *unit,
                                       struct outcome *outcome, struct refusal *refusal)
{
    enum store_status status;
    bool changed = false;

    if (!attestation->ek.applies || attestation->grant.denied)
        return STORE_OK;
    status = look_again(attestation, unit, &changed);
    if (status == STORE_OK && attestation->ek.applies && !attestation->ek.stored) {
        status = store_all(attestation, unit);
        tell(attestation, outcome);
    }
    if (status == STORE_OK && changed && !attestation_make_reply(attestation, unit))
        *refusal = attestation->refusal;
    return status;
}
