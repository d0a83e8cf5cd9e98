/* SPDX-License-Identifier: MIT */
/* A CRL of a root that never signed any: it may hold anything, and is never accepted. */
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "kbs/evidence/certificates.h"
#include "kbs/evidence/chain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A root whose name the corpus has. */
static X509 *make_root(void)
{
    EVP_PKEY *key = EVP_RSA_gen(1024);
    X509 *root = X509_new();

    X509_NAME_add_entry_by_txt(X509_get_subject_name(root), "CN", MBSTRING_UTF8,
                               (const uint8_t *)"ARK-Milan", -1, -1, 0);
    if (!key || X509_set_pubkey(root, key) != 1)
        abort();
    EVP_PKEY_free(key);
    return root;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static X509 *root;
    struct validity validity = {.until = INT64_MAX};
    struct chain chain;
    struct finding finding;

    if (!root)
        root = make_root();
    chain = (struct chain){.ark = root, .ask = root, .leaf = root};
    chain.crl = crl_parse(data, size);
    if (chain.crl && chain_check_crl(&chain, 1780000000, &validity, &finding))
        abort();
    X509_CRL_free(chain.crl);
    return 0;
}
