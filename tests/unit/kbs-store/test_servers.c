/* SPDX-License-Identifier: MIT */
/* Several threads and processes with one store. A child process reports by its exit status. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kbs/audit/audit.h"
#include "kbs/store/policies.h"
#include "kbs/store/secrets.h"
#include "kbs/store/stored_sessions.h"
#include "tests/unit/child.h"
#include "tests/unit/kbs-store/fixture.h"
#include "tests/unit/registered.h"

#define PROCESSES 2
#define THREADS   4
#define EACH      20
#define TRIES_MAX 20

struct server {
    struct store *store;
    struct audit *audit;
    unsigned process, thread;
    unsigned failed, spent;
};

/* Runs work in threads of processes; each process has the store open on its own. Returns how many
 * nonces were spent in all. */
static unsigned run_servers(const struct fixture *fixture, void *(*work)(void *))
{
    pid_t children[PROCESSES];
    unsigned spent = 0;
    int status;

    for (unsigned p = 0; p < PROCESSES; p++) {
        children[p] = child_fork();
        if (children[p] == 0) {
            struct server servers[THREADS];
            pthread_t threads[THREADS];
            struct store *store;
            struct audit *audit;

            if (store_open(fixture->url, true, &fixture->keys, &store) != STORE_OK)
                _exit(255);
            audit = audit_start(store, false);
            for (unsigned t = 0; t < THREADS; t++) {
                servers[t] =
                    (struct server){.store = store, .audit = audit, .process = p, .thread = t};
                pthread_create(&threads[t], NULL, work, &servers[t]);
            }
            for (unsigned t = 0; t < THREADS; t++) {
                pthread_join(threads[t], NULL);
                spent += servers[t].spent;
                if (servers[t].failed)
                    spent = 254;
            }
            audit_stop(audit);
            store_close(store);
            _exit((int)spent);
        }
    }
    for (unsigned p = 0; p < PROCESSES; p++) {
        assert_int_equal(waitpid(children[p], &status, 0), children[p]);
        assert_true(WIFEXITED(status));
        assert_true(WEXITSTATUS(status) < 254);
        spent += (unsigned)WEXITSTATUS(status);
    }
    return spent;
}

/* Changes several rows, some of which others change too, and appends to the log. */
static enum store_status change_once(struct server *server, unsigned i)
{
    const uint8_t key[STATE_KEY_SIZE] = {(uint8_t)i};
    struct volume volume = {.id = {(uint8_t)server->process, (uint8_t)server->thread, (uint8_t)i},
                            .image = "svsm-1",
                            .policy = "default",
                            .created = 1};
    char path[64];
    struct store_unit *unit;
    enum store_status status = store_begin(server->store, &unit);

    if (status != STORE_OK)
        return status;
    snprintf(volume.name, sizeof(volume.name), "vm-%u-%u-%u", server->process, server->thread, i);
    snprintf(path, sizeof(path), "p%u/t%u/%u", server->process, server->thread, i);
    status = volume_add(unit, &volume, key);
    if (status == STORE_OK)
        status = secret_put(unit, path, "default", "x", 1, false, 1);
    if (status == STORE_OK)
        status = secret_put(unit, "shared/by/all", "default", "x", 1, true, 1);
    if (status == STORE_OK)
        status = volume_set_key(unit, "shared", key, 1);
    if (status == STORE_OK)
        status = audit_append(unit, "change", json_object(), 1);
    if (status == STORE_OK)
        return store_commit(unit);
    store_abandon(unit);
    return status;
}

static enum store_status note_release(struct store_unit *unit, void *context)
{
    (void)context;
    return volume_note_release(unit, (const uint8_t[VOLUME_ID_SIZE]){0xfe}, 7);
}

static void *change(void *context)
{
    struct server *server = context;

    for (unsigned i = 0; i < EACH; i++) {
        enum store_status status = STORE_CONFLICT;

        for (unsigned tries = 0; status == STORE_CONFLICT && tries < TRIES_MAX; tries++)
            status = change_once(server, i);
        server->failed += status != STORE_OK;
        server->failed += audit_record(server->audit, "release", json_object(), 1, note_release,
                                       NULL) != STORE_OK;
    }
    return NULL;
}

static void count_volume(void *context, const struct volume *volume)
{
    *(unsigned *)context += strncmp(volume->name, "vm-", 3) == 0;
}

TEST_FIXTURE(no_change_of_any_server_is_lost, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *unit;
    struct audit_check check;
    struct volume volume;
    struct secret secret;
    unsigned count = 0;

    fixture_add_policy(fixture, "default");
    fixture_add_image(fixture, "svsm-1", 0xaa);
    fixture_add_volume(fixture, "shared", "svsm-1", 0xfe);
    run_servers(fixture, change);
    unit = fixture_reading(fixture);
    assert_ok(volume_each(unit, count_volume, &count));
    assert_int_equal(count, PROCESSES * THREADS * EACH);
    assert_ok(volume_by_name(unit, "shared", &volume));
    assert_int_equal(volume.key_version, 1 + PROCESSES * THREADS * EACH);
    assert_int_equal(volume.last_released, 7);
    assert_ok(secret_info(unit, "shared/by/all", &secret));
    assert_int_equal(secret.version, PROCESSES * THREADS * EACH);
    assert_ok(audit_verify(unit, &check));
    assert_null(check.problem);
    assert_int_equal(check.entries, 2 * PROCESSES * THREADS * EACH);
    store_abandon(unit);
}

static const char *session_id(unsigned i, char id[STORED_SESSION_ID_LENGTH + 1])
{
    snprintf(id, STORED_SESSION_ID_LENGTH + 1, "%032u", i);
    return id;
}

static enum store_status spend_once(struct server *server, unsigned i)
{
    char id[STORED_SESSION_ID_LENGTH + 1];
    uint8_t nonce[STORED_SESSION_NONCE_MAX];
    struct store_unit *unit;
    size_t size;
    enum store_status status = store_begin_sessions(server->store, &unit);

    if (status != STORE_OK)
        return status;
    status = stored_session_spend(unit, session_id(i, id), 20, 0, nonce, &size);
    if (status == STORE_OK)
        return store_commit(unit);
    store_abandon(unit);
    return status;
}

static void *spend(void *context)
{
    struct server *server = context;

    for (unsigned i = 0; i < EACH; i++) {
        enum store_status status = spend_once(server, i);

        server->spent += status == STORE_OK;
        server->failed += status != STORE_OK && status != STORE_RETIRED;
    }
    return NULL;
}

TEST_FIXTURE(a_nonce_serves_once_whichever_server_is_asked, fixture_begin, fixture_end)
{
    struct fixture *fixture = *state;
    struct store_unit *unit = fixture_unit(fixture);
    char id[STORED_SESSION_ID_LENGTH + 1];

    for (unsigned i = 0; i < EACH; i++)
        assert_ok(
            stored_session_open(unit, session_id(i, id), (const uint8_t *)"n", 1, 10, 100, EACH));
    assert_ok(store_commit(unit));
    assert_int_equal(run_servers(fixture, spend), EACH);
}

TEST_FIXTURE(servers_that_start_at_once_make_one_store, fixture_begin, fixture_end)
{
    const struct fixture *fixture = *state;
    char url[PATH_MAX + 64];
    pid_t children[6];
    int status;

    for (unsigned round = 0; round < 5; round++) {
        fixture_new_url(url, sizeof(url));
        for (unsigned i = 0; i < 6; i++) {
            children[i] = child_fork();
            if (children[i] == 0) {
                struct store *store;
                enum store_status opened = store_open(url, true, &fixture->keys, &store);

                if (opened == STORE_OK)
                    opened = store_ping(store);
                else
                    print_error("%s\n", store_reason(store, opened));
                store_close(store);
                _exit((int)opened);
            }
        }
        for (unsigned i = 0; i < 6; i++) {
            assert_int_equal(waitpid(children[i], &status, 0), children[i]);
            assert_true(WIFEXITED(status));
            assert_status(WEXITSTATUS(status), STORE_OK);
        }
    }
}

TEST_GROUP(fixture_begin_group, fixture_end_group)
