/* SPDX-License-Identifier: MIT */
#include "tests/unit/kbs-evidence/collateral_world.h"

#include <sys/stat.h>

#include <openssl/pem.h>

#include "tests/unit/kbs/scratch.h"

struct chip milan;
struct tcb milan_tcb;
time_t now;
const char *world_folder = scratch_folder;

int world_make_chip(void **state)
{
    (void)state;
    chip_make(&milan);
    chip_become(&milan, "Milan");
    milan_tcb = product_tcb(PRODUCT_MILAN, milan.tcb);
    return 0;
}

int world_free_chip(void **state)
{
    (void)state;
    chip_free(&milan);
    return 0;
}

struct fake_kds *kds;

int world_start(void **state)
{
    kds = fake_kds_start();
    now = time(NULL);
    return scratch_make(state);
}

int world_stop(void **state)
{
    fake_kds_stop(kds);
    return scratch_remove(state);
}

/* Files and documents */

const char *in_scratch(const char *name)
{
    static char path[PATH_MAX];

    return scratch_path(name, path);
}

void make_folder(const char *name)
{
    assert_int_equal(mkdir(in_scratch(name), 0700), 0);
}

void write_bytes(const char *name, const void *bytes, size_t size)
{
    FILE *file = fopen(in_scratch(name), "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

void write_certificate(const char *name, X509 *certificate)
{
    uint8_t *der = NULL;
    int size = i2d_X509(certificate, &der);

    write_bytes(name, der, (size_t)size);
    OPENSSL_free(der);
}

void write_crl(const char *name, X509_CRL *crl)
{
    uint8_t *der = NULL;
    int size = i2d_X509_CRL(crl, &der);

    write_bytes(name, der, (size_t)size);
    OPENSSL_free(der);
}

void serve_certificate(const char *uri, X509 *certificate)
{
    uint8_t *der = NULL;
    int size = i2d_X509(certificate, &der);

    fake_kds_serve(kds, uri, der, (size_t)size);
    OPENSSL_free(der);
}

void serve_crl(const char *uri, X509_CRL *crl)
{
    uint8_t *der = NULL;
    int size = i2d_X509_CRL(crl, &der);

    fake_kds_serve(kds, uri, der, (size_t)size);
    OPENSSL_free(der);
}

void serve_chain(const char *uri, X509 *first, X509 *second)
{
    BIO *text = BIO_new(BIO_s_mem());
    char *bytes;
    long size;

    assert_int_equal(PEM_write_bio_X509(text, first), 1);
    assert_int_equal(PEM_write_bio_X509(text, second), 1);
    size = BIO_get_mem_data(text, &bytes);
    fake_kds_serve(kds, uri, bytes, (size_t)size);
    BIO_free(text);
}

X509_CRL *make_crl(long from, long until)
{
    struct crl_spec spec = chip_crl_spec(&milan);

    spec.from = from;
    spec.until = until;
    return chip_crl(&spec);
}

const char *hwid(size_t size)
{
    static char text[2 * CHIP_ID_SIZE + 1];

    for (size_t i = 0; i < size; i++)
        sprintf(text + 2 * i, "%02x", milan.id[i]);
    return text;
}

const char *vcek_uri(void)
{
    static char uri[512];

    snprintf(uri, sizeof(uri), "/vcek/v1/Milan/%s?blSPL=03&teeSPL=00&snpSPL=08&ucodeSPL=213",
             hwid(CHIP_ID_SIZE));
    return uri;
}

/* Sources */

struct collateral *open_with(const char *directory, const char *url, const char *cache)
{
    struct collateral_options options = {
        .directory = directory, .kds_url = url, .cache = cache, .timeout_s = 1};
    struct collateral *collateral = collateral_new(&options);

    assert_non_null(collateral);
    return collateral;
}

struct collateral *open_kds(void)
{
    return open_with(NULL, fake_kds_url(kds), NULL);
}

enum collateral_status ask_vcek(struct collateral *collateral)
{
    X509 *vcek;
    enum collateral_status status =
        collateral_vcek(collateral, PRODUCT_MILAN, milan.id, milan_tcb, now, &vcek);

    assert_int_equal(status == COLLATERAL_OK, vcek != NULL);
    if (vcek)
        assert_int_equal(X509_cmp(vcek, milan.vcek), 0);
    X509_free(vcek);
    return status;
}

enum collateral_status ask_crl(struct collateral *collateral, const X509_CRL *expected)
{
    X509_CRL *crl;
    enum collateral_status status = collateral_crl(collateral, PRODUCT_MILAN, false, now, &crl);

    assert_int_equal(status == COLLATERAL_OK, crl != NULL);
    if (crl && expected)
        assert_int_equal(X509_CRL_match(crl, expected), 0);
    X509_CRL_free(crl);
    return status;
}

void expect_certificate(enum collateral_status status, X509 **found, const X509 *expected)
{
    assert_int_equal(status, COLLATERAL_OK);
    assert_int_equal(X509_cmp(*found, expected), 0);
    X509_free(*found);
}
