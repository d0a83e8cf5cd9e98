/* SPDX-License-Identifier: MIT */
/* Where certificates and CRLs are found: a folder of the owner's, the KDS, a cache on disk. */
#include <stdlib.h>
#include <sys/stat.h>

#include <pthread.h>

#include "kbs/collateral/kds.h"
#include "kbs/metrics.h"
#include "tests/unit/kbs-evidence/collateral_world.h"
#include "tests/unit/registered.h"

/* The directory */

TEST_FIXTURE(finds_vceks_in_trustees_layout, world_start, world_stop)
{
    char name[512];
    struct collateral *collateral;

    make_folder("vcek");
    snprintf(name, sizeof(name), "vcek/%s", hwid(CHIP_ID_SIZE));
    make_folder(name);
    collateral = open_with(world_folder, NULL, NULL);
    assert_int_equal(ask_vcek(collateral), COLLATERAL_NONE);
    strcat(name, "/bl03_tee00_snp08_ucode213_vcek.der");
    write_certificate(name, milan.vcek);
    assert_int_equal(ask_vcek(collateral), COLLATERAL_NONE); /* it looks again later */
    now += 60;
    assert_int_equal(ask_vcek(collateral), COLLATERAL_OK);
    collateral_free(collateral);
}

TEST_FIXTURE(finds_the_one_vcek_of_a_chip, world_start, world_stop)
{
    char name[512];
    struct collateral *collateral;

    make_folder(hwid(CHIP_ID_SIZE));
    snprintf(name, sizeof(name), "%s/vcek.der", hwid(CHIP_ID_SIZE));
    write_certificate(name, milan.vcek);
    collateral = open_with(world_folder, NULL, NULL);
    assert_int_equal(ask_vcek(collateral), COLLATERAL_OK);
    collateral_free(collateral);
}

TEST_FIXTURE(does_not_take_a_vcek_for_another_tcb_or_chip, world_start, world_stop)
{
    struct certificate_spec spec = chip_vcek_spec(&milan);
    uint8_t another[CHIP_ID_SIZE] = {1};
    char name[512];
    struct collateral *collateral;
    X509 *vcek;

    make_folder(hwid(CHIP_ID_SIZE));
    snprintf(name, sizeof(name), "%s/vcek.der", hwid(CHIP_ID_SIZE));
    spec.tcb--;
    vcek = chip_certificate(&spec);
    write_certificate(name, vcek);
    X509_free(vcek);
    collateral = open_with(world_folder, NULL, NULL);
    assert_int_equal(ask_vcek(collateral), COLLATERAL_NONE);
    spec.tcb++;
    spec.hwid = another;
    vcek = chip_certificate(&spec);
    write_certificate(name, vcek);
    X509_free(vcek);
    now += 60;
    assert_int_equal(ask_vcek(collateral), COLLATERAL_NONE);
    collateral_free(collateral);
}

TEST_FIXTURE(finds_amds_files, world_start, world_stop)
{
    struct collateral *collateral;
    X509_CRL *crl = make_crl(-DAY, DAY);
    X509 *found;

    write_certificate("milan-ask.der", milan.ask);
    write_certificate("milan-asvk.pem", milan.asvk); /* whatever is in it */
    write_certificate("milan-ark.der", milan.ark);
    write_crl("milan-vcek.crl", crl);
    collateral = open_with(world_folder, NULL, NULL);
    expect_certificate(collateral_intermediate(collateral, PRODUCT_MILAN, false, now, &found),
                       &found, milan.ask);
    expect_certificate(collateral_intermediate(collateral, PRODUCT_MILAN, true, now, &found),
                       &found, milan.asvk);
    expect_certificate(collateral_root(collateral, PRODUCT_MILAN, false, now, &found), &found,
                       milan.ark);
    assert_int_equal(ask_crl(collateral, crl), COLLATERAL_OK);
    assert_int_equal(collateral_root(collateral, PRODUCT_GENOA, false, now, &found),
                     COLLATERAL_NONE);
    assert_null(found);
    X509_CRL_free(crl);
    collateral_free(collateral);
}

TEST_FIXTURE(gives_an_expired_crl_rather_than_none, world_start, world_stop)
{
    X509_CRL *crl = make_crl(-DAY, -DAY / 2);
    struct collateral *collateral;

    write_crl("milan-vcek.crl", crl);
    collateral = open_with(world_folder, NULL, NULL);
    assert_int_equal(ask_crl(collateral, crl), COLLATERAL_OK);
    collateral_free(collateral);
    X509_CRL_free(crl);
}

/* The KDS */

TEST_FIXTURE(asks_the_kds_for_the_reported_tcb, world_start, world_stop)
{
    struct collateral *collateral = open_kds();

    serve_certificate(vcek_uri(), milan.vcek);
    assert_int_equal(ask_vcek(collateral), COLLATERAL_OK);
    assert_string_equal(fake_kds_last_uri(kds), vcek_uri());
    collateral_free(collateral);
}

TEST_FIXTURE(asks_for_turins_with_fmc_and_a_short_id, world_start, world_stop)
{
    struct collateral *collateral = open_kds();
    struct tcb tcb = {.fmc = 1, .bootloader = 3, .snp = 8, .microcode = 0xd5};
    char expected[512];
    X509 *vcek;

    snprintf(expected, sizeof(expected),
             "/vcek/v1/Turin/%.16s?fmcSPL=01&blSPL=03&teeSPL=00&snpSPL=08&ucodeSPL=213", hwid(8));
    assert_int_equal(collateral_vcek(collateral, PRODUCT_TURIN, milan.id, tcb, now, &vcek),
                     COLLATERAL_NONE);
    assert_string_equal(fake_kds_last_uri(kds), expected);
    collateral_free(collateral);
}

TEST_FIXTURE(counts_what_it_asks, world_start, world_stop)
{
    uint64_t fetches = metric_get(METRIC_KDS_FETCHES), failures = metric_get(METRIC_KDS_FAILURES);
    struct collateral *collateral = open_kds();

    assert_int_equal(ask_vcek(collateral), COLLATERAL_NONE);
    fake_kds_fail(kds, 500, NULL, NULL);
    assert_int_equal(ask_crl(collateral, NULL), COLLATERAL_FAILED);
    assert_int_equal(metric_get(METRIC_KDS_FETCHES), fetches + 2);
    assert_int_equal(metric_get(METRIC_KDS_FAILURES), failures + 1);
    collateral_free(collateral);
}

TEST_FIXTURE(does_not_ask_twice, world_start, world_stop)
{
    struct collateral *collateral = open_kds();

    serve_certificate(vcek_uri(), milan.vcek);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask_vcek(collateral), COLLATERAL_OK);
    now += 1000 * DAY;
    assert_int_equal(ask_vcek(collateral), COLLATERAL_OK);
    assert_int_equal(fake_kds_requests(kds), 1);
    collateral_free(collateral);
}

TEST_FIXTURE(asks_again_later_for_what_was_missing, world_start, world_stop)
{
    struct collateral *collateral = open_kds();

    assert_int_equal(ask_vcek(collateral), COLLATERAL_NONE);
    assert_int_equal(ask_vcek(collateral), COLLATERAL_NONE);
    assert_int_equal(fake_kds_requests(kds), 1);
    serve_certificate(vcek_uri(), milan.vcek);
    now += 60;
    assert_int_equal(ask_vcek(collateral), COLLATERAL_OK);
    assert_int_equal(fake_kds_requests(kds), 2);
    collateral_free(collateral);
}

TEST_FIXTURE(prefers_the_owners_directory, world_start, world_stop)
{
    X509_CRL *crl = make_crl(-DAY, DAY);
    struct collateral *collateral;

    write_crl("milan-vcek.crl", crl);
    collateral = open_with(world_folder, fake_kds_url(kds), NULL);
    assert_int_equal(ask_crl(collateral, crl), COLLATERAL_OK);
    assert_int_equal(fake_kds_requests(kds), 0);
    collateral_free(collateral);
    X509_CRL_free(crl);
}

TEST_FIXTURE(asks_for_a_crl_when_the_owners_is_out_of_date, world_start, world_stop)
{
    X509_CRL *old = make_crl(-DAY, -DAY / 2), *new = make_crl(-DAY / 4, DAY);
    struct collateral *collateral;

    write_crl("milan-vcek.crl", old);
    serve_crl(CRL_URI, new);
    collateral = open_with(world_folder, fake_kds_url(kds), NULL);
    assert_int_equal(ask_crl(collateral, new), COLLATERAL_OK);
    collateral_free(collateral);
    X509_CRL_free(old);
    X509_CRL_free(new);
}

/* Backing off */

TEST_FIXTURE(leaves_the_kds_alone_for_as_long_as_it_asks, world_start, world_stop)
{
    struct collateral *collateral = open_kds();

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

TEST_FIXTURE(waits_longer_after_each_failure, world_start, world_stop)
{
    static const time_t after_429[] = {10, 20, 40};
    struct collateral *collateral = open_kds();
    unsigned requests;

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

TEST_FIXTURE(does_not_wait_for_ever_though_it_is_asked_to, world_start, world_stop)
{
    struct collateral *collateral = open_kds();

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

TEST_FIXTURE(an_error_of_the_kds_is_a_failure, world_start, world_stop)
{
    fake_kds_fail(kds, 503, NULL, NULL);
    expect_failure_then_pause();
}

TEST_FIXTURE(a_redirection_is_a_failure, world_start, world_stop)
{
    fake_kds_fail(kds, 302, "Location", "file:///etc/passwd");
    expect_failure_then_pause();
}

TEST_FIXTURE(garbage_is_a_failure, world_start, world_stop)
{
    fake_kds_serve(kds, vcek_uri(), "<html>", 6);
    expect_failure_then_pause();
}

TEST_FIXTURE(another_chips_vcek_is_a_failure, world_start, world_stop)
{
    struct certificate_spec spec = chip_vcek_spec(&milan);
    uint8_t another[CHIP_ID_SIZE] = {1};
    X509 *vcek;

    spec.hwid = another;
    vcek = chip_certificate(&spec);
    serve_certificate(vcek_uri(), vcek);
    X509_free(vcek);
    expect_failure_then_pause();
}

TEST_FIXTURE(too_long_an_answer_is_a_failure, world_start, world_stop)
{
    static char megabytes[3 << 20];

    fake_kds_serve(kds, vcek_uri(), megabytes, sizeof(megabytes));
    expect_failure_then_pause();
}

TEST_FIXTURE(a_slow_answer_is_a_failure, world_start, world_stop)
{
    struct collateral *collateral = open_kds();
    time_t began = time(NULL);

    serve_certificate(vcek_uri(), milan.vcek);
    fake_kds_delay(kds, 3000);
    assert_int_equal(ask_vcek(collateral), COLLATERAL_FAILED);
    assert_in_range(time(NULL) - began, 0, 2);
    collateral_free(collateral);
}

TEST_FIXTURE(no_kds_there_is_a_failure, world_start, world_stop)
{
    struct collateral *collateral = open_with(NULL, "http://127.0.0.1:1", NULL);

    assert_int_equal(ask_vcek(collateral), COLLATERAL_FAILED);
    collateral_free(collateral);
}

/* The cache on disk */

TEST_FIXTURE(keeps_what_it_fetched_on_disk, world_start, world_stop)
{
    char cache[PATH_MAX];
    struct collateral *collateral;
    struct stat folder;

    strcpy(cache, in_scratch("cache"));
    serve_certificate(vcek_uri(), milan.vcek);
    collateral = open_with(NULL, fake_kds_url(kds), cache);
    assert_int_equal(ask_vcek(collateral), COLLATERAL_OK);
    collateral_free(collateral);
    assert_int_equal(stat(cache, &folder), 0);
    assert_int_equal(folder.st_mode & 0777, 0700);
    collateral = open_with(NULL, NULL, cache); /* another process, without a KDS */
    assert_int_equal(ask_vcek(collateral), COLLATERAL_OK);
    collateral_free(collateral);
    assert_int_equal(fake_kds_requests(kds), 1);
}

/* The path of the cached VCEK. */
static const char *cached_vcek(void)
{
    static char name[512];

    snprintf(name, sizeof(name), "cache/Milan-%s-bl03_tee00_snp08_ucode213-vcek.pem",
             hwid(CHIP_ID_SIZE));
    return name;
}

static void flip_byte(const char *name, long at)
{
    FILE *file = fopen(in_scratch(name), "r+");
    int byte;

    assert_non_null(file);
    fseek(file, at, at < 0 ? SEEK_END : SEEK_SET);
    byte = fgetc(file);
    fseek(file, -1, SEEK_CUR);
    fputc(byte ^ 1, file);
    fclose(file);
}

TEST_FIXTURE(replaces_files_that_are_not_as_it_wrote_them, world_start, world_stop)
{
    static const long offsets[] = {0, 20, 200, 1000, -40};
    char cache[PATH_MAX];
    struct collateral *collateral;

    strcpy(cache, in_scratch("cache"));
    serve_certificate(vcek_uri(), milan.vcek);
    for (unsigned i = 0; i < sizeof(offsets) / sizeof(offsets[0]) + 2; i++) {
        collateral = open_with(NULL, fake_kds_url(kds), cache);
        assert_int_equal(ask_vcek(collateral), COLLATERAL_OK);
        assert_int_equal(fake_kds_requests(kds), i + 1);
        collateral_free(collateral);
        collateral = open_with(NULL, NULL, cache);
        assert_int_equal(ask_vcek(collateral), COLLATERAL_OK);
        collateral_free(collateral);
        if (i < sizeof(offsets) / sizeof(offsets[0]))
            flip_byte(cached_vcek(), offsets[i]);
        else
            write_bytes(cached_vcek(), "", 0);
    }
}

TEST_FIXTURE(works_where_it_cannot_write, world_start, world_stop)
{
    char cache[PATH_MAX];
    struct collateral *collateral;

    strcpy(cache, in_scratch("cache"));
    serve_certificate(vcek_uri(), milan.vcek);
    collateral = open_with(NULL, fake_kds_url(kds), cache);
    assert_int_equal(remove(cache), 0);
    assert_int_equal(ask_vcek(collateral), COLLATERAL_OK);
    collateral_free(collateral);
}

TEST_FIXTURE(needs_a_folder_for_its_cache, world_start, world_stop)
{
    char cache[PATH_MAX];
    struct collateral_options options = {.cache = cache};

    write_bytes("file", "x", 1);
    strcpy(cache, in_scratch("file"));
    assert_null(collateral_new(&options));
    strcpy(cache, in_scratch("no/such/folder"));
    assert_null(collateral_new(&options));
}

TEST_FIXTURE(renews_a_crl_daily_and_at_its_end, world_start, world_stop)
{
    X509_CRL *first = make_crl(-DAY, 10 * DAY), *second = make_crl(-DAY / 2, 11 * DAY);
    char cache[PATH_MAX];
    struct collateral *collateral;

    strcpy(cache, in_scratch("cache"));
    serve_crl(CRL_URI, first);
    collateral = open_with(NULL, fake_kds_url(kds), cache);
    assert_int_equal(ask_crl(collateral, first), COLLATERAL_OK);
    serve_crl(CRL_URI, second);
    now += DAY / 2;
    assert_int_equal(ask_crl(collateral, first), COLLATERAL_OK);
    assert_int_equal(fake_kds_requests(kds), 1);
    now += DAY;
    assert_int_equal(ask_crl(collateral, second), COLLATERAL_OK);
    assert_int_equal(fake_kds_requests(kds), 2);
    fake_kds_fail(kds, 503, NULL, NULL);
    now += 5 * DAY;
    assert_int_equal(ask_crl(collateral, second), COLLATERAL_OK); /* still valid */
    assert_int_equal(fake_kds_requests(kds), 3);
    now += 20 * DAY;
    assert_int_equal(ask_crl(collateral, second), COLLATERAL_OK); /* the verifier will see */
    assert_int_equal(fake_kds_requests(kds), 4);
    fake_kds_fail(kds, 0, NULL, NULL);
    serve_crl(CRL_URI, first);
    now += 120;
    assert_int_equal(ask_crl(collateral, first), COLLATERAL_OK);
    collateral_free(collateral);
    X509_CRL_free(first);
    X509_CRL_free(second);
}

/* Addresses */

TEST_FIXTURE(takes_only_urls_that_are_safe, world_start, world_stop)
{
    assert_true(kds_url_is_acceptable("https://kdsintf.amd.com"));
    assert_true(kds_url_is_acceptable("https://mirror.example:8443/amd/kds"));
    assert_true(kds_url_is_acceptable("http://127.0.0.1:8080"));
    assert_true(kds_url_is_acceptable("http://[::1]:8080"));
    assert_true(kds_url_is_acceptable("http://localhost"));
    assert_false(kds_url_is_acceptable("http://kdsintf.amd.com"));
    assert_false(kds_url_is_acceptable("http://127.0.0.1.example"));
    assert_false(kds_url_is_acceptable("http://localhost@example.com"));
    assert_false(kds_url_is_acceptable("ftp://127.0.0.1"));
    assert_false(kds_url_is_acceptable("file:///etc"));
    assert_false(kds_url_is_acceptable("https://kdsintf.amd.com?x=1"));
    assert_false(kds_url_is_acceptable("https://kdsintf.amd.com/"));
    assert_false(kds_url_is_acceptable("kdsintf.amd.com"));
    assert_false(kds_url_is_acceptable(""));
}

TEST_GROUP(world_make_chip, world_free_chip)
