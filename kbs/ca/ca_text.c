/* SPDX-License-Identifier: MIT */
/* What anybody may have of the authorities: their certificates and CRLs, as PEM text. */
#include "kbs/ca/ca.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "kbs/keys/keyring.h"

#define DAY 86400L

struct listed {
    uint8_t id[SIGNING_KEY_ID_SIZE];
    X509 *certificate;
};

/* Those that are not retired; read out before the store is asked for more. */
struct list {
    size_t count;
    struct listed *listed;
    bool failed;
};

static void take(void *context, const struct authority_entry *entry)
{
    struct list *list = context;
    const uint8_t *der = entry->der;
    struct listed *larger;

    if (entry->retired)
        return;
    larger = reallocarray(list->listed, list->count + 1, sizeof(*larger));
    list->failed |= !larger;
    if (!larger)
        return;
    list->listed = larger;
    larger[list->count].certificate = d2i_X509(NULL, &der, (long)entry->size);
    list->failed |= !larger[list->count].certificate;
    memcpy(larger[list->count++].id, entry->id, SIGNING_KEY_ID_SIZE);
}

static enum store_status list_authorities(struct store_unit *unit, struct list *list)
{
    enum store_status status;

    *list = (struct list){0};
    status = authority_each(unit, take, list);
    return status == STORE_OK && list->failed ? STORE_FAILED : status;
}

static void list_free(struct list *list)
{
    for (size_t i = 0; i < list->count; i++)
        X509_free(list->listed[i].certificate);
    free(list->listed);
}

/* Takes what was written out of memory, as text that free() frees; NULL when it failed. */
static char *text_of(BIO *memory, size_t *size)
{
    char *bytes, *text;

    *size = (size_t)BIO_get_mem_data(memory, &bytes);
    text = malloc(*size + 1);
    if (!text)
        return NULL;
    if (*size != 0) /* nothing has no place */
        memcpy(text, bytes, *size);
    text[*size] = '\0';
    return text;
}

/* Writes something of each authority. */
typedef enum store_status write_one(struct store_unit *unit, const struct listed *listed,
                                    time_t now, BIO *to);

static enum store_status write_all(struct store_unit *unit, time_t now, write_one *write,
                                   char **pem, size_t *size)
{
    BIO *memory = BIO_new(BIO_s_mem());
    struct list list;
    enum store_status status = list_authorities(unit, &list);

    *pem = NULL;
    if (!memory)
        status = STORE_FAILED;
    for (size_t i = 0; i < list.count && status == STORE_OK; i++)
        status = write(unit, &list.listed[i], now, memory);
    if (status == STORE_OK) {
        *pem = text_of(memory, size);
        status = *pem ? STORE_OK : STORE_FAILED;
    }
    BIO_free(memory);
    list_free(&list);
    return status;
}

/* Certificates */

static enum store_status write_certificate(struct store_unit *unit, const struct listed *listed,
                                           time_t now, BIO *to)
{
    (void)unit;
    (void)now;
    return PEM_write_bio_X509(to, listed->certificate) == 1 ? STORE_OK : STORE_FAILED;
}

enum store_status ca_certificates(struct store_unit *unit, char **pem, size_t *size)
{
    return write_all(unit, 0, write_certificate, pem, size);
}

/* CRLs */

struct revoking {
    X509_CRL *crl;
    bool failed;
};

/* Extensions of an entry come from its reason. */
static bool add_reason(X509_REVOKED *entry, enum revocation reason)
{
    ASN1_ENUMERATED *code = ASN1_ENUMERATED_new();
    bool added = code && ASN1_ENUMERATED_set(code, (long)reason) == 1 &&
                 X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, code, 0, 0) == 1;

    ASN1_ENUMERATED_free(code);
    return added;
}

static bool set_serial(X509_REVOKED *entry, const uint8_t bytes[CERTIFICATE_SERIAL_SIZE])
{
    BIGNUM *number = BN_bin2bn(bytes, CERTIFICATE_SERIAL_SIZE, NULL);
    ASN1_INTEGER *serial = number ? BN_to_ASN1_INTEGER(number, NULL) : NULL;
    bool set = serial && X509_REVOKED_set_serialNumber(entry, serial) == 1;

    ASN1_INTEGER_free(serial);
    BN_free(number);
    return set;
}

static void add_revoked(void *context, const uint8_t serial[CERTIFICATE_SERIAL_SIZE], time_t when,
                        enum revocation reason)
{
    struct revoking *revoking = context;
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *time = ASN1_TIME_set(NULL, when);

    if (!entry || !time || !set_serial(entry, serial) ||
        X509_REVOKED_set_revocationDate(entry, time) != 1 || !add_reason(entry, reason) ||
        X509_CRL_add0_revoked(revoking->crl, entry) != 1) {
        X509_REVOKED_free(entry);
        revoking->failed = true;
    }
    ASN1_TIME_free(time);
}

/* A number that rises: the time. */
static bool number_crl(X509_CRL *crl, time_t now)
{
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    bool set = number && ASN1_INTEGER_set_int64(number, now) == 1 &&
               X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0) == 1;

    ASN1_INTEGER_free(number);
    return set;
}

static bool name_issuer(X509_CRL *crl, X509 *issuer)
{
    X509_EXTENSION *extension;
    X509V3_CTX context;
    bool added;

    X509V3_set_ctx(&context, issuer, NULL, NULL, crl, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, NID_authority_key_identifier, "keyid:always");
    added = extension && X509_CRL_add_ext(crl, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added && X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) == 1;
}

/* From a day ago, as certificates, for clocks that are behind. */
static bool date_crl(X509_CRL *crl, time_t now)
{
    ASN1_TIME *from = ASN1_TIME_set(NULL, now - DAY),
              *to = ASN1_TIME_set(NULL, now + CRL_DAYS * DAY);
    bool set = from && to && X509_CRL_set1_lastUpdate(crl, from) == 1 &&
               X509_CRL_set1_nextUpdate(crl, to) == 1;

    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    return set;
}

static enum store_status write_crl(struct store_unit *unit, const struct listed *listed, time_t now,
                                   BIO *to)
{
    struct revoking revoking = {.crl = X509_CRL_new()};
    X509_CRL *crl = revoking.crl;
    EVP_PKEY *key = NULL;
    enum store_status status = keyring_load(unit, listed->id, &key);

    if (status == STORE_OK &&
        (!crl || X509_CRL_set_version(crl, X509_CRL_VERSION_2) != 1 ||
         !name_issuer(crl, listed->certificate) || !date_crl(crl, now) || !number_crl(crl, now)))
        status = STORE_FAILED;
    if (status == STORE_OK)
        status = ek_entry_each_revoked(unit, listed->id, add_revoked, &revoking);
    if (status == STORE_OK &&
        (revoking.failed || X509_CRL_sort(crl) != 1 || X509_CRL_sign(crl, key, EVP_sha384()) <= 0 ||
         PEM_write_bio_X509_CRL(to, crl) != 1))
        status = STORE_FAILED;
    EVP_PKEY_free(key);
    X509_CRL_free(crl);
    return status;
}

enum store_status ca_crls(struct store_unit *unit, time_t now, char **pem, size_t *size)
{
    return write_all(unit, now, write_crl, pem, size);
}
