/* SPDX-License-Identifier: MIT */
/* A certificate against a report of zeros: its AMD extensions are the certificate's to choose. */
#include <openssl/x509.h>

#include "kbs/evidence/certificates.h"
#include "kbs/evidence/vcek.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct snp_report report = {.signature_r = {1}, .signature_s = {1}};
    X509 *vcek = certificate_parse(data, size);
    struct finding finding;

    if (!vcek)
        return 0;
    for (enum product product = 0; product < PRODUCT_COUNT; product++) {
        (void)!vcek_check_tcb(vcek, &report, product, &finding);
        (void)!vcek_check_chip(vcek, &report, product, &finding);
    }
    (void)!vcek_check_signature(vcek, &report, &finding);
    X509_free(vcek);
    return 0;
}
