/* SPDX-License-Identifier: MIT */
/*
 * How long the status page, its JSON and the state of the audit log take with so many lines:
 * measure_admin [LINES] (200000). No test; run it by hand on an idle machine.
 */
#include <stdio.h>
#include <stdlib.h>

#include "kbs/audit/audit_watch.h"
#include "tests/unit/kbs-admin/asking.h"
#include "tests/unit/kbs/scratch.h"
#include "tests/unit/measuring.h"
#include "tests/unit/registered.h"

#define LINES_DEFAULT 200000
#define LINES_AT_ONCE 10000
#define REQUESTS      5

static void fill(struct admin_kbs *admin, unsigned lines)
{
    struct store_unit *unit = NULL;

    for (unsigned i = 0; i < lines; i++) {
        if (i % LINES_AT_ONCE == 0)
            assert_int_equal(store_begin(admin->kbs.store, &unit), STORE_OK);
        assert_int_equal(audit_append(unit, "attest", attestation_members(), ASKING_NOW - 1000),
                         STORE_OK);
        if (i % LINES_AT_ONCE == LINES_AT_ONCE - 1 || i == lines - 1)
            assert_int_equal(store_commit(unit), STORE_OK);
    }
}

static void measure(struct admin_kbs *admin, const char *path)
{
    for (unsigned i = 0; i < REQUESTS; i++) {
        double began = seconds();
        struct answer answer =
            ask(admin, &(struct asked){.method = "GET", .path = path, .token = admin->auditor});

        printf("%-24s %u  %9.2f ms\n", path, answer.reply.status, (seconds() - began) * 1e3);
        asking_done(&answer);
    }
}

int main(int argc, char **argv)
{
    unsigned lines = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : LINES_DEFAULT;
    struct admin_kbs admin;

    if (scratch_make(NULL) != 0)
        return 1;
    admin_kbs_start(&admin, scratch_folder);
    fill(&admin, lines);
    if (!audit_watch_verify(admin.kbs.watch, 600))
        printf("not verified yet\n");
    printf("%u lines\n", lines);
    measure(&admin, "/");
    measure(&admin, "/admin/v1/status");
    measure(&admin, "/admin/v1/audit/verify");
    admin_kbs_stop(&admin);
    return scratch_remove(NULL) == 0 ? 0 : 1;
}
