/* SPDX-License-Identifier: MIT */
#include "kbs/collateral/directory.h"

#include <limits.h>
#include <stdio.h>

#include <openssl/x509.h>

#include "kbs/evidence/certificates.h"
#include "kbs/evidence/leaf.h"

static const char *const file_prefix[PRODUCT_COUNT] = {"milan", "genoa", "turin"};

/* One that is for another chip or TCB is none. */
static X509 *load_vcek(const char *path, const struct item *item)
{
    X509 *vcek = certificate_load(path);

    if (vcek && !leaf_is_for(vcek, item->product, item->chip_id, &item->tcb)) {
        X509_free(vcek);
        vcek = NULL;
    }
    return vcek;
}

static X509 *find_vcek(const char *directory, const struct item *item)
{
    char hwid[2 * CHIP_ID_SIZE + 1], tcb[ITEM_TEXT_MAX], path[PATH_MAX];
    X509 *vcek;

    item_hwid(item, hwid);
    item_tcb(item, tcb);
    snprintf(path, sizeof(path), "%s/vcek/%s/%s_vcek.der", directory, hwid, tcb);
    vcek = load_vcek(path, item);
    if (vcek)
        return vcek;
    snprintf(path, sizeof(path), "%s/vcek/%s/vcek.der", directory, hwid);
    vcek = load_vcek(path, item);
    if (vcek)
        return vcek;
    snprintf(path, sizeof(path), "%s/%s/vcek.der", directory, hwid);
    return load_vcek(path, item);
}

static X509 *find_certificate(const char *directory, enum product product, const char *role)
{
    char path[PATH_MAX];
    X509 *certificate;

    snprintf(path, sizeof(path), "%s/%s-%s.pem", directory, file_prefix[product], role);
    certificate = certificate_load(path);
    if (certificate)
        return certificate;
    snprintf(path, sizeof(path), "%s/%s-%s.der", directory, file_prefix[product], role);
    return certificate_load(path);
}

static X509_CRL *find_crl(const char *directory, const struct item *item)
{
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/%s-%s.crl", directory, file_prefix[item->product],
             item->vlek ? "vlek" : "vcek");
    return crl_load(path);
}

struct item_value directory_load(const char *directory, const struct item *item)
{
    struct item_value value = {0};

    switch (item->kind) {
    case ITEM_VCEK:
        value.certificate = find_vcek(directory, item);
        break;
    case ITEM_CHAIN:
        value.certificate = find_certificate(directory, item->product, item->vlek ? "asvk" : "ask");
        value.ark = find_certificate(directory, item->product, "ark");
        break;
    case ITEM_CRL:
        value.crl = find_crl(directory, item);
        break;
    }
    return value;
}
