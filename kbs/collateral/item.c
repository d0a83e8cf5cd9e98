/* SPDX-License-Identifier: MIT */
#include "kbs/collateral/item.h"

#include <stdio.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "kbs/evidence/certificates.h"
#include "kbs/evidence/leaf.h"
#include "lib/base/hex.h"

void item_hwid(const struct item *item, char text[2 * CHIP_ID_SIZE + 1])
{
    hex_text(item->chip_id, product_chip_id_size(item->product), text);
}

void item_tcb(const struct item *item, char text[ITEM_TEXT_MAX])
{
    const struct tcb *tcb = &item->tcb;
    int used = snprintf(text, ITEM_TEXT_MAX, "bl%02u_tee%02u_snp%02u_ucode%02u", tcb->bootloader,
                        tcb->tee, tcb->snp, tcb->microcode);

    if (product_has_fmc(item->product))
        snprintf(text + used, (size_t)(ITEM_TEXT_MAX - used), "_fmc%02u", tcb->fmc);
}

static void vcek_url_path(const struct item *item, char path[ITEM_TEXT_MAX])
{
    const struct tcb *tcb = &item->tcb;
    char hwid[2 * CHIP_ID_SIZE + 1], fmc[16] = "";

    item_hwid(item, hwid);
    if (product_has_fmc(item->product))
        snprintf(fmc, sizeof(fmc), "fmcSPL=%02u&", tcb->fmc);
    snprintf(path, ITEM_TEXT_MAX,
             "/vcek/v1/%s/%s?%sblSPL=%02u&teeSPL=%02u&snpSPL=%02u&ucodeSPL=%02u",
             product_name(item->product), hwid, fmc, tcb->bootloader, tcb->tee, tcb->snp,
             tcb->microcode);
}

void item_url_path(const struct item *item, char path[ITEM_TEXT_MAX])
{
    if (item->kind == ITEM_VCEK)
        vcek_url_path(item, path);
    else
        snprintf(path, ITEM_TEXT_MAX, "/%s/v1/%s/%s", item->vlek ? "vlek" : "vcek",
                 product_name(item->product), item->kind == ITEM_CRL ? "crl" : "cert_chain");
}

MUST_CHECK static bool read_vcek(const struct item *item, const uint8_t *bytes, size_t size,
                                 struct item_value *value)
{
    value->certificate = certificate_parse(bytes, size);
    return value->certificate &&
           leaf_is_for(value->certificate, item->product, item->chip_id, &item->tcb);
}

/* The KDS sends the intermediate and the root together, in this order. */
MUST_CHECK static bool read_chain(const uint8_t *bytes, size_t size, struct item_value *value)
{
    BIO *text = BIO_new_mem_buf(bytes, (int)size);

    if (text)
        value->certificate = PEM_read_bio_X509(text, NULL, NULL, NULL);
    if (value->certificate)
        value->ark = PEM_read_bio_X509(text, NULL, NULL, NULL);
    BIO_free(text);
    return value->ark != NULL;
}

bool item_read(const struct item *item, const uint8_t *bytes, size_t size, struct item_value *value)
{
    bool read = false;

    *value = (struct item_value){0};
    if (size > ITEM_BYTES_MAX)
        return false;
    switch (item->kind) {
    case ITEM_VCEK:
        read = read_vcek(item, bytes, size, value);
        break;
    case ITEM_CHAIN:
        read = read_chain(bytes, size, value);
        break;
    case ITEM_CRL:
        value->crl = crl_parse(bytes, size);
        read = value->crl != NULL;
        break;
    }
    if (!read)
        item_value_free(value);
    ERR_clear_error();
    return read;
}

bool item_value_has(const struct item_value *value, const struct item *wanted)
{
    if (wanted->kind == ITEM_CRL)
        return value->crl != NULL;
    return (wanted->ark ? value->ark : value->certificate) != NULL;
}

/* Moves a reference to where there is none. */
#define MOVE(to, from)                                                                             \
    do {                                                                                           \
        if (!(to)) {                                                                               \
            (to) = (from);                                                                         \
            (from) = NULL;                                                                         \
        }                                                                                          \
    } while (0)

void item_value_add(struct item_value *value, struct item_value *more)
{
    MOVE(value->certificate, more->certificate);
    MOVE(value->ark, more->ark);
    MOVE(value->crl, more->crl);
    item_value_free(more);
}

struct item_value item_value_share(const struct item_value *value)
{
    if (value->certificate)
        X509_up_ref(value->certificate);
    if (value->ark)
        X509_up_ref(value->ark);
    if (value->crl)
        X509_CRL_up_ref(value->crl);
    return *value;
}

void item_value_free(struct item_value *value)
{
    X509_free(value->certificate);
    X509_free(value->ark);
    X509_CRL_free(value->crl);
    *value = (struct item_value){0};
}
