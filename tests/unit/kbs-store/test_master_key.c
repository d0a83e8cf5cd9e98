/* SPDX-License-Identifier: MIT */
/* Master keys in files and credentials, and what is wrapped under them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/kbs-store/fixture.h"
#include "tests/unit/registered.h"

#define LINE_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
#define LINE_B "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF\n"

static const char *write_file(const char *name, const void *text, size_t size, mode_t mode,
                              char path[PATH_MAX])
{
    FILE *file = fopen(fixture_path(name, path), "w");
    int unwritten;

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    unwritten = fclose(file);
    assert_int_equal(unwritten, 0);
    assert_int_equal(chmod(path, mode), 0);
    return path;
}

static enum master_key_status load_text(const char *text, struct master_keys *keys)
{
    char path[PATH_MAX];

    return master_keys_load(write_file("key", text, strlen(text), 0600, path), keys);
}

TEST(a_made_key_file_is_its_owners_alone_and_loads)
{
    struct master_keys keys;
    char path[PATH_MAX];
    struct stat file;

    assert_int_equal(master_key_create(fixture_path("made", path)), MASTER_KEY_OK);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    assert_int_equal(master_keys_load(path, &keys), MASTER_KEY_OK);
    assert_int_equal(keys.count, 1);
    assert_int_equal(master_key_create(path), MASTER_KEY_EXISTS);
}

TEST(a_rotated_key_file_has_the_new_key_in_front)
{
    struct master_keys before, after;
    char path[PATH_MAX], next[PATH_MAX];
    FILE *left;

    assert_int_equal(master_key_create(fixture_path("rotated", path)), MASTER_KEY_OK);
    assert_int_equal(master_keys_load(path, &before), MASTER_KEY_OK);
    left = fopen(fixture_path("rotated.new", next), "w"); /* as a crash could leave it */
    assert_non_null(left);
    fclose(left);
    assert_int_equal(master_key_rotate(path), MASTER_KEY_OK);
    assert_int_equal(access(next, F_OK), -1);
    assert_int_equal(master_keys_load(path, &after), MASTER_KEY_OK);
    assert_int_equal(after.count, 2);
    assert_memory_not_equal(&after.keys[0], &before.keys[0], sizeof(after.keys[0]));
    assert_memory_equal(&after.keys[1], &before.keys[0], sizeof(after.keys[0]));
}

TEST(rotating_never_drops_a_key)
{
    struct master_keys before, after;
    char path[PATH_MAX];

    assert_int_equal(master_key_create(fixture_path("full", path)), MASTER_KEY_OK);
    for (unsigned i = 1; i < MASTER_KEYS_MAX; i++)
        assert_int_equal(master_key_rotate(path), MASTER_KEY_OK);
    assert_int_equal(master_keys_load(path, &before), MASTER_KEY_OK);
    assert_int_equal(master_key_rotate(path), MASTER_KEY_FULL);
    assert_int_equal(master_keys_load(path, &after), MASTER_KEY_OK);
    assert_memory_equal(&before, &after, sizeof(before));
    assert_int_equal(master_key_rotate(fixture_path("none", path)), MASTER_KEY_MISSING);
}

TEST(keys_are_lines_of_64_hexadecimal_digits)
{
    struct master_keys keys;
    static const char *const malformed[] = {
        "",
        "\n",
        "00",
        "0x0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1g\n",
        LINE_A "\n" LINE_B,
        LINE_A LINE_A "00\n",
        " " LINE_A,
        LINE_A LINE_A LINE_A LINE_A LINE_A,
    };

    assert_int_equal(load_text(LINE_A LINE_B, &keys), MASTER_KEY_OK);
    assert_int_equal(keys.count, 2);
    assert_int_equal(keys.keys[0].bytes[31], 0x1f);
    assert_int_equal(keys.keys[1].bytes[31], 0xff);
    assert_int_equal(load_text(LINE_A LINE_A LINE_A LINE_A, &keys), MASTER_KEY_OK);
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        assert_int_equal(load_text(malformed[i], &keys), MASTER_KEY_MALFORMED);
        assert_int_equal(keys.count, 0);
    }
}

TEST(a_last_line_may_lack_its_end)
{
    struct master_keys keys;
    char text[] = LINE_A LINE_B;

    text[strlen(text) - 1] = '\0';
    assert_int_equal(load_text(text, &keys), MASTER_KEY_OK);
    assert_int_equal(keys.count, 2);
}

TEST(a_key_file_with_a_nul_is_malformed)
{
    struct master_keys keys;
    static const char text[] = LINE_A "\0" LINE_B;
    char path[PATH_MAX];

    write_file("nul", text, sizeof(text) - 1, 0600, path);
    assert_int_equal(master_keys_load(path, &keys), MASTER_KEY_MALFORMED);
}

TEST(a_key_file_that_others_may_read_is_refused)
{
    struct master_keys keys;
    char path[PATH_MAX];
    static const mode_t exposed[] = {0640, 0604, 0660, 0644, 0601};

    for (size_t i = 0; i < sizeof(exposed) / sizeof(exposed[0]); i++) {
        write_file("exposed", LINE_A, strlen(LINE_A), exposed[i], path);
        assert_int_equal(master_keys_load(path, &keys), MASTER_KEY_EXPOSED);
    }
    write_file("exposed", LINE_A, strlen(LINE_A), 0400, path);
    assert_int_equal(master_keys_load(path, &keys), MASTER_KEY_OK);
    assert_int_equal(master_keys_load(fixture_path("none", path), &keys), MASTER_KEY_MISSING);
}

/* systemd lets the service's user read by an ACL, whose mask is in the place of the group's mode.
 */
TEST(a_credential_of_systemd_is_found_by_name)
{
    struct master_keys keys;
    char path[PATH_MAX], folder[PATH_MAX];

    write_file("master", LINE_A, strlen(LINE_A), 0440, path);
    fixture_path("", folder);
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_int_equal(master_keys_load("credential:master", &keys), MASTER_KEY_MISSING);
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
    assert_int_equal(master_keys_load("credential:master", &keys), MASTER_KEY_OK);
    assert_int_equal(master_keys_load("credential:none", &keys), MASTER_KEY_MISSING);
    assert_int_equal(master_keys_load("credential:../master", &keys), MASTER_KEY_MISSING);
    write_file("master", LINE_A, strlen(LINE_A), 0444, path);
    assert_int_equal(master_keys_load("credential:master", &keys), MASTER_KEY_EXPOSED);
}

/* Wrapping */

static const char secret[] = "a secret of some size";

TEST(what_is_wrapped_unwraps_and_looks_like_nothing)
{
    struct master_keys keys = fixture_keys(1);
    uint8_t wrapped[sizeof(secret) + WRAP_OVERHEAD], again[sizeof(wrapped)], bytes[sizeof(secret)];

    assert_true(master_key_wrap(&keys, "volume 1 1", secret, sizeof(secret), wrapped));
    assert_null(memmem(wrapped, sizeof(wrapped), "secret", 6));
    assert_true(master_key_unwrap(&keys, "volume 1 1", wrapped, sizeof(wrapped), bytes));
    assert_memory_equal(bytes, secret, sizeof(secret));
    assert_true(master_key_wrap(&keys, "volume 1 1", secret, sizeof(secret), again));
    assert_memory_not_equal(again + 9, wrapped + 9, sizeof(wrapped) - 9);
}

TEST(what_was_altered_anywhere_does_not_unwrap)
{
    struct master_keys keys = fixture_keys(1);
    const uint8_t zeros[sizeof(secret)] = {0};
    uint8_t wrapped[sizeof(secret) + WRAP_OVERHEAD], bytes[sizeof(secret)];

    assert_true(master_key_wrap(&keys, "volume 1 1", secret, sizeof(secret), wrapped));
    for (size_t i = 0; i < sizeof(wrapped); i++) {
        wrapped[i] ^= 0x40;
        memset(bytes, 0xff, sizeof(bytes));
        assert_false(master_key_unwrap(&keys, "volume 1 1", wrapped, sizeof(wrapped), bytes));
        assert_memory_equal(bytes, zeros, sizeof(bytes));
        wrapped[i] ^= 0x40;
    }
    for (size_t size = 0; size < sizeof(wrapped); size++)
        assert_false(master_key_unwrap(&keys, "volume 1 1", wrapped, size, bytes));
}

TEST(a_wrapped_record_is_only_what_it_was_wrapped_as)
{
    struct master_keys keys = fixture_keys(1);
    uint8_t wrapped[sizeof(secret) + WRAP_OVERHEAD], bytes[sizeof(secret)];

    assert_true(master_key_wrap(&keys, "volume 1 1", secret, sizeof(secret), wrapped));
    assert_false(master_key_unwrap(&keys, "volume 1 2", wrapped, sizeof(wrapped), bytes));
    assert_false(master_key_unwrap(&keys, "volume 2 1", wrapped, sizeof(wrapped), bytes));
    assert_false(master_key_unwrap(&keys, "", wrapped, sizeof(wrapped), bytes));
}

TEST(the_first_key_wraps_and_all_unwrap)
{
    struct master_keys keys = fixture_keys(1);
    struct master_keys other = fixture_keys(2), none = {0};
    uint8_t wrapped[sizeof(secret) + WRAP_OVERHEAD], bytes[sizeof(secret)];

    assert_true(master_key_wrap(&keys, "x", secret, sizeof(secret), wrapped));
    assert_false(master_key_unwrap(&other, "x", wrapped, sizeof(wrapped), bytes));
    keys.keys[1] = keys.keys[0];
    keys.keys[0] = other.keys[0];
    keys.count = 2;
    assert_true(master_key_unwrap(&keys, "x", wrapped, sizeof(wrapped), bytes));
    assert_true(master_key_wrap(&keys, "x", secret, sizeof(secret), wrapped));
    assert_true(master_key_unwrap(&other, "x", wrapped, sizeof(wrapped), bytes));
    assert_false(master_key_wrap(&none, "x", secret, sizeof(secret), wrapped));
    assert_false(master_key_wrap(&keys, "x", secret, 0, wrapped));
}

TEST_GROUP(fixture_begin_group, fixture_end_group)
