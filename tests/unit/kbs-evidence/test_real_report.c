/* SPDX-License-Identifier: MIT */
/* A report of a real Milan, with its real chain; skipped where the data are absent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/x509.h>

#include "kbs/evidence/chain.h"
#include "kbs/evidence/report.h"
#include "kbs/evidence/vcek.h"
#include "tests/unit/kbs/hex.h"

#define A_DAY_IN_2026 1780000000 /* within the VCEK's validity */

static struct trust trust;
static struct certificates presented;
static struct snp_report report;

/* A path below the folder of real data. */
static const char *data_path(const char *name)
{
    static char path[4096];
    const char *shared = getenv("SNP_VTPM_SHARED");

    snprintf(path, sizeof(path), "%s/%s", shared ? shared : "", name);
    return path;
}

static bool load_report(void)
{
    char hex[2 * REPORT_SIZE + 1] = "";
    FILE *file = fopen(data_path("data/report-milan/report.hex"), "r");
    size_t size = file ? fread(hex, 1, sizeof(hex) - 1, file) : 0;

    if (file)
        fclose(file);
    if (size != sizeof(hex) - 1)
        return false;
    bytes_of_hex(hex, &report, sizeof(report));
    return true;
}

static int load(void **state)
{
    struct trust_error error;

    (void)state;
    if (!load_report())
        return 0;
    presented.vcek = certificate_load(data_path("data/report-milan/vcek.der"));
    assert_non_null(presented.vcek);
    if (!trust_load_amd(&trust, data_path("data/amd-certs"), &error))
        fail_msg("%s", error.text);
    return 0;
}

static int unload(void **state)
{
    (void)state;
    trust_free(&trust);
    certificates_free(&presented);
    return 0;
}

static void skip_without_data(void)
{
    if (!presented.vcek)
        skip();
}

static void its_form_is_good_but_its_version_too_old(void **state)
{
    struct finding finding;
    struct snp_report copy;
    enum product product;

    (void)state;
    skip_without_data();
    assert_true(report_check_form((const uint8_t *)&report, sizeof(report), &copy, &finding));
    assert_false(report_check_version(&copy, &product, &finding));
    assert_int_equal(finding.verdict, VERDICT_REPORT_VERSION);
}

static void its_chain_ends_in_amds_pinned_root(void **state)
{
    struct finding finding = {0};
    struct chain chain;

    (void)state;
    skip_without_data();
    assert_true(chain_select(&trust, PRODUCT_MILAN, &presented, &chain, &finding));
    assert_false(chain.emulated);
    if (!chain_verify(&chain, PRODUCT_MILAN, A_DAY_IN_2026, &finding))
        fail_msg("%s: %s", verdict_code(finding.verdict), finding.detail);
    assert_false(chain_verify(&chain, PRODUCT_MILAN, 2000000000, &finding)); /* 2033 */
    assert_int_equal(finding.verdict, VERDICT_CHAIN_VALIDITY);
}

static void its_chain_is_not_another_products(void **state)
{
    struct finding finding;
    struct chain chain;

    (void)state;
    skip_without_data();
    assert_true(chain_select(&trust, PRODUCT_GENOA, &presented, &chain, &finding));
    assert_false(chain_verify(&chain, PRODUCT_GENOA, A_DAY_IN_2026, &finding));
    assert_int_equal(finding.verdict, VERDICT_CHAIN_SIGNATURE);
}

static void its_signature_chip_and_tcb_are_its_vceks(void **state)
{
    struct finding finding;
    struct snp_report altered = report;

    (void)state;
    skip_without_data();
    assert_true(vcek_check_signature(presented.vcek, &report, &finding));
    assert_true(vcek_check_tcb(presented.vcek, &report, PRODUCT_MILAN, &finding));
    assert_true(vcek_check_chip(presented.vcek, &report, PRODUCT_MILAN, &finding));
    altered.measurement[0] ^= 1;
    assert_false(vcek_check_signature(presented.vcek, &altered, &finding));
}

static void genoas_and_turins_roots_are_pinned_too(void **state)
{
    (void)state;
    skip_without_data();
    for (enum product product = 0; product < PRODUCT_COUNT; product++) {
        assert_true(trust_is_amd_root(product, trust.amd_ark[product]));
        assert_false(trust_is_amd_root(product, trust.amd_ask[product]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_form_is_good_but_its_version_too_old),
        cmocka_unit_test(its_chain_ends_in_amds_pinned_root),
        cmocka_unit_test(its_chain_is_not_another_products),
        cmocka_unit_test(its_signature_chip_and_tcb_are_its_vceks),
        cmocka_unit_test(genoas_and_turins_roots_are_pinned_too),
    };

    return cmocka_run_group_tests(tests, load, unload);
}
