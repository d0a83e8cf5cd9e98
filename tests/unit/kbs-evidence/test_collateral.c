/* SPDX-License-Identifier: MIT */
/* Collateral from the KDS: what is asked for, when, and what a failure means. */
#include "tests/unit/kbs-evidence/collateral_scene.h"

#include <stdio.h>

#include <pthread.h>

#include "kbs/evidence/evidence.h"
#include "kbs/metrics.h"

/* The KDS */

static void asks_the_kds_for_the_reported_tcb(void **state)
{
    struct collateral *collateral = open_kds();

    (void)state;
    serve_certificate(vcek_uri(), milan.vcek);
    assert_int_equal(ask_vcek(collateral), COLLATERAL_OK);
    assert_string_equal(fake_kds_last_uri(kds), vcek_uri());
    collateral_free(collateral);
}

static void asks_for_turins_with_fmc_and_a_short_id(void **state)
{
    struct collateral *collateral = open_kds();
    struct tcb tcb = {.fmc = 1, .bootloader = 3, .snp = 8, .microcode = 0xd5};
    char expected[512];
    X509 *vcek;

    (void)state;
    snprintf(expected, sizeof(expected),
             "/vcek/v1/Turin/%.16s?fmcSPL=01&blSPL=03&teeSPL=00&snpSPL=08&ucodeSPL=213", hwid(8));
    assert_int_equal(collateral_vcek(collateral, PRODUCT_TURIN, milan.id, tcb, now, &vcek),
                     COLLATERAL_NONE);
    assert_string_equal(fake_kds_last_uri(kds), expected);
    collateral_free(collateral);
}

static void asks_for_what_is_above_the_leaf(void **state)
{
    struct collateral *collateral = open_kds();
    X509_CRL *crl = make_crl(-DAY, DAY);
    X509 *found;

    (void)state;
    serve_chain(CHAIN_URI, milan.ask, milan.ark);
    serve_chain(VLEK_CHAIN_URI, milan.asvk, milan.ark);
    serve_crl(CRL_URI, crl);
    expect_certificate(collateral_intermediate(collateral, PRODUCT_MILAN, false, now, &found),
                       &found, milan.ask);
    expect_certificate(collateral_intermediate(collateral, PRODUCT_MILAN, true, now, &found),
                       &found, milan.asvk);
    expect_certificate(collateral_root(collateral, PRODUCT_MILAN, now, &found), &found, milan.ark);
    assert_int_equal(ask_crl(collateral, crl), COLLATERAL_OK);
    assert_int_equal(fake_kds_requests(kds), 4);
    collateral_free(collateral);
    X509_CRL_free(crl);
}

static void counts_what_it_asks(void **state)
{
    uint64_t fetches = metric_get(METRIC_KDS_FETCHES), failures = metric_get(METRIC_KDS_FAILURES);
    struct collateral *collateral = open_kds();

    (void)state;
    assert_int_equal(ask_vcek(collateral), COLLATERAL_NONE);
    fake_kds_fail(kds, 500, NULL, NULL);
    assert_int_equal(ask_crl(collateral, NULL), COLLATERAL_FAILED);
    assert_int_equal(metric_get(METRIC_KDS_FETCHES), fetches + 2);
    assert_int_equal(metric_get(METRIC_KDS_FAILURES), failures + 1);
    collateral_free(collateral);
}

static void does_not_ask_twice(void **state)
{
    struct collateral *collateral = open_kds();

    (void)state;
    serve_certificate(vcek_uri(), milan.vcek);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask_vcek(collateral), COLLATERAL_OK);
    now += 1000 * DAY;
    assert_int_equal(ask_vcek(collateral), COLLATERAL_OK);
    assert_int_equal(fake_kds_requests(kds), 1);
    collateral_free(collateral);
}

static void asks_again_later_for_what_was_missing(void **state)
{
    struct collateral *collateral = open_kds();

    (void)state;
    assert_int_equal(ask_vcek(collateral), COLLATERAL_NONE);
    assert_int_equal(ask_vcek(collateral), COLLATERAL_NONE);
    assert_int_equal(fake_kds_requests(kds), 1);
    serve_certificate(vcek_uri(), milan.vcek);
    now += 60;
    assert_int_equal(ask_vcek(collateral), COLLATERAL_OK);
    assert_int_equal(fake_kds_requests(kds), 2);
    collateral_free(collateral);
}

static void prefers_the_owners_directory(void **state)
{
    X509_CRL *crl = make_crl(-DAY, DAY);
    struct collateral *collateral;

    (void)state;
    write_crl("milan-vcek.crl", crl);
    collateral = open_with(collateral_folder(), fake_kds_url(kds), NULL);
    assert_int_equal(ask_crl(collateral, crl), COLLATERAL_OK);
    assert_int_equal(fake_kds_requests(kds), 0);
    collateral_free(collateral);
    X509_CRL_free(crl);
}

static void asks_for_a_crl_when_the_owners_is_out_of_date(void **state)
{
    X509_CRL *old = make_crl(-DAY, -DAY / 2), *new = make_crl(-DAY / 4, DAY);
    struct collateral *collateral;

    (void)state;
    write_crl("milan-vcek.crl", old);
    serve_crl(CRL_URI, new);
    collateral = open_with(collateral_folder(), fake_kds_url(kds), NULL);
    assert_int_equal(ask_crl(collateral, new), COLLATERAL_OK);
    collateral_free(collateral);
    X509_CRL_free(old);
    X509_CRL_free(new);
}

/* Backing off */

static void leaves_the_kds_alone_for_as_long_as_it_asks(void **state)
{
    struct collateral *collateral = open_kds();

    (void)state;
    fake_kds_fail(kds, 429, "Retry-After", "7");
    assert_int_equal(ask_vcek(collateral), COLLATERAL_BACKING_OFF);
    fake_kds_fail(kds, 0, NULL, NULL);
    serve_certificate(vcek_uri(), milan.vcek);
    now += 6;
    assert_int_equal(ask_vcek(collateral), COLLATERAL_BACKING_OFF);
    assert_int_equal(ask_crl(collateral, NULL), COLLATERAL_BACKING_OFF); /* everything */
    assert_int_equal(fake_kds_requests(kds), 1);
    now += 1;
    assert_int_equal(ask_vcek(collateral), COLLATERAL_OK);
    assert_int_equal(fake_kds_requests(kds), 2);
    collateral_free(collateral);
}

/* How long it leaves the KDS alone after one more failure. */
static time_t pause_after_failure(struct collateral *collateral)
{
    unsigned before = fake_kds_requests(kds);
    time_t failed = now;

    ask_vcek(collateral);
    assert_int_equal(fake_kds_requests(kds), before + 1);
    do
        now++;
    while (ask_vcek(collateral) == COLLATERAL_BACKING_OFF && fake_kds_requests(kds) == before + 1 &&
           now < failed + 10000);
    return now - failed;
}

static void waits_longer_after_each_failure(void **state)
{
    static const time_t after_429[] = {10, 20, 40};
    struct collateral *collateral = open_kds();
    unsigned requests;

    (void)state;
    fake_kds_fail(kds, 429, NULL, NULL);
    /* Each measurement ends with the next failure, which counts as well. */
    assert_int_equal(pause_after_failure(collateral), after_429[0]);
    requests = fake_kds_requests(kds);
    now += after_429[1] - 1;
    assert_int_equal(ask_vcek(collateral), COLLATERAL_BACKING_OFF);
    assert_int_equal(fake_kds_requests(kds), requests);
    now += 1;
    assert_int_equal(ask_vcek(collateral), COLLATERAL_BACKING_OFF);
    assert_int_equal(fake_kds_requests(kds), requests + 1);
    now += after_429[2] - 1;
    assert_int_equal(ask_vcek(collateral), COLLATERAL_BACKING_OFF);
    assert_int_equal(fake_kds_requests(kds), requests + 1);
    for (int i = 0; i < 12; i++) {
        now += 600;
        assert_int_equal(ask_vcek(collateral), COLLATERAL_BACKING_OFF);
    }
    fake_kds_fail(kds, 0, NULL, NULL);
    serve_certificate(vcek_uri(), milan.vcek);
    now += 600; /* no pause is longer */
    assert_int_equal(ask_vcek(collateral), COLLATERAL_OK);
    collateral_free(collateral);
}

static void does_not_wait_for_ever_though_it_is_asked_to(void **state)
{
    struct collateral *collateral = open_kds();

    (void)state;
    fake_kds_fail(kds, 429, "Retry-After", "99999999");
    assert_int_equal(ask_vcek(collateral), COLLATERAL_BACKING_OFF);
    fake_kds_fail(kds, 0, NULL, NULL);
    serve_certificate(vcek_uri(), milan.vcek);
    now += 600;
    assert_int_equal(ask_vcek(collateral), COLLATERAL_OK);
    collateral_free(collateral);
}

static void expect_failure_then_pause(void)
{
    struct collateral *collateral = open_kds();

    assert_int_equal(ask_vcek(collateral), COLLATERAL_FAILED);
    now += 1;
    assert_int_equal(ask_vcek(collateral), COLLATERAL_BACKING_OFF);
    assert_int_equal(fake_kds_requests(kds), 1);
    now += 1;
    assert_int_equal(ask_vcek(collateral), COLLATERAL_FAILED);
    assert_int_equal(fake_kds_requests(kds), 2);
    collateral_free(collateral);
}

static void an_error_of_the_kds_is_a_failure(void **state)
{
    (void)state;
    fake_kds_fail(kds, 503, NULL, NULL);
    expect_failure_then_pause();
}

static void a_redirection_is_a_failure(void **state)
{
    (void)state;
    fake_kds_fail(kds, 302, "Location", "file:///etc/passwd");
    expect_failure_then_pause();
}

static void garbage_is_a_failure(void **state)
{
    (void)state;
    fake_kds_serve(kds, vcek_uri(), "<html>", 6);
    expect_failure_then_pause();
}

static void another_chips_vcek_is_a_failure(void **state)
{
    struct certificate_spec spec = chip_vcek_spec(&milan);
    uint8_t another[CHIP_ID_SIZE] = {1};
    X509 *vcek;

    (void)state;
    spec.hwid = another;
    vcek = chip_certificate(&spec);
    serve_certificate(vcek_uri(), vcek);
    X509_free(vcek);
    expect_failure_then_pause();
}

static void too_long_an_answer_is_a_failure(void **state)
{
    static char megabytes[3 << 20];

    (void)state;
    fake_kds_serve(kds, vcek_uri(), megabytes, sizeof(megabytes));
    expect_failure_then_pause();
}

static void a_slow_answer_is_a_failure(void **state)
{
    struct collateral *collateral = open_kds();
    time_t began = time(NULL);

    (void)state;
    serve_certificate(vcek_uri(), milan.vcek);
    fake_kds_delay(kds, 3000);
    assert_int_equal(ask_vcek(collateral), COLLATERAL_FAILED);
    assert_in_range(time(NULL) - began, 0, 2);
    collateral_free(collateral);
}

static void no_kds_there_is_a_failure(void **state)
{
    struct collateral *collateral = open_with(NULL, "http://127.0.0.1:1", NULL);

    (void)state;
    assert_int_equal(ask_vcek(collateral), COLLATERAL_FAILED);
    collateral_free(collateral);
}

/* Many at once */

static void *ask_in_thread(void *context)
{
    return ask_vcek(context) == COLLATERAL_OK ? NULL : context;
}

static void joins_those_who_want_the_same(void **state)
{
    struct collateral *collateral = open_kds();
    pthread_t threads[16];

    (void)state;
    serve_certificate(vcek_uri(), milan.vcek);
    fake_kds_delay(kds, 200);
    for (int i = 0; i < 16; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_in_thread, collateral), 0);
    for (int i = 0; i < 16; i++) {
        void *failed;

        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
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

static void does_not_wait_for_those_who_want_something_else(void **state)
{
    struct collateral *collateral = open_kds();
    pthread_t thread;
    struct timespec began, ended;

    (void)state;
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

/* Addresses */

static void takes_only_urls_that_are_safe(void **state)
{
    (void)state;
    assert_true(collateral_url_is_acceptable("https://kdsintf.amd.com"));
    assert_true(collateral_url_is_acceptable("https://mirror.example:8443/amd/kds"));
    assert_true(collateral_url_is_acceptable("http://127.0.0.1:8080"));
    assert_true(collateral_url_is_acceptable("http://[::1]:8080"));
    assert_true(collateral_url_is_acceptable("http://localhost"));
    assert_false(collateral_url_is_acceptable("http://kdsintf.amd.com"));
    assert_false(collateral_url_is_acceptable("http://127.0.0.1.example"));
    assert_false(collateral_url_is_acceptable("http://localhost@example.com"));
    assert_false(collateral_url_is_acceptable("ftp://127.0.0.1"));
    assert_false(collateral_url_is_acceptable("file:///etc"));
    assert_false(collateral_url_is_acceptable("https://kdsintf.amd.com?x=1"));
    assert_false(collateral_url_is_acceptable("https://kdsintf.amd.com/"));
    assert_false(collateral_url_is_acceptable("kdsintf.amd.com"));
    assert_false(collateral_url_is_acceptable(""));
}

/* The verifier with nothing but a report */

static enum verdict verify_report_alone(struct collateral *collateral,
                                        const struct requirements *requirements)
{
    const struct trust trust = {.amd_ark = {[PRODUCT_MILAN] = milan.ark}};
    const struct verifier verifier = {.trust = &trust, .collateral = collateral};
    struct expectation expected = {.requirements = requirements, .now = now};
    struct snp_report report = chip_report(&milan, expected.report_data);
    const struct evidence evidence = {.report = (const uint8_t *)&report,
                                      .report_size = sizeof(report)};
    struct attested attested;
    struct finding finding;

    chip_sign(&milan, &report);
    (void)!evidence_verify(&verifier, &evidence, &expected, &attested, &finding);
    return finding.verdict;
}

static void a_report_alone_suffices(void **state)
{
    struct collateral *collateral = open_kds();
    X509_CRL *crl = make_crl(-DAY, DAY);
    struct requirements requirements;

    (void)state;
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

static void refuses_without_a_crl_from_the_kds(void **state)
{
    struct collateral *collateral = open_kds();
    struct requirements requirements;

    (void)state;
    requirements_strict(&requirements);
    serve_certificate(vcek_uri(), milan.vcek);
    serve_chain(CHAIN_URI, milan.ask, milan.ark);
    assert_int_equal(verify_report_alone(collateral, &requirements), VERDICT_CRL_MISSING);
    collateral_free(collateral);
}

static void asks_nothing_for_a_chip_that_is_refused_anyway(void **state)
{
    struct collateral *collateral = open_kds();
    uint8_t listed[1][CHIP_ID_SIZE] = {{1}};
    struct requirements requirements;

    (void)state;
    requirements_strict(&requirements);
    requirements.chip_ids = listed;
    requirements.chip_id_count = 1;
    assert_int_equal(verify_report_alone(collateral, &requirements), VERDICT_CHIP_REFUSED);
    assert_int_equal(fake_kds_requests(kds), 0);
    collateral_free(collateral);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(asks_the_kds_for_the_reported_tcb),
        SCENE_TEST(asks_for_turins_with_fmc_and_a_short_id),
        SCENE_TEST(asks_for_what_is_above_the_leaf),
        SCENE_TEST(counts_what_it_asks),
        SCENE_TEST(does_not_ask_twice),
        SCENE_TEST(asks_again_later_for_what_was_missing),
        SCENE_TEST(prefers_the_owners_directory),
        SCENE_TEST(asks_for_a_crl_when_the_owners_is_out_of_date),
        SCENE_TEST(leaves_the_kds_alone_for_as_long_as_it_asks),
        SCENE_TEST(waits_longer_after_each_failure),
        SCENE_TEST(does_not_wait_for_ever_though_it_is_asked_to),
        SCENE_TEST(an_error_of_the_kds_is_a_failure),
        SCENE_TEST(a_redirection_is_a_failure),
        SCENE_TEST(garbage_is_a_failure),
        SCENE_TEST(another_chips_vcek_is_a_failure),
        SCENE_TEST(too_long_an_answer_is_a_failure),
        SCENE_TEST(a_slow_answer_is_a_failure),
        SCENE_TEST(no_kds_there_is_a_failure),
        SCENE_TEST(joins_those_who_want_the_same),
        SCENE_TEST(does_not_wait_for_those_who_want_something_else),
        SCENE_TEST(takes_only_urls_that_are_safe),
        SCENE_TEST(a_report_alone_suffices),
        SCENE_TEST(refuses_without_a_crl_from_the_kds),
        SCENE_TEST(asks_nothing_for_a_chip_that_is_refused_anyway),
    };

    return cmocka_run_group_tests(tests, scene_make_chip, scene_free_chip);
}
