/* SPDX-License-Identifier: MIT */
/* The verifier with a made-up chip: each way to fail, in groups that share the chip's keys. */
#include "tests/unit/kbs-evidence/attempt.h"
#include "tests/unit/registered.h"

TEST(every_verdict_was_reached)
{
    bool all = true;

    for (enum verdict verdict = 0; verdict < VERDICT_COUNT; verdict++)
        if (!verdict_seen[verdict]) {
            print_error("no test reaches %s\n", verdict_code(verdict));
            all = false;
        }
    assert_true(all);
}

TEST(every_verdict_has_its_own_code)
{
    for (enum verdict one = 0; one < VERDICT_COUNT; one++)
        for (enum verdict other = one + 1; other < VERDICT_COUNT; other++)
            assert_string_not_equal(verdict_code(one), verdict_code(other));
}

int main(void)
{
    int failed;

    attempt_make_chip();
    failed = tests_run();
    attempt_free_chip();
    return failed;
}
