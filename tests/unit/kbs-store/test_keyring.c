/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "kbs/keys/keyring.h"
#include "tests/unit/kbs-store/fixture.h"
#include "tests/unit/registered.h"

static void generate(const struct fixture *fixture, enum signing_key_use use,
                     uint8_t id[SIGNING_KEY_ID_SIZE])
{
    struct store_unit *unit = fixture_unit(fixture);

    assert_ok(keyring_generate(unit, use, 5, id));
    assert_ok(store_commit(unit));
}

static void retire(const struct fixture *fixture, const uint8_t id[SIGNING_KEY_ID_SIZE])
{
    struct store_unit *unit = fixture_unit(fixture);

    assert_ok(signing_key_retire(unit, id, 9));
    assert_ok(store_commit(unit));
}

static struct keyring *open_keyring(const struct fixture *fixture)
{
    enum store_status status;
    struct keyring *keyring = keyring_open(fixture->store, &status);

    assert_ok(status);
    assert_non_null(keyring);
    return keyring;
}

static bool has(struct keyring *keyring, enum signing_key_use use,
                const uint8_t id[SIGNING_KEY_ID_SIZE])
{
    EVP_PKEY *key = keyring_find(keyring, use, id);
    bool found = key != NULL;

    EVP_PKEY_free(key);
    return found;
}

TEST_FIXTURE(a_new_store_has_no_keys, fixture_begin, fixture_end)
{
    const struct fixture *fixture = *state;
    struct keyring *keyring = open_keyring(fixture);
    uint8_t id[SIGNING_KEY_ID_SIZE] = {0};

    assert_null(keyring_active(keyring, SIGNING_KEY_RELEASE, id));
    assert_null(keyring_find(keyring, SIGNING_KEY_TOKEN, id));
    keyring_close(keyring);
    keyring_close(NULL);
}

TEST_FIXTURE(each_use_has_its_curve_and_its_own_active_key, fixture_begin, fixture_end)
{
    const struct fixture *fixture = *state;
    uint8_t release[SIGNING_KEY_ID_SIZE], token[SIGNING_KEY_ID_SIZE], id[SIGNING_KEY_ID_SIZE];
    struct keyring *keyring;
    EVP_PKEY *key;

    generate(fixture, SIGNING_KEY_RELEASE, release);
    generate(fixture, SIGNING_KEY_TOKEN, token);
    keyring = open_keyring(fixture);
    key = keyring_active(keyring, SIGNING_KEY_RELEASE, id);
    assert_non_null(key);
    assert_memory_equal(id, release, sizeof(id));
    assert_int_equal(EVP_PKEY_get_bits(key), 384);
    assert_true(key_id_of(key, id));
    assert_memory_equal(id, release, sizeof(id));
    EVP_PKEY_free(key);
    key = keyring_active(keyring, SIGNING_KEY_TOKEN, id);
    assert_non_null(key);
    assert_memory_equal(id, token, sizeof(id));
    assert_int_equal(EVP_PKEY_get_bits(key), 256);
    EVP_PKEY_free(key);
    assert_false(has(keyring, SIGNING_KEY_RELEASE, token));
    keyring_close(keyring);
}

struct ids {
    unsigned count;
    uint8_t id[4][SIGNING_KEY_ID_SIZE];
};

static void take_id(void *context, const uint8_t id[SIGNING_KEY_ID_SIZE], EVP_PKEY *key)
{
    struct ids *ids = context;

    assert_non_null(key);
    memcpy(ids->id[ids->count++], id, SIGNING_KEY_ID_SIZE);
}

TEST_FIXTURE(the_newest_key_is_active_and_older_ones_are_found, fixture_begin, fixture_end)
{
    const struct fixture *fixture = *state;
    uint8_t older[SIGNING_KEY_ID_SIZE], newer[SIGNING_KEY_ID_SIZE], id[SIGNING_KEY_ID_SIZE];
    struct keyring *keyring;
    struct ids ids = {0};

    generate(fixture, SIGNING_KEY_TOKEN, older);
    generate(fixture, SIGNING_KEY_TOKEN, newer); /* at the same second */
    keyring = open_keyring(fixture);
    EVP_PKEY_free(keyring_active(keyring, SIGNING_KEY_TOKEN, id));
    assert_memory_equal(id, newer, sizeof(id));
    assert_true(has(keyring, SIGNING_KEY_TOKEN, older));
    keyring_each(keyring, SIGNING_KEY_TOKEN, take_id, &ids);
    assert_int_equal(ids.count, 2);
    assert_memory_equal(ids.id[0], newer, sizeof(id));
    assert_memory_equal(ids.id[1], older, sizeof(id));
    keyring_close(keyring);
}

TEST_FIXTURE(a_change_by_this_process_counts_at_once, fixture_begin, fixture_end)
{
    const struct fixture *fixture = *state;
    uint8_t first[SIGNING_KEY_ID_SIZE], second[SIGNING_KEY_ID_SIZE], id[SIGNING_KEY_ID_SIZE];
    struct keyring *keyring;

    generate(fixture, SIGNING_KEY_TOKEN, first);
    keyring = open_keyring(fixture);
    generate(fixture, SIGNING_KEY_TOKEN, second);
    retire(fixture, first);
    assert_false(has(keyring, SIGNING_KEY_TOKEN, second));
    keyring_invalidate(keyring);
    EVP_PKEY_free(keyring_active(keyring, SIGNING_KEY_TOKEN, id));
    assert_memory_equal(id, second, sizeof(id));
    assert_false(has(keyring, SIGNING_KEY_TOKEN, first));
    keyring_close(keyring);
}

TEST_FIXTURE(a_change_by_another_server_counts_after_a_while, fixture_begin, fixture_end)
{
    const struct fixture *fixture = *state;
    uint8_t first[SIGNING_KEY_ID_SIZE], second[SIGNING_KEY_ID_SIZE];
    struct keyring *keyring;

    generate(fixture, SIGNING_KEY_TOKEN, first);
    keyring = open_keyring(fixture);
    generate(fixture, SIGNING_KEY_TOKEN, second);
    sleep(KEYRING_REFRESH + 1);
    assert_true(has(keyring, SIGNING_KEY_TOKEN, second));
    keyring_close(keyring);
}

#define ROTATIONS 20

TEST_FIXTURE(no_number_of_rotations_hides_a_key, fixture_begin, fixture_end)
{
    const struct fixture *fixture = *state;
    uint8_t ids[ROTATIONS][SIGNING_KEY_ID_SIZE], token[SIGNING_KEY_ID_SIZE];
    uint8_t active[SIGNING_KEY_ID_SIZE];
    struct keyring *keyring;

    generate(fixture, SIGNING_KEY_TOKEN, token);
    keyring = open_keyring(fixture);
    for (unsigned i = 0; i < ROTATIONS; i++) {
        generate(fixture, SIGNING_KEY_RELEASE, ids[i]);
        keyring_invalidate(keyring);
        EVP_PKEY_free(keyring_active(keyring, SIGNING_KEY_RELEASE, active));
        assert_memory_equal(active, ids[i], sizeof(active));
    }
    for (unsigned i = 0; i < ROTATIONS; i++)
        assert_true(has(keyring, SIGNING_KEY_RELEASE, ids[i]));
    assert_true(has(keyring, SIGNING_KEY_TOKEN, token));
    retire(fixture, ids[0]);
    keyring_invalidate(keyring);
    assert_false(has(keyring, SIGNING_KEY_RELEASE, ids[0]));
    assert_true(has(keyring, SIGNING_KEY_RELEASE, ids[1]));
    keyring_close(keyring);
}

TEST_FIXTURE(another_master_key_opens_no_keyring, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    uint8_t id[SIGNING_KEY_ID_SIZE];
    enum store_status status;

    generate(fixture, SIGNING_KEY_TOKEN, id);
    fixture->keys = fixture_keys(0x22);
    fixture_reopen(fixture);
    assert_null(keyring_open(fixture->store, &status));
    assert_status(status, STORE_WRONG_KEY);
}

struct use {
    struct keyring *keyring;
    unsigned missing;
};

static void *use_keys(void *context)
{
    struct use *use = context;
    uint8_t id[SIGNING_KEY_ID_SIZE];

    for (unsigned i = 0; i < 2000; i++) {
        EVP_PKEY *key = keyring_active(use->keyring, SIGNING_KEY_TOKEN, id);

        use->missing += !key;
        EVP_PKEY_free(key);
    }
    return NULL;
}

TEST_FIXTURE(keys_are_used_while_they_change, fixture_begin, fixture_end)
{
    const struct fixture *fixture = *state;
    uint8_t before[SIGNING_KEY_ID_SIZE], after[SIGNING_KEY_ID_SIZE];
    pthread_t threads[4];
    struct use uses[4];
    struct keyring *keyring;

    generate(fixture, SIGNING_KEY_TOKEN, before);
    keyring = open_keyring(fixture);
    for (unsigned i = 0; i < 4; i++) {
        uses[i] = (struct use){.keyring = keyring};
        assert_int_equal(pthread_create(&threads[i], NULL, use_keys, &uses[i]), 0);
    }
    for (unsigned i = 0; i < 10; i++) {
        generate(fixture, SIGNING_KEY_TOKEN, after);
        retire(fixture, before);
        memcpy(before, after, sizeof(before));
        keyring_invalidate(keyring);
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(uses[i].missing, 0);
    }
    keyring_close(keyring);
}

TEST_GROUP(fixture_begin_group, fixture_end_group)
