/* SPDX-License-Identifier: MIT */
/* main() of a test program that has none. It is in an archive, where programs that have one leave
 * it. */
#include "tests/unit/registered.h"

int main(void)
{
    return tests_run();
}
