/* SPDX-License-Identifier: MIT */
/* The cache of verified chains changes how long it takes, and nothing else. */
#include <pthread.h>

#include "kbs/evidence/lru.h"
#include "tests/unit/kbs-evidence/attempt.h"
#include "tests/unit/registered.h"

static struct chain_cache *cache;

static int make_cache(void **state)
{
    (void)state;
    cache = chain_cache_new(4);
    return cache ? 0 : -1;
}

static int free_cache(void **state)
{
    (void)state;
    chain_cache_free(cache);
    return 0;
}

static struct attempt begin_cached(void)
{
    struct attempt try = attempt_begin();

    try.verifier.chains = cache;
    return try;
}

/* How many references a certificate has is not told; that parsing gives the same object is. */
TEST_FIXTURE(remembers_certificates_of_verified_chains_only, make_cache, free_cache)
{
    struct attempt try = begin_cached();
    uint8_t *der = NULL;
    int size = i2d_X509(milan.vcek, &der);
    X509 *first, *second;

    first = chain_cache_certificate(cache, der, (size_t)size);
    second = chain_cache_certificate(cache, der, (size_t)size);
    assert_ptr_not_equal(first, second);
    X509_free(first);
    X509_free(second);
    expect_verdict(&try, VERDICT_OK);
    first = chain_cache_certificate(cache, der, (size_t)size);
    second = chain_cache_certificate(cache, der, (size_t)size);
    assert_ptr_equal(first, second);
    assert_int_equal(X509_cmp(first, milan.vcek), 0);
    X509_free(first);
    X509_free(second);
    OPENSSL_free(der);
}

TEST_FIXTURE(a_cached_chain_still_checks_the_report, make_cache, free_cache)
{
    struct attempt try = begin_cached();

    expect_verdict(&try, VERDICT_OK);
    expect_verdict(&try, VERDICT_OK);
    try.report.host_data[0] ^= 1;
    assert_int_equal(attempt_verify(&try), VERDICT_REPORT_SIGNATURE);
    try.report.vmpl = 1;
    expect_verdict(&try, VERDICT_VMPL);
}

TEST_FIXTURE(forgets_a_chain_when_it_expires, make_cache, free_cache)
{
    struct attempt try = begin_cached();

    expect_verdict(&try, VERDICT_OK);
    try.now += 2 * DAY;
    expect_verdict(&try, VERDICT_CHAIN_VALIDITY);
    try.now -= 4 * DAY;
    expect_verdict(&try, VERDICT_CHAIN_VALIDITY);
}

TEST_FIXTURE(forgets_a_chain_when_its_crl_expires, make_cache, free_cache)
{
    struct attempt try = begin_cached();
    struct crl_spec spec = chip_crl_spec(&milan);

    spec.until = DAY / 2;
    try.sent.crl = chip_crl(&spec);
    expect_verdict(&try, VERDICT_OK);
    try.now += DAY / 2 + 60;
    expect_verdict(&try, VERDICT_CRL_EXPIRED);
    X509_CRL_free(try.sent.crl);
}

TEST_FIXTURE(another_crl_is_another_chain, make_cache, free_cache)
{
    struct attempt try = begin_cached();
    struct crl_spec spec = chip_crl_spec(&milan);

    expect_verdict(&try, VERDICT_OK);
    spec.revoked = 0x10001;
    try.sent.crl = chip_crl(&spec);
    expect_verdict(&try, VERDICT_CERTIFICATE_REVOKED);
    X509_CRL_free(try.sent.crl);
    try.sent.crl = NULL;
    expect_verdict(&try, VERDICT_CRL_MISSING);
}

TEST_FIXTURE(another_root_is_another_chain, make_cache, free_cache)
{
    struct attempt try = begin_cached();
    struct certificate_spec spec = chip_ark_spec(&milan);
    X509 *twin;

    expect_verdict(&try, VERDICT_OK);
    spec.ca = false;
    twin = chip_certificate(&spec);
    try.trust.amd_ark[PRODUCT_MILAN] = twin;
    expect_verdict(&try, VERDICT_CHAIN_CONSTRAINTS);
    X509_free(twin);
}

static void *verify_many(void *context)
{
    struct attempt *try = context;

    for (int i = 0; i < 50; i++)
        if (attempt_verify(try) != VERDICT_OK)
            return context;
    return NULL;
}

TEST_FIXTURE(serves_threads_at_once, make_cache, free_cache)
{
    struct attempt tries[4];
    pthread_t threads[4];

    for (int i = 0; i < 4; i++) {
        tries[i] = begin_cached();
        chip_sign(&milan, &tries[i].report);
        assert_int_equal(pthread_create(&threads[i], NULL, verify_many, &tries[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *failed;

        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
}

/* The map below it */

static unsigned destroyed;

static void count_destroyed(void *value)
{
    (void)value;
    destroyed++;
}

static void set_key(uint8_t key[LRU_KEY_SIZE], unsigned n)
{
    memset(key, 0, LRU_KEY_SIZE);
    key[0] = (uint8_t)(n * 8); /* some share a bucket */
    key[31] = (uint8_t)n;
}

TEST(forgets_what_was_not_used_for_longest)
{
    struct lru *lru = lru_new(8, count_destroyed);
    static char values[100];
    uint8_t key[LRU_KEY_SIZE];

    destroyed = 0;
    for (unsigned n = 0; n < 8; n++) {
        set_key(key, n);
        lru_put(lru, key, &values[n]);
    }
    set_key(key, 0);
    assert_ptr_equal(lru_find(lru, key), &values[0]); /* now the newest */
    for (unsigned n = 8; n < 15; n++) {
        set_key(key, n);
        lru_put(lru, key, &values[n]);
    }
    assert_int_equal(destroyed, 7);
    for (unsigned n = 1; n < 8; n++) {
        set_key(key, n);
        assert_null(lru_find(lru, key));
    }
    for (unsigned n = 8; n < 15; n++) {
        set_key(key, n);
        assert_ptr_equal(lru_find(lru, key), &values[n]);
    }
    set_key(key, 0);
    assert_ptr_equal(lru_find(lru, key), &values[0]);
    lru_put(lru, key, &values[50]);
    assert_int_equal(destroyed, 8);
    assert_ptr_equal(lru_find(lru, key), &values[50]);
    lru_free(lru);
    assert_int_equal(destroyed, 16);
}

TEST(holds_one_entry_at_least)
{
    struct lru *lru = lru_new(1, count_destroyed);
    static char values[2];
    uint8_t key[LRU_KEY_SIZE];

    set_key(key, 1);
    assert_null(lru_find(lru, key));
    lru_put(lru, key, &values[0]);
    set_key(key, 2);
    lru_put(lru, key, &values[1]);
    assert_ptr_equal(lru_find(lru, key), &values[1]);
    set_key(key, 1);
    assert_null(lru_find(lru, key));
    lru_free(lru);
}
