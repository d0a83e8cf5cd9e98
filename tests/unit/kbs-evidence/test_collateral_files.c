/* SPDX-License-Identifier: MIT */
/* Collateral from files: the owner's directory, and the cache of what the KDS answered. */
#include "tests/unit/kbs-evidence/collateral_scene.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* The directory */

static void finds_vceks_in_trustees_layout(void **state)
{
    char name[512];
    struct collateral *collateral;

    (void)state;
    make_folder("vcek");
    snprintf(name, sizeof(name), "vcek/%s", hwid(CHIP_ID_SIZE));
    make_folder(name);
    collateral = open_with(collateral_folder(), NULL, NULL);
    assert_int_equal(ask_vcek(collateral), COLLATERAL_NONE);
    strcat(name, "/bl03_tee00_snp08_ucode213_vcek.der");
    write_certificate(name, milan.vcek);
    assert_int_equal(ask_vcek(collateral), COLLATERAL_NONE); /* it looks again later */
    now += 60;
    assert_int_equal(ask_vcek(collateral), COLLATERAL_OK);
    collateral_free(collateral);
}

static void finds_the_one_vcek_of_a_chip(void **state)
{
    char name[512];
    struct collateral *collateral;

    (void)state;
    make_folder(hwid(CHIP_ID_SIZE));
    snprintf(name, sizeof(name), "%s/vcek.der", hwid(CHIP_ID_SIZE));
    write_certificate(name, milan.vcek);
    collateral = open_with(collateral_folder(), NULL, NULL);
    assert_int_equal(ask_vcek(collateral), COLLATERAL_OK);
    collateral_free(collateral);
}

static void does_not_take_a_vcek_for_another_tcb_or_chip(void **state)
{
    struct certificate_spec spec = chip_vcek_spec(&milan);
    uint8_t another[CHIP_ID_SIZE] = {1};
    char name[512];
    struct collateral *collateral;
    X509 *vcek;

    (void)state;
    make_folder(hwid(CHIP_ID_SIZE));
    snprintf(name, sizeof(name), "%s/vcek.der", hwid(CHIP_ID_SIZE));
    spec.tcb--;
    vcek = chip_certificate(&spec);
    write_certificate(name, vcek);
    X509_free(vcek);
    collateral = open_with(collateral_folder(), NULL, NULL);
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

static void finds_amds_files(void **state)
{
    struct collateral *collateral;
    X509_CRL *crl = make_crl(-DAY, DAY);
    X509 *found;

    (void)state;
    write_certificate("milan-ask.der", milan.ask);
    write_certificate("milan-asvk.pem", milan.asvk); /* whatever is in it */
    write_certificate("milan-ark.der", milan.ark);
    write_crl("milan-vcek.crl", crl);
    collateral = open_with(collateral_folder(), NULL, NULL);
    expect_certificate(collateral_intermediate(collateral, PRODUCT_MILAN, false, now, &found),
                       &found, milan.ask);
    expect_certificate(collateral_intermediate(collateral, PRODUCT_MILAN, true, now, &found),
                       &found, milan.asvk);
    expect_certificate(collateral_root(collateral, PRODUCT_MILAN, now, &found), &found, milan.ark);
    assert_int_equal(ask_crl(collateral, crl), COLLATERAL_OK);
    assert_int_equal(collateral_root(collateral, PRODUCT_GENOA, now, &found), COLLATERAL_NONE);
    assert_null(found);
    X509_CRL_free(crl);
    collateral_free(collateral);
}

static void gives_an_expired_crl_rather_than_none(void **state)
{
    X509_CRL *crl = make_crl(-DAY, -DAY / 2);
    struct collateral *collateral;

    (void)state;
    write_crl("milan-vcek.crl", crl);
    collateral = open_with(collateral_folder(), NULL, NULL);
    assert_int_equal(ask_crl(collateral, crl), COLLATERAL_OK);
    collateral_free(collateral);
    X509_CRL_free(crl);
}

/* The cache on disk */

static void keeps_what_it_fetched_on_disk(void **state)
{
    char cache[PATH_MAX];
    struct collateral *collateral;
    struct stat folder;

    (void)state;
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

static void replaces_files_that_are_not_as_it_wrote_them(void **state)
{
    static const long offsets[] = {0, 20, 200, 1000, -40};
    char cache[PATH_MAX];
    struct collateral *collateral;

    (void)state;
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

static void works_where_it_cannot_write(void **state)
{
    char cache[PATH_MAX];
    struct collateral *collateral;

    (void)state;
    strcpy(cache, in_scratch("cache"));
    serve_certificate(vcek_uri(), milan.vcek);
    collateral = open_with(NULL, fake_kds_url(kds), cache);
    assert_int_equal(remove(cache), 0);
    assert_int_equal(ask_vcek(collateral), COLLATERAL_OK);
    collateral_free(collateral);
}

static void needs_a_folder_for_its_cache(void **state)
{
    char cache[PATH_MAX];
    const struct collateral_options options = {.cache = cache};

    (void)state;
    write_bytes("file", "x", 1);
    strcpy(cache, in_scratch("file"));
    assert_null(collateral_new(&options));
    strcpy(cache, in_scratch("no/such/folder"));
    assert_null(collateral_new(&options));
}

static void renews_a_crl_daily_and_at_its_end(void **state)
{
    X509_CRL *first = make_crl(-DAY, 10 * DAY), *second = make_crl(-DAY / 2, 11 * DAY);
    char cache[PATH_MAX];
    struct collateral *collateral;

    (void)state;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(finds_vceks_in_trustees_layout),
        SCENE_TEST(finds_the_one_vcek_of_a_chip),
        SCENE_TEST(does_not_take_a_vcek_for_another_tcb_or_chip),
        SCENE_TEST(finds_amds_files),
        SCENE_TEST(gives_an_expired_crl_rather_than_none),
        SCENE_TEST(keeps_what_it_fetched_on_disk),
        SCENE_TEST(replaces_files_that_are_not_as_it_wrote_them),
        SCENE_TEST(works_where_it_cannot_write),
        SCENE_TEST(needs_a_folder_for_its_cache),
        SCENE_TEST(renews_a_crl_daily_and_at_its_end),
    };

    return cmocka_run_group_tests(tests, scene_make_chip, scene_free_chip);
}
