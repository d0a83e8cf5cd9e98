/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/frame.h"

#define GAP_MS 50

static struct frame frame;

struct line {
    int vm, proxy;
};

static int open_line(void **state)
{
    struct line *line = malloc(sizeof(*line));
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
        free(line);
        return -1;
    }
    *line = (struct line){.vm = ends[0], .proxy = ends[1]};
    *state = line;
    return 0;
}

static int close_line(void **state)
{
    struct line *line = *state;

    if (line->vm >= 0)
        close(line->vm);
    close(line->proxy);
    free(line);
    return 0;
}

static void vm_sends(const struct line *line, const void *bytes, size_t size)
{
    assert_int_equal(send(line->vm, bytes, size, 0), size);
}

static void vm_sends_length(const struct line *line, uint64_t length)
{
    uint8_t bytes[8];

    put_le64(bytes, length);
    vm_sends(line, bytes, sizeof(bytes));
}

static void what_is_written_is_read(void **state)
{
    const struct line *line = *state;

    assert_int_equal(frame_write(line->vm, GAP_MS, "first", 5), FRAME_OK);
    assert_int_equal(frame_write(line->vm, GAP_MS, "second", 6), FRAME_OK);
    assert_int_equal(frame_read(line->proxy, GAP_MS, &frame), FRAME_OK);
    assert_int_equal(frame.size, 5);
    assert_memory_equal(frame.bytes, "first", 5);
    assert_int_equal(frame_read(line->proxy, GAP_MS, &frame), FRAME_OK);
    assert_int_equal(frame.size, 6);
    assert_memory_equal(frame.bytes, "second", 6);
}

static void the_length_is_eight_bytes_little_endian(void **state)
{
    const struct line *line = *state;
    uint8_t bytes[10];

    assert_int_equal(frame_write(line->proxy, GAP_MS, "{}", 2), FRAME_OK);
    assert_int_equal(recv(line->vm, bytes, sizeof(bytes), MSG_WAITALL), sizeof(bytes));
    assert_memory_equal(bytes, "\2\0\0\0\0\0\0\0{}", sizeof(bytes));
}

static void a_bad_length_drops_what_is_pending_and_the_next_frame_is_read(void **state)
{
    static const uint64_t lengths[] = {0, FRAME_MAX + 1, UINT64_MAX, 1ull << 32};
    const struct line *line = *state;

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        vm_sends_length(line, lengths[i]);
        vm_sends(line, "noise noise", 11);
        assert_int_equal(frame_read(line->proxy, GAP_MS, &frame), FRAME_BAD_LENGTH);
        assert_int_equal(frame_write(line->vm, GAP_MS, "{}", 2), FRAME_OK);
        assert_int_equal(frame_read(line->proxy, GAP_MS, &frame), FRAME_OK);
    }
}

static void half_a_frame_is_dropped_and_the_next_one_is_read(void **state)
{
    const struct line *line = *state;

    vm_sends(line, "\3\0\0", 3);
    assert_int_equal(frame_read(line->proxy, GAP_MS, &frame), FRAME_STALLED);
    vm_sends_length(line, 100);
    assert_int_equal(frame_read(line->proxy, GAP_MS, &frame), FRAME_STALLED);
    vm_sends_length(line, 100);
    vm_sends(line, "{\"version\"", 10);
    assert_int_equal(frame_read(line->proxy, GAP_MS, &frame), FRAME_STALLED);
    assert_int_equal(frame_write(line->vm, GAP_MS, "{}", 2), FRAME_OK);
    assert_int_equal(frame_read(line->proxy, GAP_MS, &frame), FRAME_OK);
}

static void a_frame_of_the_largest_size_passes(void **state)
{
    static uint8_t bytes[FRAME_MAX];
    const struct line *line = *state;

    memset(bytes, 'a', sizeof(bytes));
    vm_sends_length(line, sizeof(bytes));
    vm_sends(line, bytes, sizeof(bytes));
    assert_int_equal(frame_read(line->proxy, GAP_MS, &frame), FRAME_OK);
    assert_int_equal(frame.size, FRAME_MAX);
    assert_memory_equal(frame.bytes, bytes, sizeof(bytes));
}

static void a_peer_that_is_gone_is_noticed(void **state)
{
    struct line *line = *state;

    vm_sends_length(line, 100);
    close(line->vm);
    line->vm = -1;
    assert_int_equal(frame_read(line->proxy, GAP_MS, &frame), FRAME_CLOSED);
    assert_int_equal(frame_write(line->proxy, GAP_MS, "{}", 2), FRAME_CLOSED);
}

static void a_peer_that_takes_nothing_is_given_up(void **state)
{
    static uint8_t bytes[FRAME_MAX];
    const struct line *line = *state;
    int written = 0;

    while (written < 1000 && frame_write(line->proxy, GAP_MS, bytes, sizeof(bytes)) == FRAME_OK)
        written++;
    assert_true(written < 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_line, close_line)
        TEST(what_is_written_is_read),
        TEST(the_length_is_eight_bytes_little_endian),
        TEST(a_bad_length_drops_what_is_pending_and_the_next_frame_is_read),
        TEST(half_a_frame_is_dropped_and_the_next_one_is_read),
        TEST(a_frame_of_the_largest_size_passes),
        TEST(a_peer_that_is_gone_is_noticed),
        TEST(a_peer_that_takes_nothing_is_given_up),
#undef TEST
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
