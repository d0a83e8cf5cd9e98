/* SPDX-License-Identifier: MIT */
/*
 * A made-up Milan, a stand-in for the KDS and a folder, and collateral that comes from them. What
 * the tests of collateral share.
 */
#ifndef SNPVTPM_TESTS_UNIT_KBS_EVIDENCE_COLLATERAL_WORLD_H
#define SNPVTPM_TESTS_UNIT_KBS_EVIDENCE_COLLATERAL_WORLD_H

#include <limits.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "kbs/collateral/collateral.h"
#include "tests/unit/kbs-evidence/fake_kds.h"
#include "tests/unit/kbs/chip.h"
#include "tests/unit/registered.h"

#define CHAIN_URI      "/vcek/v1/Milan/cert_chain"
#define VLEK_CHAIN_URI "/vlek/v1/Milan/cert_chain"
#define CRL_URI        "/vcek/v1/Milan/crl"

extern struct chip milan;
extern struct tcb milan_tcb;
extern struct fake_kds *kds;
extern time_t now;
extern const char *world_folder;

/* For cmocka's group: the chip. For each test: the KDS and the folder. */
int world_make_chip(void **state);
int world_free_chip(void **state);
int world_start(void **state);
int world_stop(void **state);

/* Files in the folder; paths are valid until the next call. */
const char *in_scratch(const char *name);
void make_folder(const char *name);
void write_bytes(const char *name, const void *bytes, size_t size);
void write_certificate(const char *name, X509 *certificate);
void write_crl(const char *name, X509_CRL *crl);

/* Documents of the KDS. */
void serve_certificate(const char *uri, X509 *certificate);
void serve_crl(const char *uri, X509_CRL *crl);
void serve_chain(const char *uri, X509 *first, X509 *second);

/* A CRL of the Milan's, valid from and until so many seconds from now. */
X509_CRL *make_crl(long from, long until);

/* The first size bytes of its id; where the KDS has its VCEK. */
const char *hwid(size_t size);
const char *vcek_uri(void);

struct collateral *open_with(const char *directory, const char *url, const char *cache);
struct collateral *open_kds(void);

/* Asks for the Milan's. A VCEK that is found must be its own. */
enum collateral_status ask_vcek(struct collateral *collateral);

/* The same for its CRL, which must be as expected; NULL: only that there is something. */
enum collateral_status ask_crl(struct collateral *collateral, const X509_CRL *expected);

/* What was found must be expected; frees it. */
void expect_certificate(enum collateral_status status, X509 **found, const X509 *expected);

#endif
