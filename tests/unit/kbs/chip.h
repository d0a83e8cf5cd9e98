/* SPDX-License-Identifier: MIT */
/* A made-up chip whose certificates and reports a test can get wrong in any one way. */
#ifndef SNPVTPM_TESTS_KBS_CHIP_H
#define SNPVTPM_TESTS_KBS_CHIP_H

#include <openssl/types.h>

#include "lib/jose/p521.h"
#include "lib/snp/report.h"

#define DAY 86400l

/* Of a Milan: boot loader 3, TEE 0, SNP 8, microcode 0xD5. */
#define CHIP_TCB 0xD508000000000003ull

struct chip {
    EVP_PKEY *ark_key, *ask_key, *vcek_key;
    X509 *ark, *ask, *vcek;
    uint8_t id[CHIP_ID_SIZE];
};

/* How to make a certificate. */
struct certificate_spec {
    const char *subject, *issuer; /* common names */
    EVP_PKEY *key, *issuer_key;
    long from, until; /* seconds from now */
    int salt;         /* of PSS, bytes; 0: PKCS #1 v1.5 instead */
    bool ca;
    const char *critical; /* OID of an unknown critical extension, or NULL */
    const uint8_t *hwid;  /* of a VCEK, or NULL */
    size_t hwid_size;
    uint64_t tcb;            /* of a VCEK, laid out as on Milan */
    const char *omitted_oid; /* AMD extension that a VCEK shall lack, or NULL */
};

struct certificate_spec chip_ark_spec(const struct chip *chip);
struct certificate_spec chip_ask_spec(const struct chip *chip);
struct certificate_spec chip_vcek_spec(const struct chip *chip);
X509 *chip_certificate(const struct certificate_spec *spec);

/* Makes keys, which takes seconds, and the chain ARK-Emulated, SEV-Emulated, SEV-VCEK. */
void chip_make(struct chip *chip);
void chip_free(struct chip *chip);

/* A report that the verifier accepts, not yet signed. */
struct snp_report chip_report(const struct chip *chip, const uint8_t report_data[REPORT_DATA_SIZE]);
void chip_sign(const struct chip *chip, struct snp_report *report);

/* SHA-512(x, y, nonce). */
void chip_report_data(const struct p521_point *key, const uint8_t *nonce, size_t size,
                      uint8_t report_data[REPORT_DATA_SIZE]);

/* Writes a certificate table of these certificates (any may be NULL); returns its size. */
size_t chip_table(X509 *ark, X509 *ask, X509 *vcek, uint8_t *table, size_t room);

#endif
