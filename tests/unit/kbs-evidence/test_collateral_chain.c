/* SPDX-License-Identifier: MIT */
/* What is above the leaf, from wherever; many who want collateral at once; a report alone. */
#include <stdatomic.h>

#include <pthread.h>

#include "kbs/evidence/evidence.h"
#include "tests/unit/kbs-evidence/collateral_world.h"
#include "tests/unit/registered.h"

/* The chain */

TEST_FIXTURE(asks_for_what_is_above_the_leaf, world_start, world_stop)
{
    struct collateral *collateral = open_kds();
    X509_CRL *crl = make_crl(-DAY, DAY);
    X509 *found;

    serve_chain(CHAIN_URI, milan.ask, milan.ark);
    serve_chain(VLEK_CHAIN_URI, milan.asvk, milan.ark);
    serve_crl(CRL_URI, crl);
    expect_certificate(collateral_intermediate(collateral, PRODUCT_MILAN, false, now, &found),
                       &found, milan.ask);
    expect_certificate(collateral_intermediate(collateral, PRODUCT_MILAN, true, now, &found),
                       &found, milan.asvk);
    expect_certificate(collateral_root(collateral, PRODUCT_MILAN, false, now, &found), &found,
                       milan.ark);
    assert_int_equal(ask_crl(collateral, crl), COLLATERAL_OK);
    assert_int_equal(fake_kds_requests(kds), 3);
    collateral_free(collateral);
    X509_CRL_free(crl);
}

static void expect_chain(struct collateral *collateral)
{
    X509 *found;

    expect_certificate(collateral_intermediate(collateral, PRODUCT_MILAN, false, now, &found),
                       &found, milan.ask);
    expect_certificate(collateral_root(collateral, PRODUCT_MILAN, false, now, &found), &found,
                       milan.ark);
}

TEST_FIXTURE(fetches_ask_and_ark_together, world_start, world_stop)
{
    struct collateral *collateral;
    char cache[PATH_MAX];
    X509 *found;

    serve_chain(CHAIN_URI, milan.ask, milan.ark);
    strcpy(cache, in_scratch("chain-cache"));
    collateral = open_with(NULL, fake_kds_url(kds), cache);
    expect_chain(collateral);
    assert_int_equal(fake_kds_requests(kds), 1);
    collateral_free(collateral);

    /* Either of them is on disk then, and there is no fetch for the other. */
    collateral = open_with(NULL, fake_kds_url(kds), cache);
    expect_certificate(collateral_root(collateral, PRODUCT_MILAN, false, now, &found), &found,
                       milan.ark);
    expect_chain(collateral);
    assert_int_equal(fake_kds_requests(kds), 1);
    collateral_free(collateral);
}

/* One that is at hand is not fetched for the other's sake, nor replaced by what is fetched. */
TEST_FIXTURE(keeps_the_owners_half_of_a_chain, world_start, world_stop)
{
    struct certificate_spec spec = chip_ask_spec(&milan);
    X509 *twin = chip_certificate(&spec), *found;
    struct collateral *collateral;
    char folder[PATH_MAX];

    make_folder("half");
    write_certificate("half/milan-ask.der", milan.ask);
    serve_chain(CHAIN_URI, twin, milan.ark);
    collateral = open_with(strcpy(folder, in_scratch("half")), fake_kds_url(kds), NULL);
    expect_certificate(collateral_intermediate(collateral, PRODUCT_MILAN, false, now, &found),
                       &found, milan.ask);
    assert_int_equal(fake_kds_requests(kds), 0);
    expect_chain(collateral);
    assert_int_equal(fake_kds_requests(kds), 1);
    fake_kds_fail(kds, 503, NULL, NULL);
    expect_chain(collateral);
    collateral_free(collateral);
    X509_free(twin);
}

/* A KDS that has the chain no more, or fails, does not take away what is at hand. */
TEST_FIXTURE(a_failure_is_of_what_is_missing_alone, world_start, world_stop)
{
    struct collateral *collateral;
    char folder[PATH_MAX];
    X509 *found;

    make_folder("ark");
    write_certificate("ark/milan-ark.der", milan.ark);
    collateral = open_with(strcpy(folder, in_scratch("ark")), fake_kds_url(kds), NULL);
    assert_int_equal(collateral_intermediate(collateral, PRODUCT_MILAN, false, now, &found),
                     COLLATERAL_NONE);
    assert_null(found);
    expect_certificate(collateral_root(collateral, PRODUCT_MILAN, false, now, &found), &found,
                       milan.ark);
    collateral_free(collateral);
}

/* Many at once */

static void *ask_in_thread(void *context)
{
    return ask_vcek(context) == COLLATERAL_OK ? NULL : context;
}

/* Asks in 16 threads at once; each must return NULL. */
static void all_get_it(void *(*ask)(void *context), struct collateral *collateral)
{
    pthread_t threads[16];

    for (int i = 0; i < 16; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, collateral), 0);
    for (int i = 0; i < 16; i++) {
        void *failed;

        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
}

TEST_FIXTURE(joins_those_who_want_the_same, world_start, world_stop)
{
    struct collateral *collateral = open_kds();

    serve_certificate(vcek_uri(), milan.vcek);
    fake_kds_delay(kds, 200);
    all_get_it(ask_in_thread, collateral);
    assert_int_equal(fake_kds_requests(kds), 1);
    collateral_free(collateral);
}

static void *ask_chain_in_thread(void *context)
{
    static atomic_uint turn;
    bool root = turn++ % 2;
    X509 *found;
    enum collateral_status status =
        root ? collateral_root(context, PRODUCT_MILAN, false, now, &found)
             : collateral_intermediate(context, PRODUCT_MILAN, false, now, &found);
    bool right = found && X509_cmp(found, root ? milan.ark : milan.ask) == 0;

    X509_free(found);
    return status == COLLATERAL_OK && right ? NULL : context;
}

TEST_FIXTURE(joins_those_who_want_ask_and_ark, world_start, world_stop)
{
    struct collateral *collateral = open_kds();

    serve_chain(CHAIN_URI, milan.ask, milan.ark);
    fake_kds_delay(kds, 200);
    all_get_it(ask_chain_in_thread, collateral);
    assert_int_equal(fake_kds_requests(kds), 1);
    collateral_free(collateral);
}

static void *ask_another_in_thread(void *context)
{
    uint8_t chip_id[CHIP_ID_SIZE] = {0};
    X509 *vcek;

    chip_id[0] = 1;
    return collateral_vcek(context, PRODUCT_MILAN, chip_id, milan_tcb, now, &vcek) ==
                   COLLATERAL_NONE
               ? NULL
               : context;
}

TEST_FIXTURE(does_not_wait_for_those_who_want_something_else, world_start, world_stop)
{
    struct collateral *collateral = open_kds();
    pthread_t thread;
    struct timespec began, ended;

    serve_certificate(vcek_uri(), milan.vcek);
    assert_int_equal(ask_vcek(collateral), COLLATERAL_OK);
    fake_kds_delay(kds, 800);
    assert_int_equal(pthread_create(&thread, NULL, ask_another_in_thread, collateral), 0);
    clock_gettime(CLOCK_MONOTONIC, &began);
    assert_int_equal(ask_vcek(collateral), COLLATERAL_OK);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    assert_true(ended.tv_sec - began.tv_sec + (ended.tv_nsec - began.tv_nsec) / 1e9 < 0.5);
    pthread_join(thread, NULL);
    collateral_free(collateral);
}

/* The verifier with nothing but a report */

static enum verdict verify_report_alone(struct collateral *collateral,
                                        const struct requirements *requirements)
{
    struct trust trust = {.amd_ark = {[PRODUCT_MILAN] = milan.ark}};
    struct verifier verifier = {.trust = &trust, .collateral = collateral};
    struct expectation expected = {.requirements = requirements, .now = now};
    struct snp_report report = chip_report(&milan, expected.report_data);
    struct evidence evidence = {.report = (const uint8_t *)&report, .report_size = sizeof(report)};
    struct attested attested;
    struct finding finding;

    chip_sign(&milan, &report);
    (void)!evidence_verify(&verifier, &evidence, &expected, &attested, &finding);
    return finding.verdict;
}

TEST_FIXTURE(a_report_alone_suffices, world_start, world_stop)
{
    struct collateral *collateral = open_kds();
    X509_CRL *crl = make_crl(-DAY, DAY);
    struct requirements requirements;

    requirements_strict(&requirements);
    serve_certificate(vcek_uri(), milan.vcek);
    serve_chain(CHAIN_URI, milan.ask, milan.ark);
    serve_crl(CRL_URI, crl);
    assert_int_equal(verify_report_alone(collateral, &requirements), VERDICT_OK);
    assert_int_equal(fake_kds_requests(kds), 3);
    assert_int_equal(verify_report_alone(collateral, &requirements), VERDICT_OK);
    assert_int_equal(fake_kds_requests(kds), 3);
    collateral_free(collateral);
    X509_CRL_free(crl);
}

TEST_FIXTURE(refuses_without_a_crl_from_the_kds, world_start, world_stop)
{
    struct collateral *collateral = open_kds();
    struct requirements requirements;

    requirements_strict(&requirements);
    serve_certificate(vcek_uri(), milan.vcek);
    serve_chain(CHAIN_URI, milan.ask, milan.ark);
    assert_int_equal(verify_report_alone(collateral, &requirements), VERDICT_CRL_MISSING);
    collateral_free(collateral);
}

TEST_FIXTURE(asks_nothing_for_a_chip_that_is_refused_anyway, world_start, world_stop)
{
    struct collateral *collateral = open_kds();
    uint8_t listed[1][CHIP_ID_SIZE] = {{1}};
    struct requirements requirements;

    requirements_strict(&requirements);
    requirements.chip_ids = listed;
    requirements.chip_id_count = 1;
    assert_int_equal(verify_report_alone(collateral, &requirements), VERDICT_CHIP_REFUSED);
    assert_int_equal(fake_kds_requests(kds), 0);
    collateral_free(collateral);
}

TEST_GROUP(world_make_chip, world_free_chip)
