/* SPDX-License-Identifier: MIT */
#include "tests/unit/kbs-protocol/lease_client.h"

#include "lib/base/bytes.h"
#include "tests/unit/registered.h"

uint8_t lease_vm;
static uint64_t sequence;

static const struct lease_policy classed = {.mode = LEASE_CLASSED,
                                            .same_epoch = true,
                                            .manufacture = true,
                                            .pending_time = LEASE_TIME,
                                            .active_time = LEASE_TIME};

void lease_change(struct world *world, const struct lease_policy *policy,
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

int lease_client_begin(void **state)
{
    if (client_begin(state) != 0)
        return -1;
    sequence = 0;
    lease_change(*state, &classed, NULL);
    return 0;
}

static void be_the_vm(struct snp_report *report)
{
    memset(report->report_id, lease_vm, sizeof(report->report_id));
}

unsigned lease_attest(struct world *world, const struct release_request *request)
{
    uint8_t challenge[RELEASE_CHALLENGE_MAX];
    size_t size;

    char code[64];
    unsigned status;

    client_authenticate(&client, world);
    size = client_challenge(&client, request, challenge);
    status = client_attest(&client, world, client_coconut_body(&client, challenge, size, be_the_vm),
                           code, NULL);
    if (status != 200)
        print_message("operation %u: %u %s\n", request->op, status, code);
    return status;
}

struct release_record lease_get_record(struct world *world, uint8_t payload[LEASE_PAYLOAD_MAX],
                                       size_t *size)
{
    struct release_record record;
    json_t *jwe;

    assert_int_equal(world_request(world, &client.connection, "GET", VOLUME_PATH, "", &jwe), 200);
    record = client_open_signed(&client, world, jwe, payload, size);
    json_decref(jwe);
    return record;
}

struct release_record lease_ask(struct world *world, uint8_t number, struct release_request request,
                                size_t *size)
{
    uint8_t payload[LEASE_PAYLOAD_MAX];
    size_t unwanted;

    lease_vm = number;
    request.has_sequence = request.op != RELEASE_OP_PROBE;
    request.sequence = ++sequence;
    assert_int_equal(lease_attest(world, &request), 200);
    return lease_get_record(world, payload, size ? size : &unwanted);
}

struct release_record lease_acquire(struct world *world, uint8_t number, size_t *size)
{
    return lease_ask(world, number, (struct release_request){.op = RELEASE_OP_ACQUIRE}, size);
}

struct release_request lease_under(const struct release_record *granted, uint8_t op, uint8_t from,
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

void lease_expect(struct world *world, uint8_t number, struct release_request request,
                  uint8_t status)
{
    size_t size;

    assert_int_equal(lease_ask(world, number, request, &size).status, status);
    assert_int_equal(size, 1); /* no key */
}

struct volume lease_look(struct world *world, struct lease_policy *policy,
                         struct lease_record *record)
{
    struct store_unit *unit;
    struct volume volume;

    assert_int_equal(store_begin_reading(world->store, &unit), STORE_OK);
    assert_int_equal(volume_by_id(unit, world->volume.id, &volume), STORE_OK);
    assert_int_equal(lease_load(unit, &volume, policy, record), STORE_OK);
    store_abandon(unit);
    return volume;
}
