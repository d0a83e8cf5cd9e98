/* SPDX-License-Identifier: MIT */
/*
 * A volume's key is changed by a boot, with the KBS's own rules (kbs/lease/): the power is cut
 * after every sector write and flush, before CONFIRM gets to the KBS, and before its answer gets
 * back; unflushed writes reach the medium or not, one of them may be torn. What the next boot finds
 * with the keys that the KBS gives it then is the state that the KBS has committed, and it goes on.
 */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "kbs/lease/lease.h"
#include "services/tpm/state.h"
#include "tests/unit/registered.h"
#include "tests/unit/services/memory_disk.h"
#include "tests/unit/services/version1_volume.h"

#define PAYLOAD_SIZE 700 /* two sectors */
#define EK_SIZE      20
#define EK_BYTE      0xec
#define TIME         60 /* seconds of a lease */
#define EXHAUSTIVE   6
#define SAMPLES      48
#define BROKEN       (-1)

/* All that is left of a machine without power, and its KBS. The TPM's state of generation n is n in
 * every byte, and 0 is none: a boot changes it once, and again while the guest runs. */
struct world {
    struct memory_disk *disk;
    struct lease_policy policy;
    struct lease_record record;
    time_t now;
    uint8_t boots;
    int changes;       /* of the TPM in a boot, after CONFIRM */
    bool destroyed[8]; /* keys, by their version */
    int low, high;     /* generations that the next boot may find */
};

enum stop { STOP_NEVER, STOP_BEFORE_CONFIRM, STOP_AFTER_CONFIRM, STOP_BEFORE_RELEASE };

static size_t cuts, recoveries;

static void get_key(const struct world *world, uint32_t version, uint8_t key[STATE_KEY_SIZE])
{
    assert_false(world->destroyed[version]);
    memset(key, 0, STATE_KEY_SIZE);
    key[0] = (uint8_t)version;
}

/* The KBS */

static struct release_record ask(struct world *world, const struct release_request *request)
{
    struct lease_input input = {.request = request,
                                .policy = &world->policy,
                                .report_id = {world->boots},
                                .new_lease = {world->boots},
                                .now = world->now};
    struct lease_output output = lease_step(&world->record, &input);
    struct release_record answer = {0};

    assert_int_equal(output.reason, LEASE_REASON_OK);
    lease_tell(&world->record, &input, &output, &answer);
    answer.key_version =
        world->record.next_version ? world->record.next_version : world->record.key_version;
    if (output.destroyed)
        world->destroyed[output.destroyed] = true;
    return answer;
}

/* As the attestation service makes it of the KBS's answer. */
static struct state_grant grant_of(const struct world *world, const struct release_record *answer)
{
    struct state_grant grant = {
        .flags = STATE_GRANT_LEASED |
                 (answer->flags & RELEASE_FLAG_MANUFACTURE ? STATE_GRANT_MANUFACTURE : 0) |
                 (answer->flags & RELEASE_FLAG_ADOPT ? STATE_GRANT_ADOPT : 0) |
                 (answer->has_committed ? STATE_GRANT_COMMITTED : 0) |
                 (answer->has_committed_epoch ? STATE_GRANT_SAME_EPOCH : 0),
        .epoch = answer->epoch,
        .committed_epoch = answer->committed_epoch,
        .committed.counter = lease_counter(answer->committed),
    };

    memcpy(grant.committed.root, answer->committed + sizeof(uint64_t), STATE_ROOT_SIZE);
    get_key(world, world->record.key_version, grant.key);
    if (world->record.next_version) {
        grant.flags |= STATE_GRANT_REKEY;
        get_key(world, world->record.next_version, grant.next_key);
    }
    return grant;
}

/* A VM */

static int generation_of(struct tpm_state *state)
{
    const struct state_blob *blob = &state->blob;
    uint8_t ek_bytes[EK_SIZE];
    uint8_t *ek = NULL;
    size_t size = 0;
    bool whole;

    memset(ek_bytes, EK_BYTE, sizeof(ek_bytes));
    whole = blob->size == PAYLOAD_SIZE && blob->bytes[0] != 0 &&
            memcmp(blob->bytes, blob->bytes + 1, PAYLOAD_SIZE - 1) == 0;
    switch (state_read_ek(state, &ek, &size)) {
    case VOLUME_OK:
        whole = whole && size == EK_SIZE && memcmp(ek, ek_bytes, EK_SIZE) == 0;
        break;
    case VOLUME_NO_OBJECT: /* as long as it is of version 1 */
        whole = whole && blob->bytes[0] == 1;
        break;
    default:
        whole = false;
    }
    OPENSSL_clear_free(ek, size);
    return whole ? blob->bytes[0] : BROKEN;
}

/* What the volume has for this grant, as engine_open_leased() takes it; BROKEN: it is refused. */
static int open_it(struct tpm_state *state, const struct volume_storage *storage,
                   const struct state_grant *grant)
{
    enum volume_status status = state_open_leased(state, storage, grant);

    if (status == VOLUME_OK && !(grant->flags & (STATE_GRANT_COMMITTED | STATE_GRANT_ADOPT)) &&
        state_drop_unconfirmed(state))
        status = VOLUME_BLANK;
    if (status == VOLUME_BLANK)
        return grant->flags & STATE_GRANT_MANUFACTURE ? 0 : BROKEN;
    return status == VOLUME_OK && grant->flags & (STATE_GRANT_COMMITTED | STATE_GRANT_ADOPT)
               ? generation_of(state)
               : BROKEN;
}

static void change(struct tpm_state *state, int generation)
{
    uint8_t payload[PAYLOAD_SIZE];

    memset(payload, generation, sizeof(payload));
    assert_int_equal(state_store(state, payload, sizeof(payload)), VOLUME_OK);
}

/* Under the lease that answer tells of; the KBS has done it. */
static void tell(struct world *world, const struct tpm_state *state, struct release_record *answer,
                 uint8_t op)
{
    struct state_name name = state_name(state);
    struct release_request request = {
        .op = op,
        .has_sequence = true,
        .sequence = world->record.sequence + 1,
        .has_epoch = true,
        .epoch = answer->epoch,
        .has_lease = true,
        .has_from = answer->has_committed,
        .has_to = true,
        .has_key_version = op == RELEASE_OP_CONFIRM,
        .key_version = answer->key_version,
    };

    memcpy(request.lease, answer->lease, sizeof(request.lease));
    memcpy(request.from, answer->committed, sizeof(request.from));
    for (int i = 0; i < 8; i++)
        request.to[i] = (uint8_t)(name.counter >> (56 - 8 * i));
    memcpy(request.to + 8, name.root, sizeof(name.root));
    *answer = ask(world, &request);
}

/* While the guest runs. False: the power is gone. */
static bool run(struct world *world, struct tpm_state *state, struct release_record *answer)
{
    for (int i = 0; i < world->changes; i++) {
        change(state, world->low + 1);
        if (world->policy.same_epoch)
            world->high = world->low + 1;
        if (state_settle(state) != VOLUME_OK || world->disk->writes_left == 0)
            return false;
        if (!world->policy.same_epoch) {
            tell(world, state, answer, RELEASE_OP_ANCHOR);
            state_confirm(state);
        }
        world->low = world->high = world->low + 1;
    }
    return true;
}

/* A whole boot, unless something ends it. True: up to its orderly end. */
static bool boot(struct world *world, enum stop stop)
{
    struct volume_storage storage = memory_disk_storage(world->disk);
    struct release_request acquire = {
        .op = RELEASE_OP_ACQUIRE, .has_sequence = true, .sequence = 1};
    struct release_record answer;
    struct state_grant grant;
    struct tpm_state state;
    bool done = false;
    int found;

    world->boots++;
    world->now += TIME + 1;
    answer = ask(world, &acquire);
    grant = grant_of(world, &answer);
    found = open_it(&state, &storage, &grant);
    if (found < world->low || found > world->high)
        fail_msg("boot %d found %d, not %d to %d", world->boots, found, world->low, world->high);
    world->low = world->high = found;
    change(&state, found + 1);
    if (found <= 1) {
        uint8_t ek[EK_SIZE];

        memset(ek, EK_BYTE, sizeof(ek));
        state_put_ek(&state, ek, sizeof(ek));
    }
    if (state_begin(&state) == VOLUME_OK && stop != STOP_BEFORE_CONFIRM &&
        world->disk->writes_left != 0) {
        tell(world, &state, &answer, RELEASE_OP_CONFIRM);
        world->low = world->high = found + 1;
        if (stop != STOP_AFTER_CONFIRM) {
            state_confirm(&state);
            state_hold(&state);
            done = run(world, &state, &answer);
        }
        if (done && stop != STOP_BEFORE_RELEASE)
            tell(world, &state, &answer, RELEASE_OP_RELEASE);
    }
    state_close(&state);
    return done;
}

/* Where the tests begin */

enum beginning {
    BLANK,
    UNCONFIRMED, /* a TPM was made, and never confirmed */
    ORDERLY,
    HARD_END,   /* with a state that was not anchored, if there are such */
    LATER_END,  /* with two */
    HARD_BEGIN, /* with a confirmed state that is in one slot only */
    VERSION_1,
    BEGINNINGS,
};

static struct world world_of(enum beginning beginning, bool same_epoch)
{
    struct world world = {
        .disk = memory_disk_new(),
        .policy = {.mode = same_epoch ? LEASE_BOOT : LEASE_STRICT,
                   .same_epoch = same_epoch,
                   .manufacture = beginning != VERSION_1,
                   .adopt = beginning == VERSION_1,
                   .pending_time = TIME,
                   .active_time = TIME},
        .record.key_version = 1,
        .changes = beginning == HARD_END ? 1 : 2,
        .now = 1790000000,
    };
    uint8_t key[VOLUME_KEY_SIZE], payload[PAYLOAD_SIZE];

    switch (beginning) {
    case BLANK:
        break;
    case UNCONFIRMED:
        (void)boot(&world, STOP_BEFORE_CONFIRM);
        break;
    case HARD_BEGIN:
        assert_true(boot(&world, STOP_NEVER));
        (void)boot(&world, STOP_AFTER_CONFIRM);
        break;
    case HARD_END:
    case LATER_END:
        assert_true(boot(&world, STOP_BEFORE_RELEASE));
        break;
    case VERSION_1:
        get_key(&world, 1, key);
        memset(payload, 1, sizeof(payload));
        version1_volume_write(world.disk, key, 6, payload, sizeof(payload));
        world.low = world.high = 1;
        break;
    default:
        for (int i = 0; i < 2; i++)
            assert_true(boot(&world, STOP_NEVER));
    }
    return world;
}

static struct world world_copy(const struct world *world)
{
    struct world copy = *world;

    copy.disk = memory_disk_copy(world->disk);
    return copy;
}

/* After the cut */

/* With none but the newer key all is found, and the older one opens nothing. */
static void expect_changed(struct world *world)
{
    struct volume_storage storage = memory_disk_storage(world->disk);
    struct volume volume;
    uint8_t old[VOLUME_KEY_SIZE] = {1};

    assert_int_equal(world->record.key_version, 2);
    assert_int_equal(world->record.next_version, 0);
    assert_true(boot(world, STOP_NEVER));
    assert_true(world->destroyed[1]);
    assert_int_equal(volume_open(&volume, &storage, old, NULL), VOLUME_WRONG_KEY);
    volume_close(&volume);
}

/* Boots, with the power cut again or not, until one gets to its end. */
static void recover(struct world *world)
{
    recoveries++;
    if (random_bits() % 2 == 0) {
        world->disk->writes_left = (long)(random_bits() % 24);
        (void)boot(world, (enum stop)(random_bits() % 4));
        memory_disk_settle_torn(world->disk, random_bits(), random_bits() % 16,
                                random_bits() % 2 ? TEAR_SECTOR : TEAR_BLOCK);
    }
    assert_true(boot(world, STOP_NEVER));
    expect_changed(world);
}

/* Opens what is left, as the next boot would, and writes nothing. */
static void look(const struct world *cut, uint64_t kept, size_t torn, enum tear tear)
{
    struct world world = world_copy(cut);
    struct volume_storage storage = memory_disk_storage(world.disk);
    struct release_request acquire = {
        .op = RELEASE_OP_ACQUIRE, .has_sequence = true, .sequence = 1};
    struct world asking = world; /* the boot to come is not this one */
    struct release_record answer;
    struct state_grant grant;
    struct tpm_state state;
    int found;

    memory_disk_settle_torn(world.disk, kept, torn, tear);
    asking.boots++;
    asking.now += TIME + 1;
    answer = ask(&asking, &acquire);
    grant = grant_of(&asking, &answer);
    found = open_it(&state, &storage, &grant);
    state_close(&state);
    cuts++;
    if (found < cut->low || found > cut->high)
        fail_msg("%zu sectors written, kept %#llx, torn %zd: found %d, not %d to %d",
                 cut->disk->sectors_written, (unsigned long long)kept, (ssize_t)torn, found,
                 cut->low, cut->high);
    if (random_bits() % 8 == 0)
        recover(&world);
    memory_disk_free(world.disk);
}

static void settle_in_every_way(const struct world *cut)
{
    size_t count = cut->disk->unflushed_count;
    bool exhaustive = count <= EXHAUSTIVE;
    uint64_t ways = exhaustive ? (uint64_t)1 << count : SAMPLES;

    for (uint64_t way = 0; way < ways; way++) {
        uint64_t kept = exhaustive ? way : way < 2 ? 0 - way : random_bits();

        look(cut, kept, SIZE_MAX, TEAR_SECTOR);
        for (size_t torn = 0; torn < count; torn++)
            look(cut, kept, torn, way % 2 ? TEAR_SECTOR : TEAR_BLOCK);
    }
}

static void cut_everywhere(const struct world *start, enum stop stop)
{
    bool done = false;

    for (long writes = 0; !done; writes++) {
        struct world world = world_copy(start);

        world.disk->writes_left = writes;
        done = boot(&world, stop) || world.disk->writes_left > 0;
        settle_in_every_way(&world);
        memory_disk_free(world.disk);
    }
}

static void cut_rekey_from(enum beginning beginning)
{
    for (int same_epoch = 0; same_epoch <= 1; same_epoch++) {
        struct world world = world_of(beginning, same_epoch);

        assert_true(lease_rekey(&world.record, 2));
        cut_everywhere(&world, STOP_NEVER);
        for (enum stop stop = STOP_BEFORE_CONFIRM; stop <= STOP_AFTER_CONFIRM; stop++) {
            struct world stopped = world_copy(&world);

            (void)boot(&stopped, stop);
            settle_in_every_way(&stopped);
            cut_everywhere(&stopped, STOP_NEVER); /* the boot after it */
            memory_disk_free(stopped.disk);
        }
        memory_disk_free(world.disk);
    }
}

TEST(a_power_cut_while_a_blank_volume_gets_a_tpm_under_its_next_key_is_harmless)
{
    cut_rekey_from(BLANK);
    cut_rekey_from(UNCONFIRMED);
}

TEST(a_power_cut_while_a_boot_changes_the_key_leaves_the_committed_state_under_the_one_or_the_other)
{
    cut_rekey_from(ORDERLY);
    cut_rekey_from(HARD_BEGIN);
}

TEST(a_power_cut_while_the_key_changes_loses_nothing_of_the_boot_before_that_was_not_anchored)
{
    struct world world = world_of(HARD_END, true);

    assert_int_equal(world.low, lease_counter(world.record.committed) + 1);
    memory_disk_free(world.disk);
    cut_rekey_from(HARD_END);
    cut_rekey_from(LATER_END);
}

TEST(a_power_cut_while_a_volume_of_version_1_gets_another_key_is_harmless)
{
    cut_rekey_from(VERSION_1);
}

TEST(a_change_of_the_key_that_is_cancelled_after_a_power_cut_leaves_the_state_under_the_older_key)
{
    for (enum beginning beginning = BLANK; beginning < BEGINNINGS; beginning++) {
        struct world world = world_of(beginning, true);

        assert_true(lease_rekey(&world.record, 2));
        (void)boot(&world, STOP_BEFORE_CONFIRM);
        assert_true(lease_cancel_rekey(&world.record));
        for (int i = 0; i < 2; i++)
            assert_true(boot(&world, STOP_NEVER));
        assert_int_equal(world.record.key_version, 1);
        assert_true(lease_rekey(&world.record, 3));
        for (int i = 0; i < 2; i++)
            assert_true(boot(&world, STOP_NEVER));
        assert_int_equal(world.record.key_version, 3);
        assert_true(world.destroyed[1]);
        memory_disk_free(world.disk);
    }
}

TEST(thousands_of_cuts_were_looked_at)
{
    print_message("%zu power cuts, %zu recoveries\n", cuts, recoveries);
    assert_true(cuts > 5000);
}
