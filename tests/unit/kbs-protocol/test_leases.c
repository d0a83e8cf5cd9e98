/* SPDX-License-Identifier: MIT */
/* Leases of a volume, through COCONUT-SVSM's proxy: what each VM gets, and what the store has. */
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "kbs/ca/ca.h"
#include "kbs/store/leases.h"
#include "lib/base/bytes.h"
#include "tests/unit/kbs-ca/ek_fixture.h"
#include "tests/unit/kbs-protocol/client.h"
#include "tests/unit/registered.h"

#define TIME 60

static uint8_t vm; /* which one asks: its report_id */
static uint64_t sequence;

static const struct lease_policy classed = {.mode = LEASE_CLASSED,
                                            .same_epoch = true,
                                            .manufacture = true,
                                            .pending_time = TIME,
                                            .active_time = TIME};

static void change(struct world *world, const struct lease_policy *policy,
                   bool command(struct lease_record *record))
{
    struct lease_policy found;
    struct lease_record record;
    struct store_unit *unit;

    assert_int_equal(store_begin(world->store, &unit), STORE_OK);
    if (policy)
        assert_int_equal(lease_set_policy(unit, world->volume.id, policy), STORE_OK);
    assert_int_equal(lease_load(unit, &world->volume, &found, &record), STORE_OK);
    if (command)
        assert_true(command(&record));
    assert_int_equal(lease_save(unit, world->volume.id, &record), STORE_OK);
    assert_int_equal(store_commit(unit), STORE_OK);
}

static int set_up(void **state)
{
    if (client_begin(state) != 0)
        return -1;
    sequence = 0;
    change(*state, &classed, NULL);
    return 0;
}

static void be_the_vm(struct snp_report *report)
{
    memset(report->report_id, vm, sizeof(report->report_id));
}

static unsigned attest(struct world *world, const struct release_request *request)
{
    uint8_t challenge[RELEASE_CHALLENGE_MAX];
    size_t size;

    client_authenticate(&client, world);
    size = client_challenge(&client, request, challenge);
    return client_attest(&client, world, client_coconut_body(&client, challenge, size, be_the_vm),
                         NULL, NULL);
}

static uint8_t last_payload[CLIENT_PAYLOAD_MAX]; /* what came with the last answer */

static struct release_record get_record(struct world *world, uint8_t payload[CLIENT_PAYLOAD_MAX],
                                        size_t *size)
{
    struct release_record record;
    json_t *jwe;

    assert_int_equal(world_request(world, &client.connection, "GET", VOLUME_PATH, "", &jwe), 200);
    record = client_open_signed(&client, world, jwe, payload, size);
    json_decref(jwe);
    return record;
}

/* Asks as VM number; *size is that of what was released with the answer. */
static struct release_record ask(struct world *world, uint8_t number,
                                 struct release_request request, size_t *size)
{
    size_t unwanted;

    vm = number;
    request.has_sequence = request.op != RELEASE_OP_PROBE;
    request.sequence = ++sequence;
    assert_int_equal(attest(world, &request), 200);
    return get_record(world, last_payload, size ? size : &unwanted);
}

static struct release_record acquire(struct world *world, uint8_t number, size_t *size)
{
    return ask(world, number, (struct release_request){.op = RELEASE_OP_ACQUIRE}, size);
}

/* What the VM with this grant asks, over states with counters and roots of that number. */
static struct release_request under(const struct release_record *granted, uint8_t op, uint8_t from,
                                    uint8_t to)
{
    struct release_request request = {.op = op,
                                      .has_epoch = true,
                                      .epoch = granted->epoch,
                                      .has_lease = true,
                                      .has_from = from != 0,
                                      .has_to = to != 0};

    memcpy(request.lease, granted->lease, sizeof(request.lease));
    memset(request.from, from, sizeof(request.from));
    memset(request.to, to, sizeof(request.to));
    put_be64(request.from, from);
    put_be64(request.to, to);
    return request;
}

static void expect(struct world *world, uint8_t number, struct release_request request,
                   uint8_t status)
{
    size_t size;

    assert_int_equal(ask(world, number, request, &size).status, status);
    assert_int_equal(size, 1); /* no key */
}

TEST_FIXTURE(the_key_comes_with_a_lease_and_the_next_vm_is_busy, set_up, client_end)
{
    struct world *world = *state;
    size_t size;
    struct release_record first = acquire(world, 1, &size), second;

    assert_int_equal(first.status, RELEASE_STATUS_OK);
    assert_int_equal(size, STATE_KEY_SIZE);
    assert_true(first.has_epoch && first.has_lease && first.has_ttl && first.has_flags);
    assert_false(first.has_committed);
    assert_int_equal(first.flags,
                     RELEASE_FLAG_CLASSED | RELEASE_FLAG_SAME_EPOCH | RELEASE_FLAG_MANUFACTURE);
    second = acquire(world, 2, &size);
    assert_int_equal(second.status, RELEASE_STATUS_BUSY);
    assert_int_equal(size, 1);
    assert_true(second.has_retry_after && second.has_holder && second.has_held_for);
    assert_int_equal(second.retry_after, TIME);
    assert_int_equal(second.holder[0], 1);
    world_expect_audit(world, "reason", "lease-busy");
    world_expect_audit(world, "result", "denied");
}

TEST_FIXTURE(a_state_is_committed_and_told_to_the_next_holder, set_up, client_end)
{
    struct world *world = *state;
    struct release_record first = acquire(world, 1, NULL), second;

    expect(world, 1, under(&first, RELEASE_OP_CONFIRM, 0, 1), RELEASE_STATUS_OK);
    world_expect_audit(world, "operation", "confirm");
    expect(world, 1, under(&first, RELEASE_OP_ANCHOR, 1, 2), RELEASE_STATUS_OK);
    expect(world, 1, under(&first, RELEASE_OP_ANCHOR, 1, 3), RELEASE_STATUS_STALE);
    world_expect_audit(world, "reason", "state-stale");
    expect(world, 1, under(&first, RELEASE_OP_RELEASE, 2, 0), RELEASE_STATUS_OK);
    second = acquire(world, 2, NULL);
    assert_int_equal(second.status, RELEASE_STATUS_OK);
    assert_true(second.epoch > first.epoch);
    assert_true(second.has_committed && second.has_committed_epoch);
    assert_int_equal(get_be64(second.committed), 2);
    assert_int_equal(second.committed_epoch, first.epoch);
    assert_int_equal(second.flags & RELEASE_FLAG_MANUFACTURE, 0);
    expect(world, 1, under(&first, RELEASE_OP_RENEW, 0, 0), RELEASE_STATUS_SUPERSEDED);
    expect(world, 1, (struct release_request){.op = RELEASE_OP_ACQUIRE}, RELEASE_STATUS_SUPERSEDED);
}

TEST_FIXTURE(a_key_that_was_not_fetched_is_not_given_after_a_takeover, set_up, client_end)
{
    struct world *world = *state;
    struct connection first;
    const struct release_request request = {
        .op = RELEASE_OP_ACQUIRE, .has_sequence = true, .sequence = 1};

    vm = 1;
    assert_int_equal(attest(world, &request), 200);
    first = client.connection;
    client.connection = (struct connection){0};
    world->now += TIME;
    assert_int_equal(acquire(world, 2, NULL).status, RELEASE_STATUS_OK);
    assert_int_equal(world_request(world, &first, "GET", VOLUME_PATH, "", NULL), 401);
    world_expect_audit(world, "reason", "lease-superseded");
    free(first.bearer);
}

TEST_FIXTURE(an_svsm_without_leases_gets_nothing, set_up, client_end)
{
    struct world *world = *state;
    const struct release_request request = {.op = RELEASE_OP_ACQUIRE};
    uint8_t payload[CLIENT_PAYLOAD_MAX];
    size_t size;

    vm = 1;
    assert_int_equal(attest(world, &request), 200);
    assert_int_equal(get_record(world, payload, &size).status, RELEASE_STATUS_DENIED);
    assert_int_equal(size, 1);
    world_expect_audit(world, "reason", "lease-required");
    client_authenticate(&client, world);
    client_expect_refusal(&client, world, client_coconut(&client), "lease-required");
}

TEST_FIXTURE(a_volume_without_leases_has_none_to_confirm, set_up, client_end)
{
    struct world *world = *state;
    const struct lease_policy off = {.mode = LEASE_OFF, .pending_time = TIME, .active_time = TIME};
    struct release_record granted = {0};
    size_t size;

    change(world, &off, NULL);
    assert_int_equal(ask(world, 1, under(&granted, RELEASE_OP_RENEW, 0, 0), NULL).status,
                     RELEASE_STATUS_DENIED);
    world_expect_audit(world, "reason", "lease-none");
    granted = acquire(world, 1, &size);
    assert_int_equal(granted.status, RELEASE_STATUS_OK);
    assert_int_equal(size, STATE_KEY_SIZE);
    assert_false(granted.has_lease);
}

TEST_FIXTURE(a_complaint_is_recorded_and_accepted_by_the_owner_alone, set_up, client_end)
{
    struct world *world = *state;
    struct release_record first = acquire(world, 1, NULL), second, third;

    expect(world, 1, under(&first, RELEASE_OP_CONFIRM, 0, 1), RELEASE_STATUS_OK);
    expect(world, 1, under(&first, RELEASE_OP_RELEASE, 1, 0), RELEASE_STATUS_OK);
    second = acquire(world, 2, NULL);
    expect(world, 2, under(&second, RELEASE_OP_COMPLAIN, 0, 9), RELEASE_STATUS_OK);
    world_expect_audit(world, "reason", "disk-refused");
    assert_int_equal(get_be64(acquire(world, 3, NULL).committed), 1);
    change(world, NULL, lease_accept);
    third = acquire(world, 4, NULL);
    assert_int_equal(get_be64(third.committed), 9);
    assert_int_equal(third.generation, 1);
    assert_false(third.has_committed_epoch);
}

TEST_FIXTURE(a_frozen_volume_gives_no_key, set_up, client_end)
{
    struct world *world = *state;
    size_t size;

    change(world, NULL, lease_freeze);
    assert_int_equal(acquire(world, 1, &size).status, RELEASE_STATUS_FROZEN);
    assert_int_equal(size, 1);
    world_expect_audit(world, "reason", "volume-frozen");
    change(world, NULL, lease_thaw);
    assert_int_equal(acquire(world, 1, &size).status, RELEASE_STATUS_OK);
}

TEST_FIXTURE(what_is_frozen_meanwhile_is_not_released, set_up, client_end)
{
    struct world *world = *state;
    const struct lease_policy off = {.mode = LEASE_OFF, .pending_time = TIME, .active_time = TIME};
    const struct release_request request = {.op = RELEASE_OP_ACQUIRE};

    change(world, &off, NULL);
    vm = 1;
    assert_int_equal(attest(world, &request), 200);
    change(world, NULL, lease_freeze);
    assert_int_equal(world_request(world, &client.connection, "GET", VOLUME_PATH, "", NULL), 401);
    world_expect_audit(world, "reason", "volume-frozen");
}

TEST_FIXTURE(a_frozen_volume_without_leases_gives_no_key_either, set_up, client_end)
{
    struct world *world = *state;
    const struct lease_policy off = {.mode = LEASE_OFF, .pending_time = TIME, .active_time = TIME};
    const struct release_request request = {.op = RELEASE_OP_ACQUIRE};
    uint8_t payload[CLIENT_PAYLOAD_MAX];
    size_t size;

    change(world, &off, lease_freeze);
    vm = 1;
    assert_int_equal(attest(world, &request), 200);
    assert_int_equal(get_record(world, payload, &size).status, RELEASE_STATUS_DENIED);
    assert_int_equal(size, 1);
    world_expect_audit(world, "reason", "volume-frozen");
    client_authenticate(&client, world);
    client_expect_refusal(&client, world, client_coconut(&client), "volume-frozen");
    change(world, NULL, lease_thaw);
    assert_int_equal(acquire(world, 1, &size).status, RELEASE_STATUS_OK);
    assert_int_equal(size, STATE_KEY_SIZE);
}

TEST_FIXTURE(the_answer_of_a_session_stays_what_it_was, set_up, client_end)
{
    struct world *world = *state;
    struct release_record records[2];
    uint8_t payload[CLIENT_PAYLOAD_MAX];
    size_t size;

    records[0] = acquire(world, 1, NULL);
    records[1] = acquire(world, 2, NULL);
    assert_int_equal(records[0].status, RELEASE_STATUS_OK);
    assert_int_equal(records[1].status, RELEASE_STATUS_BUSY);
    world->now += TIME;
    assert_int_equal(get_record(world, payload, &size).status, RELEASE_STATUS_BUSY);
}

TEST_FIXTURE(probing_tells_whether_the_lease_is_free, set_up, client_end)
{
    struct world *world = *state;
    const struct release_request probe = {.op = RELEASE_OP_PROBE};

    expect(world, 1, probe, RELEASE_STATUS_OK);
    assert_int_equal(acquire(world, 1, NULL).status, RELEASE_STATUS_OK);
    expect(world, 2, probe, RELEASE_STATUS_BUSY);
    world_expect_audit(world, "result", "accepted");
}

static bool rekey_to_two(struct lease_record *record)
{
    return lease_rekey(record, 2);
}

TEST_FIXTURE(both_keys_are_given_until_a_state_is_confirmed_under_the_second, set_up, client_end)
{
    struct world *world = *state;
    uint8_t key[STATE_KEY_SIZE];
    struct release_request confirm;
    struct release_record granted;
    struct store_unit *unit;
    struct volume volume;
    unsigned version;
    size_t size;

    memset(key, 7, sizeof(key) / 2);
    memset(key + sizeof(key) / 2, 8, sizeof(key) / 2);
    assert_int_equal(store_begin(world->store, &unit), STORE_OK);
    assert_int_equal(volume_add_key(unit, world->volume.id, key, &version), STORE_OK);
    assert_int_equal(store_commit(unit), STORE_OK);
    assert_int_equal(version, 2);
    change(world, NULL, rekey_to_two);
    granted = acquire(world, 1, &size);
    assert_int_equal(size, 2 * STATE_KEY_SIZE);
    assert_int_equal(granted.key_version, 2);
    assert_int_not_equal(granted.flags & RELEASE_FLAG_REKEY, 0);
    confirm = under(&granted, RELEASE_OP_CONFIRM, 0, 1);
    confirm.has_key_version = true;
    confirm.key_version = 2;
    expect(world, 1, confirm, RELEASE_STATUS_OK);
    assert_int_equal(store_begin_reading(world->store, &unit), STORE_OK);
    assert_int_equal(volume_by_id(unit, world->volume.id, &volume), STORE_OK);
    store_abandon(unit);
    assert_int_equal(volume.key_version, 2);
    expect(world, 1, under(&granted, RELEASE_OP_RELEASE, 1, 0), RELEASE_STATUS_OK);
    acquire(world, 2, &size);
    assert_int_equal(size, STATE_KEY_SIZE);
}

TEST_GROUP(world_make_chip, world_free_chip)

/* Endorsement keys */

static struct ek_pairs ek;

static int set_up_ek(void **state)
{
    struct world *world;
    struct store_unit *unit;
    uint8_t id[SIGNING_KEY_ID_SIZE];

    if (set_up(state) != 0)
        return -1;
    world = *state;
    ek_pairs_make(&ek);
    assert_int_equal(store_begin(world->store, &unit), STORE_OK);
    assert_int_equal(ca_make(unit, world->now, id), STORE_OK);
    return store_commit(unit) == STORE_OK ? 0 : -1;
}

static int end_ek(void **state)
{
    ek_pairs_free(&ek);
    return client_end(state);
}

/* A CONFIRM that tells these keys. */
static struct release_request confirm_with(const struct release_record *granted, uint8_t from,
                                           uint8_t to, const struct ek_keys *keys)
{
    struct release_request request = under(granted, RELEASE_OP_CONFIRM, from, to);

    request.has_ek_keys = request.has_ek_digest = true;
    memcpy(request.ek_keys, keys, sizeof(*keys));
    assert_true(ek_keys_digest(keys, request.ek_digest));
    return request;
}

/* The certificate of a kind among the last answer's, which are size bytes. */
static X509 *certificate_of(enum ek_kind wanted, size_t size)
{
    struct reader r = reader_over(last_payload, size);
    X509 *certificate = NULL;
    const uint8_t *der;
    uint32_t index;
    uint16_t length = 0;

    for (enum ek_kind kind = 0; kind < EK_KINDS; kind++) {
        assert_true(reader_be32(&r, &index) && reader_be16(&r, &length) &&
                    reader_borrow(&r, &der, length));
        assert_int_equal(index, ek_nv_index(kind));
        if (kind == wanted)
            certificate = d2i_X509(NULL, &der, length);
    }
    assert_true(reader_at_end(&r));
    assert_non_null(certificate);
    return certificate;
}

static void expect_certificates(size_t size)
{
    for (enum ek_kind kind = 0; kind < EK_KINDS; kind++) {
        X509 *certificate = certificate_of(kind, size);

        assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(certificate), ek.pairs[kind]), 1);
        X509_free(certificate);
    }
}

TEST_FIXTURE(the_first_confirmation_brings_certificates_of_the_endorsement_keys, set_up_ek, end_ek)
{
    struct world *world = *state;
    struct release_record first = acquire(world, 1, NULL);
    struct release_request request = confirm_with(&first, 0, 1, &ek.keys);
    uint8_t given[CLIENT_PAYLOAD_MAX];
    size_t size, again;

    assert_int_equal(ask(world, 1, request, &size).status, RELEASE_STATUS_OK);
    expect_certificates(size);
    assert_true(world_audit_has(world, "EK certified: "));
    memcpy(given, last_payload, size);

    /* The answer was lost: the same ones. */
    assert_int_equal(ask(world, 1, request, &again).status, RELEASE_STATUS_OK);
    assert_int_equal(again, size);
    assert_memory_equal(last_payload, given, size);

    /* The TPM has them: nothing comes. */
    request.has_ek_certificates = true;
    SHA384(given, size, request.ek_certificates);
    expect(world, 1, request, RELEASE_STATUS_OK);
}

TEST_FIXTURE(a_state_that_is_not_confirmed_brings_no_certificates, set_up_ek, end_ek)
{
    struct world *world = *state;
    struct release_record first = acquire(world, 1, NULL);

    expect(world, 1, confirm_with(&first, 7, 8, &ek.keys), RELEASE_STATUS_STALE);
    assert_false(world_audit_has(world, "EK certified: "));
}

TEST_FIXTURE(what_are_no_endorsement_keys_is_refused, set_up_ek, end_ek)
{
    struct world *world = *state;
    struct release_record first = acquire(world, 1, NULL);
    struct release_request request = confirm_with(&first, 0, 1, &ek.keys);

    request.has_sequence = true;
    request.sequence = ++sequence;
    request.ek_digest[0] ^= 1; /* another TPM's name */
    assert_int_not_equal(attest(world, &request), 200);
    request = confirm_with(&first, 0, 1, &ek.keys);
    request.has_sequence = true;
    request.sequence = ++sequence;
    request.ek_keys[sizeof(struct ek_keys) - 1] ^= 1; /* no point of P-384 */
    assert_int_not_equal(attest(world, &request), 200);
    request = confirm_with(&first, 0, 1, &ek.keys);
    request.has_sequence = true;
    request.sequence = ++sequence;
    request.has_ek_digest = false;
    assert_int_not_equal(attest(world, &request), 200);
    assert_int_equal(ask(world, 1, confirm_with(&first, 0, 1, &ek.keys), NULL).status,
                     RELEASE_STATUS_OK);
}

static void revoke(struct world *world, enum revocation reason)
{
    struct store_unit *unit;

    assert_int_equal(store_begin(world->store, &unit), STORE_OK);
    assert_int_equal(ek_entry_revoke(unit, world->volume.id, NULL, reason, world->now, NULL),
                     STORE_OK);
    assert_int_equal(store_commit(unit), STORE_OK);
}

TEST_FIXTURE(an_endorsement_key_that_the_owner_revoked_gets_no_other_certificate, set_up_ek, end_ek)
{
    struct world *world = *state;
    struct release_record first = acquire(world, 1, NULL), second;
    size_t size;

    assert_int_equal(ask(world, 1, confirm_with(&first, 0, 1, &ek.keys), &size).status,
                     RELEASE_STATUS_OK);
    expect_certificates(size);
    revoke(world, REVOKED_BY_OWNER);
    world->now += TIME;
    second = acquire(world, 2, NULL);
    expect(world, 2, confirm_with(&second, 1, 2, &ek.keys), RELEASE_STATUS_OK);
}

TEST_FIXTURE(another_authority_gives_others_and_another_tpm_has_the_older_ones_revoked, set_up_ek,
             end_ek)
{
    struct world *world = *state;
    struct release_record first = acquire(world, 1, NULL), second, third;
    struct ek_pairs before = ek;
    struct store_unit *unit;
    uint8_t id[SIGNING_KEY_ID_SIZE];
    char *crl;
    size_t size;

    assert_int_equal(ask(world, 1, confirm_with(&first, 0, 1, &ek.keys), NULL).status,
                     RELEASE_STATUS_OK);
    assert_int_equal(store_begin(world->store, &unit), STORE_OK);
    assert_int_equal(ca_make(unit, world->now, id), STORE_OK);
    assert_int_equal(store_commit(unit), STORE_OK);
    world->now += TIME;
    second = acquire(world, 2, NULL);
    assert_int_equal(ask(world, 2, confirm_with(&second, 1, 2, &ek.keys), &size).status,
                     RELEASE_STATUS_OK);
    expect_certificates(size);

    change(world, NULL, lease_forget); /* the TPM is given up */
    ek_pairs_make(&ek);
    third = acquire(world, 3, NULL);
    assert_int_equal(ask(world, 3, confirm_with(&third, 0, 3, &ek.keys), &size).status,
                     RELEASE_STATUS_OK);
    expect_certificates(size);
    ek_pairs_free(&before);
    assert_int_equal(store_begin_reading(world->store, &unit), STORE_OK);
    assert_int_equal(ca_crls(unit, world->now, &crl, &size), STORE_OK);
    store_abandon(unit);
    assert_non_null(strstr(crl, "-----BEGIN X509 CRL-----"));
    free(crl);
}
