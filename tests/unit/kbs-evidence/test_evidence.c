/* SPDX-License-Identifier: MIT */
/* The verifier with a made-up chip: each way to fail, in groups that share the chip's keys. */
#include "tests/unit/kbs-evidence/attempt.h"

static void every_verdict_was_reached(void **state)
{
    bool all = true;

    (void)state;
    for (enum verdict verdict = 0; verdict < VERDICT_COUNT; verdict++)
        if (!verdict_seen[verdict]) {
            print_error("no test reaches %s\n", verdict_code(verdict));
            all = false;
        }
    assert_true(all);
}

static void every_verdict_has_its_own_code(void **state)
{
    (void)state;
    for (enum verdict one = 0; one < VERDICT_COUNT; one++)
        for (enum verdict other = one + 1; other < VERDICT_COUNT; other++)
            assert_string_not_equal(verdict_code(one), verdict_code(other));
}

int main(void)
{
    const struct CMUnitTest verdicts[] = {
        cmocka_unit_test(every_verdict_was_reached),
        cmocka_unit_test(every_verdict_has_its_own_code),
    };
    int failed;

    attempt_make_chip();
    failed = run_report_cases() + run_chain_cases() + run_crl_cases() + run_signer_cases() +
             run_requirement_cases() + run_cache_cases();
    failed += cmocka_run_group_tests_name("verdicts", verdicts, NULL, NULL);
    attempt_free_chip();
    return failed;
}
