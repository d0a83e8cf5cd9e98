/* SPDX-License-Identifier: MIT */
/* A made-up chip whose certificates and reports a test can get wrong in any one way. */
#ifndef SNPVTPM_TESTS_UNIT_KBS_CHIP_H
#define SNPVTPM_TESTS_UNIT_KBS_CHIP_H

#include <openssl/types.h>

#include "lib/jose/p521.h"
#include "lib/snp/report.h"

#define DAY 86400l

/* Of a Milan: boot loader 3, TEE 0, SNP 8, microcode 0xD5. */
#define CHIP_TCB 0xD508000000000003ull

/* The same of a Turin, with FMC 1. */
#define CHIP_TCB_TURIN 0xD500000008000301ull

#define CHIP_CSP_ID "Example Cloud"

struct chip {
    const char *platform; /* as in certificates: "Emulated", or a product's name */
    char ark_name[32], ask_name[32], asvk_name[32];
    EVP_PKEY *ark_key, *ask_key, *vcek_key, *vlek_key; /* the ASVK has the ASK's key */
    X509 *ark, *ask, *asvk, *vcek, *vlek;
    uint8_t id[CHIP_ID_SIZE]; /* as reports have it */
    size_t id_size;           /* significant bytes */
    uint64_t tcb;
};

/* How to make a certificate. */
struct certificate_spec {
    const char *subject, *issuer; /* common names */
    int subject_type;             /* of ASN.1, for a subject of any bytes; 0: a UTF8String */
    int subject_size;             /* then */
    EVP_PKEY *key, *issuer_key;
    long serial;
    long from, until; /* seconds from now */
    int salt;         /* of PSS, bytes; 0: PKCS #1 v1.5 instead */
    bool ca;
    const char *critical; /* OID of an unknown critical extension, or NULL */
    bool leaf;            /* with AMD's extensions */
    const uint8_t *hwid;  /* of a VCEK, or NULL */
    size_t hwid_size;
    const char *csp_id; /* of a VLEK, or NULL */
    uint64_t tcb;
    bool turin;              /* the layout of tcb */
    const char *omitted_oid; /* AMD extension that a leaf shall lack, or NULL */
};

struct certificate_spec chip_ark_spec(const struct chip *chip);
struct certificate_spec chip_ask_spec(const struct chip *chip);
struct certificate_spec chip_asvk_spec(const struct chip *chip);
struct certificate_spec chip_vcek_spec(const struct chip *chip);
struct certificate_spec chip_vlek_spec(const struct chip *chip);
X509 *chip_certificate(const struct certificate_spec *spec);

/* Makes keys, which takes seconds, and the chains ARK-Emulated, SEV-Emulated, SEV-VCEK and
 * ARK-Emulated, SEV-VLEK-Emulated, SEV-VLEK. */
void chip_make(struct chip *chip);
void chip_free(struct chip *chip);

/* Issues all certificates anew, of a chip of another platform with the same keys. */
void chip_become(struct chip *chip, const char *platform);

/* How to make a CRL. */
struct crl_spec {
    const char *issuer; /* common name */
    EVP_PKEY *key;
    long from, until;       /* seconds from now; until 0: no nextUpdate */
    long revoked;           /* serial number; 0: none */
    int salt;               /* of PSS; 0: PKCS #1 v1.5 */
    const char *critical;   /* OID of an unknown critical extension, or NULL */
    const char *only_scope; /* of a critical issuing distribution point, or NULL: "onlyuser",
                             * "onlyCA" */
};

struct crl_spec chip_crl_spec(const struct chip *chip);
X509_CRL *chip_crl(const struct crl_spec *spec);

/* A report that the verifier accepts, not yet signed. */
struct snp_report chip_report(const struct chip *chip, const uint8_t report_data[REPORT_DATA_SIZE]);
void chip_sign(const struct chip *chip, struct snp_report *report);

/* The same with the VLEK; KEY_INFO is the caller's. */
void chip_sign_with_vlek(const struct chip *chip, struct snp_report *report);

/* SHA-512(x, y, nonce). */
void chip_report_data(const struct p521_point *key, const uint8_t *nonce, size_t size,
                      uint8_t report_data[REPORT_DATA_SIZE]);

/* Writes a certificate table of these certificates (any may be NULL); returns its size. */
size_t chip_table(X509 *ark, X509 *ask, X509 *vcek, uint8_t *table, size_t room);

/* What a table may have; any may be NULL. */
struct chip_entries {
    X509 *ark, *ask, *vcek, *vlek;
    X509_CRL *crl;
};

size_t chip_whole_table(const struct chip_entries *entries, uint8_t *table, size_t room);

#endif
