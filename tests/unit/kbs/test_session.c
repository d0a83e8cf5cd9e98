/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "kbs/session.h"

#define NOW 1000000

static void ids_and_nonces_are_fresh(void **state)
{
    struct sessions *sessions = sessions_new(2);
    struct session *first = sessions_open(sessions, NOW), *second = sessions_open(sessions, NOW);

    (void)state;
    assert_int_equal(strlen(first->id), SESSION_ID_LENGTH);
    assert_string_not_equal(first->id, second->id);
    assert_memory_not_equal(first->nonce, second->nonce, SESSION_NONCE_SIZE);
    assert_ptr_equal(sessions_find(sessions, first->id, NOW), first);
    assert_ptr_equal(sessions_find(sessions, second->id, NOW), second);
    sessions_free(sessions);
}

static void an_unknown_id_finds_nothing(void **state)
{
    struct sessions *sessions = sessions_new(2);
    char id[SESSION_ID_LENGTH + 2];

    (void)state;
    strcpy(id, sessions_open(sessions, NOW)->id);
    id[31] ^= 1;
    assert_null(sessions_find(sessions, id, NOW));
    id[31] ^= 1;
    strcat(id, "0");
    assert_null(sessions_find(sessions, id, NOW));
    assert_null(sessions_find(sessions, "", NOW));
    assert_null(sessions_find(sessions, "00000000000000000000000000000000", NOW));
    sessions_free(sessions);
}

static void a_nonce_serves_once(void **state)
{
    struct sessions *sessions = sessions_new(1);
    struct session *session = sessions_open(sessions, NOW);

    (void)state;
    assert_true(session_spend_nonce(session, NOW));
    assert_false(session_spend_nonce(session, NOW));
    sessions_free(sessions);
}

static void an_old_nonce_serves_nobody(void **state)
{
    struct sessions *sessions = sessions_new(1);
    struct session *session = sessions_open(sessions, NOW);

    (void)state;
    assert_false(session_spend_nonce(session, NOW + NONCE_LIFETIME));
    assert_false(session_spend_nonce(session, NOW)); /* nor after the clock was set back */
    sessions_free(sessions);
}

static void a_session_expires(void **state)
{
    struct sessions *sessions = sessions_new(1);
    struct session *session = sessions_open(sessions, NOW);

    (void)state;
    assert_non_null(sessions_find(sessions, session->id, NOW + SESSION_LIFETIME - 1));
    assert_null(sessions_find(sessions, session->id, NOW + SESSION_LIFETIME));
    sessions_free(sessions);
}

static void a_full_table_gives_up_the_oldest_that_has_nothing(void **state)
{
    struct sessions *sessions = sessions_new(3);
    struct session *granted = sessions_open(sessions, NOW),
                   *oldest = sessions_open(sessions, NOW + 1),
                   *newest = sessions_open(sessions, NOW + 2);

    (void)state;
    granted->state = SESSION_GRANTED;
    assert_ptr_equal(sessions_open(sessions, NOW + 3), oldest);
    assert_ptr_equal(sessions_find(sessions, granted->id, NOW + 3), granted);
    assert_ptr_equal(sessions_find(sessions, newest->id, NOW + 3), newest);
    oldest->state = newest->state = SESSION_GRANTED;
    assert_null(sessions_open(sessions, NOW + 4));
    assert_ptr_equal(sessions_open(sessions, NOW + SESSION_LIFETIME), granted);
    sessions_free(sessions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_and_nonces_are_fresh),
        cmocka_unit_test(an_unknown_id_finds_nothing),
        cmocka_unit_test(a_nonce_serves_once),
        cmocka_unit_test(an_old_nonce_serves_nobody),
        cmocka_unit_test(a_session_expires),
        cmocka_unit_test(a_full_table_gives_up_the_oldest_that_has_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
