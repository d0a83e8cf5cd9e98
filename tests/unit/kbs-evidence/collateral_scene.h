/* SPDX-License-Identifier: MIT */
/*
 * What tests of collateral share: a made-up Milan, a stand-in for AMD's KDS, a folder for files,
 * and a clock that only a test advances.
 */
#ifndef SNPVTPM_TESTS_KBS_EVIDENCE_COLLATERAL_SCENE_H
#define SNPVTPM_TESTS_KBS_EVIDENCE_COLLATERAL_SCENE_H

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/x509.h>

#include "kbs/collateral/collateral.h"
#include "tests/unit/kbs-evidence/fake_kds.h"
#include "tests/unit/kbs/chip.h"

/* The chip is one for the program; KDS, folder and time are each test's own. */
extern struct chip milan;
extern struct tcb milan_tcb;
extern struct fake_kds *kds;
extern time_t now;

/* cmocka's set-up and teardown, for the group and for each test. */
int scene_make_chip(void **state);
int scene_free_chip(void **state);
int scene_start(void **state);
int scene_stop(void **state);

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, scene_start, scene_stop)

/* The folder, and the path of name in it: valid until the next call. */
const char *collateral_folder(void);
const char *in_scratch(const char *name);

void make_folder(const char *name);
void write_bytes(const char *name, const void *bytes, size_t size);
void write_certificate(const char *name, X509 *certificate);
void write_crl(const char *name, X509_CRL *crl);

/* The KDS has it from now on. */
void serve_certificate(const char *uri, X509 *certificate);
void serve_crl(const char *uri, X509_CRL *crl);
void serve_chain(const char *uri, X509 *first, X509 *second);

/* A CRL of the Milan's, valid from and until so many seconds from now. */
X509_CRL *make_crl(long from, long until);

/* The first size bytes of the chip's ID in hexadecimal, and where the KDS has its VCEK. */
const char *hwid(size_t size);
const char *vcek_uri(void);

#define CHAIN_URI      "/vcek/v1/Milan/cert_chain"
#define VLEK_CHAIN_URI "/vlek/v1/Milan/cert_chain"
#define CRL_URI        "/vcek/v1/Milan/crl"

/* Sources of collateral, for the caller to free. */
struct collateral *open_with(const char *directory, const char *url, const char *cache);
struct collateral *open_kds(void);

/* Asks for the chip's VCEK; what is found must be it. */
enum collateral_status ask_vcek(struct collateral *collateral);

/* Compares what was found with expected; NULL: only that there is something. */
enum collateral_status ask_crl(struct collateral *collateral, const X509_CRL *expected);

/* Frees what was found. */
void expect_certificate(enum collateral_status status, X509 **found, const X509 *expected);

#endif
