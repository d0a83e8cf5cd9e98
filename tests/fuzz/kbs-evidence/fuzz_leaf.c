/* SPDX-License-Identifier: MIT */
/* A leaf against a report of zeros: its AMD extensions are the certificate's to choose. */
#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "kbs/evidence/certificates.h"
#include "kbs/evidence/leaf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct snp_report report = {.signature_r = {1}, .signature_s = {1}};
    X509 *leaf = certificate_parse(data, size);
    char csp_id[CSP_ID_MAX + 1];
    struct finding finding;

    if (!leaf)
        return 0;
    for (enum product product = 0; product < PRODUCT_COUNT; product++) {
        (void)!leaf_check_tcb(leaf, &report, product, &finding);
        (void)!leaf_check_chip(leaf, &report, product, &finding);
        (void)leaf_is_for(leaf, product, report.chip_id, &(struct tcb){0});
    }
    if (leaf_read_csp(leaf, csp_id, &finding) && strlen(csp_id) == 0)
        abort();
    (void)!leaf_check_signature(leaf, &report, &finding);
    X509_free(leaf);
    return 0;
}
