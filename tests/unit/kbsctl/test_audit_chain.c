/* SPDX-License-Identifier: MIT */
/* The chain of an exported audit log, verified without the KBS; and text made safe for a terminal.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kbs/admin/values.h"
#include "kbs/cli/audit_chain.h"
#include "kbs/cli/plain_text.h"
#include "lib/base/hex.h"
#include "tests/unit/registered.h"

#define LINES 4

static json_t *entries[LINES], *head;

static void hash_line(uint8_t hash[AUDIT_CHAIN_HASH], const char *line)
{
    uint8_t bytes[AUDIT_CHAIN_HASH + 128];

    memcpy(bytes, hash, AUDIT_CHAIN_HASH);
    memcpy(bytes + AUDIT_CHAIN_HASH, line, strlen(line));
    assert_int_equal(
        EVP_Digest(bytes, AUDIT_CHAIN_HASH + strlen(line), hash, NULL, EVP_sha256(), NULL), 1);
}

/* A log as the API exports it. */
static int export_log(void **state)
{
    uint8_t hash[AUDIT_CHAIN_HASH] = {0};
    char line[128], text[2 * AUDIT_CHAIN_HASH + 1];

    (void)state;
    for (int i = 0; i < LINES; i++) {
        snprintf(line, sizeof(line), "{\"seq\":%d,\"event\":\"admin\",\"result\":\"done\"}", i + 1);
        hash_line(hash, line);
        hex_text(hash, sizeof(hash), text);
        entries[i] = json_pack("{s:i, s:s, s:s}", "seq", i + 1, "hash", text, "line", line);
    }
    head = json_pack("{s:i, s:s}", "seq", LINES, "hash", text);
    return 0;
}

static int release_log(void **state)
{
    (void)state;
    for (int i = 0; i < LINES; i++)
        json_decref(entries[i]);
    json_decref(head);
    return 0;
}

/* Verifies all of it; 0 when it is whole, else the number of the first bad line. */
static uint64_t first_bad(struct audit_chain *chain)
{
    for (int i = 0; i < LINES; i++)
        if (entries[i] && !audit_chain_take(chain, entries[i]))
            return chain->seq + 1;
    return audit_chain_ends(chain, head) ? 0 : chain->seq + 1;
}

TEST_FIXTURE(a_log_that_nobody_touched_is_whole, export_log, release_log)
{
    struct audit_chain chain = {0};

    assert_int_equal(first_bad(&chain), 0);
    assert_null(chain.problem);
    assert_int_equal(chain.seq, LINES);
}

TEST_FIXTURE(a_line_that_was_changed_is_found, export_log, release_log)
{
    struct audit_chain chain = {0};

    json_object_set_new(entries[1], "line",
                        json_string("{\"seq\":2,\"event\":\"admin\",\"result\":\"dune\"}"));
    assert_int_equal(first_bad(&chain), 2);
}

TEST_FIXTURE(a_line_with_a_hash_of_its_own_is_found, export_log, release_log)
{
    struct audit_chain chain = {0};
    uint8_t hash[AUDIT_CHAIN_HASH] = {0};
    char text[2 * AUDIT_CHAIN_HASH + 1];

    /* As if the first line were this one: its hash fits the line, the next line's does not follow.
     */
    json_object_set_new(entries[0], "line", json_string("{\"seq\":1}"));
    hash_line(hash, "{\"seq\":1}");
    hex_text(hash, sizeof(hash), text);
    json_object_set_new(entries[0], "hash", json_string(text));
    assert_int_equal(first_bad(&chain), 2);
}

TEST_FIXTURE(a_line_that_is_missing_is_found, export_log, release_log)
{
    struct audit_chain chain = {0};

    json_decref(entries[2]);
    entries[2] = NULL;
    assert_int_equal(first_bad(&chain), 3);
    assert_string_equal(chain.problem, "the line is missing");
}

TEST_FIXTURE(a_line_with_another_number_is_found, export_log, release_log)
{
    struct audit_chain chain = {0};

    json_object_set_new(entries[3], "seq", json_integer(5));
    assert_int_equal(first_bad(&chain), 4);
    chain = (struct audit_chain){0};
    json_object_set_new(entries[3], "seq", json_integer(4));
    json_object_set_new(entries[3], "line", json_string("{\"seq\":5}"));
    assert_int_equal(first_bad(&chain), 4);
    assert_string_equal(chain.problem, "the line says that it is another one");
}

TEST_FIXTURE(a_log_that_was_cut_is_found, export_log, release_log)
{
    struct audit_chain chain = {0};

    json_decref(entries[3]);
    entries[3] = NULL;
    assert_int_equal(first_bad(&chain), 4);
}

TEST(a_malformed_entry_is_no_crash)
{
    static const char *const texts[] = {
        "{}",
        "{\"seq\":1,\"hash\":7,\"line\":\"{}\"}",
        "{\"seq\":1,\"hash\":\"00\",\"line\":\"{}\"}",
        "[]",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct audit_chain chain = {0};
        json_t *entry = json_loads(texts[i], 0, NULL);

        assert_false(audit_chain_take(&chain, entry));
        assert_non_null(chain.problem);
        json_decref(entry);
    }
}

TEST_FIXTURE(a_number_must_be_one, export_log, release_log)
{
    struct audit_chain chain = {0};

    json_object_set_new(entries[0], "seq", json_string("1"));
    assert_int_equal(first_bad(&chain), 1);
}

TEST_FIXTURE(a_head_that_was_noted_must_be_met, export_log, release_log)
{
    struct audit_chain chain = {.expects = true};

    assert_true(hex_bytes(json_string_value(json_object_get(entries[1], "hash")), chain.expected,
                          sizeof(chain.expected)));
    assert_int_equal(first_bad(&chain), 0);
    chain = (struct audit_chain){.expects = true, .expected = {1}};
    assert_int_not_equal(first_bad(&chain), 0);
    assert_non_null(strstr(chain.problem, "expected hash"));
}

static void assert_plain(const char *text, const char *wanted)
{
    char *plain = plain_text(text);

    assert_string_equal(plain, wanted);
    free(plain);
}

TEST(text_cannot_command_the_terminal)
{
    assert_plain("plain \xc3\xa4 \xe2\x80\xa6", "plain \xc3\xa4 \xe2\x80\xa6");
    assert_plain("\033[31mred\r\n", "?[31mred??");
    assert_plain("\xc2\x9b"
                 "2J",
                 "?2J"); /* a control of C1 */
    assert_plain("a\xe2\x80\x8f"
                 "b",
                 "a?b");                   /* right to left */
    assert_plain("\xff\xfe", "??");        /* no UTF-8 at all */
    assert_plain("cut \xe2\x80", "cut ?"); /* a broken sequence */
    assert_int_equal(plain_width("\xc3\xa4\xe2\x80\xa6x"), 3);
}
