/* SPDX-License-Identifier: MIT */
/* What can be asked of a source of collateral, and what comes back (AMD 57230). */
#ifndef SNPVTPM_KBS_COLLATERAL_ITEM_H
#define SNPVTPM_KBS_COLLATERAL_ITEM_H

#include <openssl/types.h>

#include "kbs/evidence/product.h"
#include "lib/snp/report.h"

enum item_kind {
    ITEM_VCEK,
    ITEM_CHAIN, /* the ASK or ASVK, and the ARK: one document of the KDS */
    ITEM_CRL,
};

struct item {
    enum item_kind kind;
    enum product product;
    bool vlek;                     /* not of a VCEK: what is beside VLEKs */
    bool ark;                      /* of a chain: the ARK is wanted, not the certificate below */
    uint8_t chip_id[CHIP_ID_SIZE]; /* of a VCEK, as the next one */
    struct tcb tcb;
};

/* Owns what it points at; only what belongs to the kind is set, and of a chain perhaps one. */
struct item_value {
    X509 *certificate; /* the VCEK, or a chain's ASK or ASVK */
    X509 *ark;
    X509_CRL *crl;
};

#define ITEM_BYTES_MAX (1 << 20)
#define ITEM_TEXT_MAX  320

/* The path of its URL at the KDS, from "/vcek" or "/vlek" on. */
void item_url_path(const struct item *item, char path[ITEM_TEXT_MAX]);

/* "C0C1...": the significant bytes of the chip id in lowercase hexadecimal. */
void item_hwid(const struct item *item, char text[2 * CHIP_ID_SIZE + 1]);

/* "bl03_tee00_snp08_ucode115", Turin's with "_fmc01" behind. */
void item_tcb(const struct item *item, char text[ITEM_TEXT_MAX]);

/* Reads what the KDS sends: DER, or PEM of a chain. False when it is anything else, or a VCEK of
 * another chip or TCB. */
MUST_CHECK bool item_read(const struct item *item, const uint8_t *bytes, size_t size,
                          struct item_value *value);

/* Whether what is wanted is there. */
MUST_CHECK bool item_value_has(const struct item_value *value, const struct item *wanted);

/* Adds what value lacks, out of more, which is handed over. */
void item_value_add(struct item_value *value, struct item_value *more);

/* References of one's own to the same. */
struct item_value item_value_share(const struct item_value *value);

void item_value_free(struct item_value *value);

#endif
