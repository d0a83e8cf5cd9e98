/* SPDX-License-Identifier: MIT */
/* What owners set, see and override of a volume's lease, on either store. */
#include <stdio.h>
#include <string.h>

#include "kbs/audit/audit.h"
#include "kbs/store/leases.h"
#include "lib/base/bytes.h"
#include "tests/unit/kbs-admin/asking.h"
#include "tests/unit/kbs-store/fixture.h"
#include "tests/unit/kbs/between.h"
#include "tests/unit/registered.h"

#define POINTS_MAX 100
#define TIME       60
#define VOLUME     "/admin/v1/volumes/vm-1"

static struct fixture *fixture;
static struct admin_kbs server;
static char owner[TOKEN_TEXT_MAX + 1], auditor[TOKEN_TEXT_MAX + 1];
static struct volume volume;
static uint64_t sequence;
static time_t clock_of_vms; /* that of the owner stands still */

static void begin(void)
{
    void *state;

    assert_int_equal(fixture_begin(&state), 0);
    fixture = state;
    fixture_add_policy(fixture, "default");
    fixture_add_image(fixture, "svsm-1", 0xaa);
    volume = fixture_add_volume(fixture, "vm-1", "svsm-1", 1);
    server = (struct admin_kbs){.verifier.trust = &server.trust};
    server.kbs = (struct kbs){.store = fixture->store,
                              .audit = audit_start(fixture->store, false),
                              .verifier = &server.verifier,
                              .attestation_policy = "default"};
    admin_kbs_add_token(&server, "owner", ROLE_OWNER, 0, owner);
    admin_kbs_add_token(&server, "auditor", ROLE_AUDITOR, 0, auditor);
    sequence = 0;
    clock_of_vms = ASKING_NOW;
}

static int set_up(void **state)
{
    (void)state;
    begin();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    void *of_fixture = fixture;

    audit_stop(server.kbs.audit);
    return fixture_end(&of_fixture);
}

/* Owners */

static json_t *post(unsigned status, const char *path, const char *body)
{
    return ask_json(&server, status, owner, "POST", path, body);
}

static json_t *lease_of(json_t *reply)
{
    json_t *lease = json_object_get(reply, "lease");

    assert_non_null(lease);
    return lease;
}

static json_t *show(void)
{
    return lease_of(ask_json(&server, 200, auditor, "GET", VOLUME, NULL));
}

static void refused(const char *path, const char *body, unsigned status, const char *code,
                    const char *advice)
{
    json_t *reply = post(status, path, body);
    json_t *line = last_audit_line(&server);

    assert_string_equal(text_of(reply, "error"), code);
    if (!strstr(text_of(reply, "message"), advice))
        fail_msg("%s: %s", code, text_of(reply, "message"));
    assert_string_equal(text_of(line, "result"), "refused");
    assert_string_equal(text_of(line, "reason"), code);
    json_decref(line);
}

/* Asserts what the last line of the log says of a change. */
static void assert_logged(const char *op, const char *detail)
{
    json_t *line = last_audit_line(&server);

    assert_string_equal(text_of(line, "op"), op);
    assert_string_equal(text_of(line, "object"), "vm-1");
    assert_string_equal(text_of(line, "result"), "done");
    assert_string_equal(text_of(line, "actor"), "owner");
    if (detail && !strstr(text_of(line, "detail"), detail))
        fail_msg("%s: %s", op, text_of(line, "detail"));
    json_decref(line);
}

static void set(const char *body)
{
    post(200, VOLUME "/lease", body);
}

static bool is(const json_t *lease, const char *member)
{
    assert_true(json_is_boolean(json_object_get(lease, member)));
    return json_is_true(json_object_get(lease, member));
}

static bool is_null(const json_t *lease, const char *member)
{
    assert_non_null(json_object_get(lease, member));
    return json_is_null(json_object_get(lease, member));
}

static json_int_t number_of(const json_t *lease, const char *member)
{
    return json_integer_value(json_object_get(lease, member));
}

/* VMs */

static void fill_state(uint8_t state[RELEASE_STATE_SIZE], uint8_t number)
{
    memset(state, number, RELEASE_STATE_SIZE);
    put_be64(state, number);
}

/* What the KBS answers VM number that asks this; as one unit of work, like the real one. */
static enum lease_reason act(uint8_t number, uint8_t op, uint8_t from, uint8_t to)
{
    struct release_request request = {
        .op = op, .has_from = from != 0, .has_to = to != 0, .sequence = sequence + 1};
    struct lease_policy policy;
    struct lease_record record;
    struct lease_input input = {.request = &request, .policy = &policy, .now = clock_of_vms};
    struct lease_output output;
    struct store_unit *unit = fixture_unit(fixture);

    sequence++;
    fill_state(request.from, from);
    fill_state(request.to, to);
    memset(input.report_id, number, sizeof(input.report_id));
    memset(input.new_lease, number, sizeof(input.new_lease));
    memset(request.lease, number, sizeof(request.lease));
    assert_ok(volume_by_id(unit, volume.id, &volume));
    assert_ok(lease_load(unit, &volume, &policy, &record));
    request.epoch = record.epoch;
    output = lease_step(&record, &input);
    if (output.changed)
        assert_ok(lease_save(unit, volume.id, &record));
    assert_ok(store_commit(unit));
    return output.reason;
}

#define EXPECT(reason_wanted, ...) assert_int_equal(act(__VA_ARGS__), LEASE_REASON_##reason_wanted)

/* VM 1 has the lease, and committed state 1. */
static void run_vm(void)
{
    EXPECT(OK, 1, RELEASE_OP_ACQUIRE, 0, 0);
    EXPECT(OK, 1, RELEASE_OP_CONFIRM, 0, 1);
}

/* The text of a state; the owner sees it in the answers. */
static const char *state_of(uint8_t number)
{
    static char text[160];
    int used = snprintf(text, sizeof(text), "%u:", number);

    for (int i = 8; i < RELEASE_STATE_SIZE; i++)
        used += snprintf(text + used, sizeof(text) - (size_t)used, "%02x", number);
    return text;
}

static const char *accepting(const char *state)
{
    static char body[200];

    snprintf(body, sizeof(body), "{\"state\":\"%s\"}", state);
    return body;
}

/* VM 2 is shown another state than the committed one; 0 is a blank disk. */
static void complain(uint8_t number)
{
    EXPECT(OK, 1, RELEASE_OP_RELEASE, 1, 0);
    EXPECT(OK, 2, RELEASE_OP_ACQUIRE, 0, 0);
    EXPECT(DISK_REFUSED, 2, RELEASE_OP_COMPLAIN, 0, number);
}

/* The policy */

TEST_FIXTURE(a_new_volume_has_no_leases_and_it_is_said_what_that_loses, set_up, tear_down)
{
    json_t *lease = show();

    (void)state;
    assert_string_equal(text_of(lease, "mode"), "off");
    assert_non_null(strstr(text_of(lease, "loses"), "rollback and clones are not noticed"));
    assert_string_equal(text_of(lease, "phase"), "none");
    assert_true(is_null(lease, "holder") && is_null(lease, "committed"));
    assert_true(is_null(lease, "complaint") && is_null(lease, "since"));
}

TEST_FIXTURE(what_is_not_asked_for_stays_as_it_is, set_up, tear_down)
{
    json_t *lease;

    (void)state;
    set("{\"mode\":\"classed\"}");
    assert_logged("volume-set-lease", "mode classed, same_epoch 1, lease_time 60");
    lease = show();
    assert_string_equal(text_of(lease, "mode"), "classed");
    assert_true(is(lease, "same_epoch"));
    assert_int_equal(number_of(lease, "lease_time"), 60);
    assert_int_equal(number_of(lease, "confirm_time"), 60);
    assert_string_equal(text_of(lease, "unopened"), "stop");
    assert_true(is(lease, "manufacture"));
    assert_false(is(lease, "adopt"));
    set("{\"lease_time\":null,\"unopened\":\"ephemeral\",\"adopt\":true}");
    assert_logged("volume-set-lease", "lease_time forever, confirm_time 60, unopened ephemeral");
    lease = show();
    assert_string_equal(text_of(lease, "mode"), "classed");
    assert_true(is_null(lease, "lease_time"));
    assert_int_equal(number_of(lease, "confirm_time"), 60);
    assert_string_equal(text_of(lease, "unopened"), "ephemeral");
    assert_true(is(lease, "manufacture") && is(lease, "adopt"));
    set("{\"mode\":\"boot\",\"same_epoch\":false,\"lease_time\":300,\"manufacture\":false}");
    lease = show();
    assert_string_equal(text_of(lease, "mode"), "boot");
    assert_false(is(lease, "same_epoch") || is(lease, "manufacture"));
    assert_int_equal(number_of(lease, "lease_time"), 300);
}

TEST_FIXTURE(a_volume_that_was_in_use_keeps_its_tpm, set_up, tear_down)
{
    struct store_unit *unit = fixture_unit(fixture);

    (void)state;
    assert_ok(volume_note_release(unit, volume.id, 5));
    assert_ok(store_commit(unit));
    set("{\"mode\":\"strict\"}");
    assert_false(is(show(), "manufacture") || is(show(), "same_epoch"));
    assert_true(is(show(), "adopt"));
}

TEST_FIXTURE(each_mode_says_what_it_loses, set_up, tear_down)
{
    static const struct {
        const char *body, *says;
    } modes[] = {
        {"{\"mode\":\"strict\",\"same_epoch\":false}", "nothing: each change is anchored"},
        {"{\"mode\":\"strict\",\"same_epoch\":true}", "nothing: each change is anchored"},
        {"{\"mode\":\"classed\",\"same_epoch\":false}", "a power cut loses unimportant changes"},
        {"{\"mode\":\"classed\",\"same_epoch\":true}",
         "nothing at a power cut; the host can take back unimportant changes"},
        {"{\"mode\":\"boot\",\"same_epoch\":false}", "a power cut loses all changes"},
        {"{\"mode\":\"boot\",\"same_epoch\":true}",
         "nothing at a power cut; the host can take back changes since the VM started"},
        {"{\"mode\":\"off\"}", "rollback and clones are not noticed"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        set(modes[i].body);
        if (strncmp(text_of(show(), "loses"), modes[i].says, strlen(modes[i].says)) != 0)
            fail_msg("%s: %s", modes[i].body, text_of(show(), "loses"));
    }
}

TEST_FIXTURE(policies_that_make_no_sense_are_refused, set_up, tear_down)
{
    static const struct {
        const char *body, *code, *advice;
    } bodies[] = {
        {"{\"mode\":\"none\"}", "mode-invalid", "classed"},
        {"{\"mode\":\"strict\",\"unopened\":\"x\"}", "unopened-invalid", "ephemeral"},
        {"{\"lease_time\":9}", "time-invalid", "10 to 604800"},
        {"{\"lease_time\":-1}", "time-invalid", "lease_time"},
        {"{\"lease_time\":604801}", "time-invalid", "null"},
        {"{\"lease_time\":4294967295}", "time-invalid", "null"},
        {"{\"confirm_time\":\"60\"}", "time-invalid", "confirm_time"},
        {"{\"confirm_time\":1.5}", "time-invalid", "confirm_time"},
        {"{\"manufacture\":1}", "body-invalid", "does not fit"},
        {"{\"frozen\":true}", "body-invalid", "does not fit"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        refused(VOLUME "/lease", bodies[i].body, 400, bodies[i].code, bodies[i].advice);
    assert_string_equal(text_of(show(), "mode"), "off");
}

TEST_FIXTURE(the_rules_stay_while_a_vm_writes_by_them, set_up, tear_down)
{
    (void)state;
    set("{\"mode\":\"classed\"}");
    run_vm();
    refused(VOLUME "/lease", "{\"mode\":\"off\"}", 409, "lease-held", "kbsctl volume lease break");
    refused(VOLUME "/lease", "{\"same_epoch\":false}", 409, "lease-held", "0101010101010101");
    set("{\"mode\":\"classed\",\"lease_time\":120,\"unopened\":\"ephemeral\"}");
    EXPECT(OK, 1, RELEASE_OP_RELEASE, 1, 0);
    set("{\"same_epoch\":false}");
    EXPECT(SUPERSEDED, 1, RELEASE_OP_RENEW, 0, 0);
    assert_string_equal(text_of(show(), "committed"), state_of(1));
}

TEST_FIXTURE(only_owners_and_only_for_volumes_that_are_there, set_up, tear_down)
{
    static const char *const changes[] = {"/lease", "/lease/break", "/accept-disk", "/freeze",
                                          "/thaw"};
    char path[80];

    (void)state;
    set("{\"mode\":\"classed\"}");
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        const char *body = i == 2 ? "{\"state\":\"blank\"}" : "{}";

        snprintf(path, sizeof(path), "/admin/v1/volumes/vm-1%s", changes[i]);
        assert_refused(
            &server,
            &(struct asked){.method = "POST", .path = path, .token = auditor, .body = body}, 403,
            "role-insufficient");
        snprintf(path, sizeof(path), "/admin/v1/volumes/none%s", changes[i]);
        refused(path, body, 404, "not-found", "none");
    }
    post(200, VOLUME "/retire", "{}");
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        snprintf(path, sizeof(path), "/admin/v1/volumes/vm-1%s", changes[i]);
        refused(path, i == 2 ? "{\"state\":\"blank\"}" : "{}", 409, "retired", "vm-1");
    }
}

/* What is shown, and overridden */

TEST_FIXTURE(the_lease_is_shown_with_whose_it_is_and_until_when, set_up, tear_down)
{
    json_t *lease;

    (void)state;
    set("{\"mode\":\"classed\",\"lease_time\":300}");
    EXPECT(OK, 1, RELEASE_OP_ACQUIRE, 0, 0);
    lease = show();
    assert_string_equal(text_of(lease, "phase"), "pending");
    assert_string_equal(text_of(lease, "until"), "2026-09-21T14:14:20Z");
    assert_int_equal(number_of(lease, "epoch"), 1000LL * ASKING_NOW);
    EXPECT(OK, 1, RELEASE_OP_CONFIRM, 0, 1);
    lease = show();
    assert_string_equal(text_of(lease, "phase"), "active");
    assert_string_equal(text_of(lease, "holder"),
                        "0101010101010101010101010101010101010101010101010101010101010101");
    assert_string_equal(text_of(lease, "since"), "2026-09-21T14:13:20Z");
    assert_string_equal(text_of(lease, "until"), "2026-09-21T14:18:20Z");
    assert_string_equal(text_of(lease, "committed"), state_of(1));
    set("{\"lease_time\":null}");
    assert_true(is_null(show(), "until"));
    EXPECT(OK, 1, RELEASE_OP_RELEASE, 1, 0);
    assert_string_equal(text_of(show(), "phase"), "released");
}

TEST_FIXTURE(a_lease_whose_time_is_over_is_shown_as_such, set_up, tear_down)
{
    (void)state;
    set("{\"mode\":\"classed\"}");
    clock_of_vms = ASKING_NOW - TIME;
    run_vm();
    assert_string_equal(text_of(show(), "phase"), "over");
    assert_true(is_null(show(), "until"));
}

TEST_FIXTURE(a_broken_lease_makes_nobody_wait_and_fences_its_vm, set_up, tear_down)
{
    json_t *reply;

    (void)state;
    refused(VOLUME "/lease/break", "{}", 409, "lease-none", "kbsctl volume set-lease");
    set("{\"mode\":\"classed\"}");
    refused(VOLUME "/lease/break", "{}", 409, "lease-free", "need not wait");
    run_vm();
    EXPECT(BUSY, 2, RELEASE_OP_ACQUIRE, 0, 0);
    reply = post(200, VOLUME "/lease/break", "{}");
    assert_non_null(strstr(text_of(reply, "gives_up"), "persists nothing from now on"));
    assert_int_equal(number_of(lease_of(reply), "generation"), 1);
    assert_logged("volume-lease-break", "report_id 0101010101010101");
    EXPECT(SUPERSEDED, 1, RELEASE_OP_ANCHOR, 1, 2);
    EXPECT(OK, 2, RELEASE_OP_ACQUIRE, 0, 0);
    assert_string_equal(text_of(show(), "committed"), state_of(1));
}

TEST_FIXTURE(a_disk_is_accepted_as_the_owner_saw_it_and_not_otherwise, set_up, tear_down)
{
    json_t *reply, *complaint;

    (void)state;
    refused(VOLUME "/accept-disk", accepting("blank"), 409, "lease-none", "set-lease");
    set("{\"mode\":\"classed\"}");
    refused(VOLUME "/accept-disk", accepting("blank"), 409, "complaint-none", "start one");
    run_vm();
    complain(9);
    complaint = json_object_get(show(), "complaint");
    assert_string_equal(text_of(complaint, "state"), state_of(9));
    assert_string_equal(text_of(complaint, "time"), "2026-09-21T14:13:20Z");
    assert_string_equal(text_of(complaint, "report_id"),
                        "0202020202020202020202020202020202020202020202020202020202020202");
    refused(VOLUME "/accept-disk", accepting(state_of(8)), 409, "complaint-other", "9:0909");
    refused(VOLUME "/accept-disk", accepting("blank"), 409, "complaint-other", "9:0909");
    refused(VOLUME "/accept-disk", "{}", 400, "body-invalid", "state");
    reply = post(200, VOLUME "/accept-disk", accepting(state_of(9)));
    assert_non_null(strstr(text_of(reply, "gives_up"), "what was written after it is lost"));
    assert_string_equal(text_of(lease_of(reply), "committed"), state_of(9));
    assert_true(is_null(lease_of(reply), "complaint"));
    assert_logged("volume-accept-disk",
                  "9:0909090909090909, the committed one was 1:0101010101010101");
    refused(VOLUME "/accept-disk", accepting(state_of(9)), 409, "complaint-none", "start one");
    EXPECT(OK, 3, RELEASE_OP_ACQUIRE, 0, 0);
    EXPECT(OK, 3, RELEASE_OP_CONFIRM, 9, 10);
}

TEST_FIXTURE(a_blank_disk_is_accepted_by_name, set_up, tear_down)
{
    json_t *reply;

    (void)state;
    set("{\"mode\":\"classed\"}");
    run_vm();
    complain(0);
    assert_string_equal(text_of(json_object_get(show(), "complaint"), "state"), "blank");
    refused(VOLUME "/accept-disk", accepting(state_of(1)), 409, "complaint-other", "blank");
    reply = post(200, VOLUME "/accept-disk", accepting("blank"));
    assert_non_null(strstr(text_of(reply, "gives_up"), "The TPM of this volume is lost"));
    assert_true(is_null(lease_of(reply), "committed"));
}

TEST_FIXTURE(an_old_complaint_does_not_fence_who_opened_the_volume_since, set_up, tear_down)
{
    (void)state;
    set("{\"mode\":\"classed\"}");
    run_vm();
    complain(9);
    EXPECT(OK, 3, RELEASE_OP_ACQUIRE, 0, 0);
    EXPECT(OK, 3, RELEASE_OP_CONFIRM, 1, 2);
    refused(VOLUME "/accept-disk", accepting(state_of(9)), 409, "lease-held", "0303030303030303");
    post(200, VOLUME "/lease/break", "{}");
    post(200, VOLUME "/accept-disk", accepting(state_of(9)));
}

static void complain_of_eight(void *context)
{
    (void)context;
    if (act(3, RELEASE_OP_ACQUIRE, 0, 0) == LEASE_REASON_OK)
        (void)act(3, RELEASE_OP_COMPLAIN, 0, 8);
}

TEST(a_complaint_that_comes_in_between_is_not_accepted)
{
    bool acted = true;

    for (unsigned point = 0; acted; point++) {
        struct answer answer;
        const char *committed;

        assert_in_range(point, 0, POINTS_MAX);
        begin();
        set("{\"mode\":\"classed\"}");
        run_vm();
        complain(9);
        between_arm(BETWEEN_STATEMENTS, point, complain_of_eight, NULL);
        answer = ask(&server, &(struct asked){.method = "POST",
                                              .path = VOLUME "/accept-disk",
                                              .token = owner,
                                              .body = accepting(state_of(9))});
        acted = between_disarm();
        committed = text_of(show(), "committed");
        if (strcmp(committed, state_of(answer.reply.status == 200 ? 9 : 1)) != 0)
            fail_msg("point %u: status %u, and %s is committed", point, answer.reply.status,
                     committed);
        asking_done(&answer);
        tear_down(NULL);
    }
}

TEST_FIXTURE(a_frozen_volume_is_thawed_as_it_was, set_up, tear_down)
{
    json_t *reply;

    (void)state;
    set("{\"mode\":\"classed\"}");
    run_vm();
    refused(VOLUME "/thaw", "{}", 409, "not-frozen", "vm-1");
    reply = post(200, VOLUME "/freeze", "{}");
    assert_non_null(strstr(text_of(reply, "gives_up"), "until the volume is thawed"));
    assert_true(is(lease_of(reply), "frozen"));
    assert_logged("volume-freeze", NULL);
    refused(VOLUME "/freeze", "{}", 409, "frozen", "already");
    EXPECT(FROZEN, 1, RELEASE_OP_ANCHOR, 1, 2);
    EXPECT(FROZEN, 2, RELEASE_OP_ACQUIRE, 0, 0);
    reply = post(200, VOLUME "/thaw", "{}");
    assert_non_null(strstr(text_of(reply, "gives_up"), "those of before"));
    assert_logged("volume-thaw", NULL);
    assert_int_equal(number_of(show(), "generation"), 2);
    EXPECT(OK, 1, RELEASE_OP_ANCHOR, 1, 2);
}

TEST_FIXTURE(a_volume_without_leases_is_frozen_too, set_up, tear_down)
{
    (void)state;
    assert_true(is(lease_of(post(200, VOLUME "/freeze", "{}")), "frozen"));
    assert_string_equal(text_of(show(), "mode"), "off");
    set("{\"mode\":\"boot\"}");
    assert_true(is(show(), "frozen") && is(show(), "same_epoch"));
}

/* Another key */

TEST_FIXTURE(a_volume_with_a_committed_state_keeps_its_key, set_up, tear_down)
{
    json_t *reply;

    (void)state;
    set("{\"mode\":\"classed\"}");
    run_vm();
    EXPECT(OK, 1, RELEASE_OP_RELEASE, 1, 0);
    refused(VOLUME "/key", "{}", 409, "state-committed", "--forget-state");
    refused(VOLUME "/key", "{\"forget_state\":false}", 409, "state-committed",
            "state-volume rekey");
    reply = ask_json(&server, 200, owner, "GET", VOLUME, NULL);
    assert_int_equal(number_of(reply, "key_version"), 1);
    reply = post(200, VOLUME "/key", "{\"forget_state\":true}");
    assert_int_equal(number_of(reply, "key_version"), 2);
    assert_true(is_null(lease_of(reply), "committed"));
    assert_non_null(strstr(text_of(reply, "gives_up"), "what the new key opens"));
    assert_logged("volume-set-key", "1:0101010101010101");
    EXPECT(SUPERSEDED, 1, RELEASE_OP_RENEW, 0, 0);
}

TEST_FIXTURE(what_a_vm_made_under_the_key_before_is_not_committed, set_up, tear_down)
{
    json_t *reply;

    (void)state;
    set("{\"mode\":\"classed\"}");
    EXPECT(OK, 1, RELEASE_OP_ACQUIRE, 0, 0);
    reply = post(200, VOLUME "/key", "{}");
    assert_null(json_object_get(reply, "gives_up"));
    EXPECT(SUPERSEDED, 1, RELEASE_OP_CONFIRM, 0, 1);
    EXPECT(OK, 2, RELEASE_OP_ACQUIRE, 0, 0);
}

static unsigned versions(void)
{
    static const char sql[] = "SELECT count(*) FROM volume_key";
    struct store_unit *unit = fixture_reading(fixture);
    int64_t count;

    assert_ok(db_ask_integer(unit->db, sql, NULL, 0, &count));
    store_abandon(unit);
    return (unsigned)count;
}

TEST_FIXTURE(a_volume_is_rekeyed_by_its_next_vm_until_it_is_cancelled, set_up, tear_down)
{
    json_t *reply;

    (void)state;
    refused(VOLUME "/rekey", "{}", 409, "lease-none", "state-volume rekey");
    set("{\"mode\":\"boot\"}");
    run_vm();
    refused(VOLUME "/rekey", "{\"cancel\":true}", 409, "rekey-none", "no key to change over to");
    refused(VOLUME "/rekey", "{\"key\":\"AA==\"}", 400, "key-invalid", "64 bytes");
    refused(VOLUME "/rekey", "{\"key\":\"AA==\",\"cancel\":true}", 400, "body-invalid",
            "cancelled");
    assert_int_equal(versions(), 1);
    reply = post(200, VOLUME "/rekey", "{}");
    assert_non_null(strstr(text_of(reply, "gives_up"), "backups"));
    assert_int_equal(number_of(reply, "key_version"), 1);
    assert_int_equal(number_of(lease_of(reply), "next_key_version"), 2);
    assert_logged("volume-rekey", "from version 1 to version 2");
    assert_int_equal(versions(), 2);
    refused(VOLUME "/rekey", "{}", 409, "rekey-pending", "--cancel");
    EXPECT(OK, 1, RELEASE_OP_ANCHOR, 1, 2);
    reply = post(200, VOLUME "/rekey", "{\"cancel\":true}");
    assert_non_null(strstr(text_of(reply, "gives_up"), "under its key"));
    assert_logged("volume-rekey", "cancelled");
    assert_true(is_null(show(), "next_key_version"));
    reply = post(200, VOLUME "/rekey", "{}");
    assert_int_equal(number_of(lease_of(reply), "next_key_version"), 3);
}

TEST_FIXTURE(a_retired_volume_with_a_lease_has_no_key_left, set_up, tear_down)
{
    json_t *reply;

    (void)state;
    set("{\"mode\":\"boot\"}");
    run_vm();
    post(200, VOLUME "/rekey", "{}");
    reply = post(200, VOLUME "/retire", "{}");
    assert_non_null(strstr(text_of(reply, "gives_up"), "is lost"));
    assert_logged("volume-retire", NULL);
    assert_int_equal(versions(), 0);
    refused(VOLUME "/rekey", "{}", 409, "retired", "retired");
    refused(VOLUME "/lease/break", "{}", 409, "retired", "retired");
}

TEST_GROUP(fixture_begin_group, fixture_end_group)
