/* SPDX-License-Identifier: MIT */
#include "kbs/ca/ca.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "kbs/ca/x509_build.h"
#include "kbs/keys/keyring.h"
#include "lib/base/hex.h"

#define SHORT_ID 4 /* bytes of an id that are enough to tell authorities apart */

/* Making one */

struct kbs_name {
    bool known;
    uint8_t id[SIGNING_KEY_ID_SIZE];
};

static void take_release_key(void *context, const struct signing_key *key)
{
    struct kbs_name *name = context;

    if (key->use != SIGNING_KEY_RELEASE || key->retired || name->known)
        return;
    name->known = true;
    memcpy(name->id, key->id, sizeof(name->id));
}

/* The KBS is named by the key that images pin. */
static bool name_authority(X509 *certificate, const struct kbs_name *kbs,
                           const uint8_t id[SIGNING_KEY_ID_SIZE])
{
    char common[sizeof("Endorsement keys ") + 2 * SHORT_ID] = "Endorsement keys ";
    char organization[sizeof("KBS ") + 2 * SIGNING_KEY_ID_SIZE] = "KBS ";
    X509_NAME *subject = X509_get_subject_name(certificate);

    hex_text(id, SHORT_ID, common + strlen(common));
    hex_text(kbs->id, sizeof(kbs->id), organization + strlen(organization));
    return (!kbs->known || x509_add_name(subject, "O", organization)) &&
           x509_add_name(subject, "CN", common);
}

static X509 *self_signed(EVP_PKEY *key, const struct kbs_name *kbs,
                         const uint8_t id[SIGNING_KEY_ID_SIZE], time_t now)
{
    X509 *certificate = X509_new();

    if (certificate && name_authority(certificate, kbs, id) &&
        x509_begin(certificate, key, NULL, now, CA_DAYS) &&
        x509_finish_authority(certificate, key, EVP_sha384()))
        return certificate;
    X509_free(certificate);
    return NULL;
}

static enum store_status add_certificate(struct store_unit *unit, X509 *certificate,
                                         const uint8_t id[SIGNING_KEY_ID_SIZE])
{
    uint8_t *der = NULL;
    int size = certificate ? i2d_X509(certificate, &der) : 0;
    enum store_status status = size > 0 ? authority_add(unit, id, der, (size_t)size) : STORE_FAILED;

    OPENSSL_free(der);
    return status;
}

enum store_status ca_make(struct store_unit *unit, time_t now, uint8_t id[SIGNING_KEY_ID_SIZE])
{
    struct kbs_name kbs = {.known = false};
    EVP_PKEY *key = NULL;
    X509 *certificate = NULL;
    enum store_status status = signing_key_each(unit, take_release_key, &kbs);

    if (status == STORE_OK)
        status = keyring_generate(unit, SIGNING_KEY_CA, now, id);
    if (status == STORE_OK)
        status = keyring_load(unit, id, &key);
    if (status == STORE_OK) {
        certificate = self_signed(key, &kbs, id, now);
        status = add_certificate(unit, certificate, id);
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    return status;
}

/* Using one */

struct active {
    bool found, broken;
    uint8_t id[SIGNING_KEY_ID_SIZE];
    X509 *certificate;
};

static void take_active(void *context, const struct authority_entry *entry)
{
    struct active *active = context;
    const uint8_t *der = entry->der;

    if (active->found || entry->retired)
        return;
    active->found = true;
    memcpy(active->id, entry->id, sizeof(active->id));
    active->certificate = d2i_X509(NULL, &der, (long)entry->size);
    active->broken = !active->certificate;
}

enum store_status ca_active(struct store_unit *unit, struct authority *authority,
                            uint8_t id[SIGNING_KEY_ID_SIZE])
{
    struct active active = {.found = false};
    enum store_status status = authority_each(unit, take_active, &active);

    *authority = (struct authority){.certificate = active.certificate};
    memcpy(id, active.id, sizeof(active.id));
    if (status == STORE_OK && !active.found)
        status = STORE_NOT_FOUND;
    if (status == STORE_OK)
        status = active.broken ? STORE_FAILED : keyring_load(unit, id, &authority->key);
    if (status != STORE_OK)
        ca_release(authority);
    return status;
}

void ca_release(struct authority *authority)
{
    EVP_PKEY_free(authority->key);
    X509_free(authority->certificate);
    *authority = (struct authority){0};
}

/* A store_work. Another server may have made one meanwhile. */
static enum store_status make_first(struct store_unit *unit, void *context)
{
    const time_t *now = context;
    uint8_t id[SIGNING_KEY_ID_SIZE];
    struct authority authority;
    enum store_status status = ca_active(unit, &authority, id);

    ca_release(&authority);
    return status == STORE_NOT_FOUND ? ca_make(unit, *now, id) : status;
}

enum store_status ca_make_first(struct store *store, time_t now)
{
    uint8_t id[SIGNING_KEY_ID_SIZE];
    struct authority authority;
    struct store_unit *unit;
    enum store_status status = store_begin_reading(store, &unit);

    if (status != STORE_OK)
        return status;
    status = ca_active(unit, &authority, id);
    store_abandon(unit);
    ca_release(&authority);
    return status == STORE_NOT_FOUND ? store_change(store, make_first, &now) : status;
}
