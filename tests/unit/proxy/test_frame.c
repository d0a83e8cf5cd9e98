/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "proxy/clock.h"
#include "proxy/frame.h"
#include "tests/unit/registered.h"

#define GAP_MS 50

static const struct frame_limits limits = {
    .first_ms = 10000,
    .gap_ms = GAP_MS,
    .whole_ms = 10000,
};

struct ends {
    int vm, proxy, stop;
};

static int open_line(void **state)
{
    struct ends *line = malloc(sizeof(*line));
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0) {
        free(line);
        return -1;
    }
    *line = (struct ends){.vm = ends[0], .proxy = ends[1], .stop = eventfd(0, 0)};
    *state = line;
    return 0;
}

static int close_line(void **state)
{
    struct ends *line = *state;

    if (line->vm >= 0)
        close(line->vm);
    close(line->proxy);
    close(line->stop);
    free(line);
    return 0;
}

static enum frame_status proxy_reads_within(const struct ends *ends,
                                            const struct frame_limits *within, struct frame *frame)
{
    return frame_read(&(struct line){.fd = ends->proxy, .stop = ends->stop}, within, frame);
}

static enum frame_status proxy_reads(const struct ends *ends)
{
    struct frame frame;
    enum frame_status status = proxy_reads_within(ends, &limits, &frame);

    free(frame.bytes);
    return status;
}

static void proxy_receives(const struct ends *ends, const void *bytes, size_t size)
{
    struct frame frame;

    assert_int_equal(proxy_reads_within(ends, &limits, &frame), FRAME_OK);
    assert_int_equal(frame.size, size);
    assert_memory_equal(frame.bytes, bytes, size);
    free(frame.bytes);
}

static enum frame_status writes(int fd, const void *bytes, size_t size)
{
    return frame_write(&(struct line){.fd = fd, .stop = -1}, &limits, bytes, size);
}

static void vm_sends(const struct ends *line, const void *bytes, size_t size)
{
    assert_int_equal(send(line->vm, bytes, size, 0), size);
}

static void vm_sends_length(const struct ends *line, uint64_t length)
{
    uint8_t bytes[8];

    put_le64(bytes, length);
    vm_sends(line, bytes, sizeof(bytes));
}

TEST_FIXTURE(what_is_written_is_read, open_line, close_line)
{
    const struct ends *line = *state;

    assert_int_equal(writes(line->vm, "first", 5), FRAME_OK);
    assert_int_equal(writes(line->vm, "second", 6), FRAME_OK);
    proxy_receives(line, "first", 5);
    proxy_receives(line, "second", 6);
}

TEST_FIXTURE(the_length_is_eight_bytes_little_endian, open_line, close_line)
{
    const struct ends *line = *state;
    uint8_t bytes[10];

    assert_int_equal(writes(line->proxy, "{}", 2), FRAME_OK);
    assert_int_equal(recv(line->vm, bytes, sizeof(bytes), MSG_WAITALL), sizeof(bytes));
    assert_memory_equal(bytes, "\2\0\0\0\0\0\0\0{}", sizeof(bytes));
}

TEST_FIXTURE(a_bad_length_drops_what_is_pending_and_the_next_frame_is_read, open_line, close_line)
{
    static const uint64_t lengths[] = {0, FRAME_MAX + 1, UINT64_MAX, 1ull << 32};
    const struct ends *line = *state;

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        vm_sends_length(line, lengths[i]);
        vm_sends(line, "noise noise", 11);
        assert_int_equal(proxy_reads(line), FRAME_BAD_LENGTH);
        assert_int_equal(writes(line->vm, "{}", 2), FRAME_OK);
        assert_int_equal(proxy_reads(line), FRAME_OK);
    }
}

TEST_FIXTURE(half_a_frame_is_dropped_and_the_next_one_is_read, open_line, close_line)
{
    const struct ends *line = *state;

    vm_sends(line, "\3\0\0", 3);
    assert_int_equal(proxy_reads(line), FRAME_STALLED);
    vm_sends_length(line, 100);
    assert_int_equal(proxy_reads(line), FRAME_STALLED);
    vm_sends_length(line, 100);
    vm_sends(line, "{\"version\"", 10);
    assert_int_equal(proxy_reads(line), FRAME_STALLED);
    assert_int_equal(writes(line->vm, "{}", 2), FRAME_OK);
    assert_int_equal(proxy_reads(line), FRAME_OK);
}

TEST_FIXTURE(a_frame_of_the_largest_size_passes, open_line, close_line)
{
    static uint8_t bytes[FRAME_MAX];
    const struct ends *line = *state;

    memset(bytes, 'a', sizeof(bytes));
    assert_int_equal(writes(line->vm, bytes, sizeof(bytes)), FRAME_OK);
    proxy_receives(line, bytes, sizeof(bytes));
}

TEST_FIXTURE(a_peer_that_is_gone_is_noticed, open_line, close_line)
{
    struct ends *line = *state;

    vm_sends_length(line, 100);
    close(line->vm);
    line->vm = -1;
    assert_int_equal(proxy_reads(line), FRAME_CLOSED);
    assert_int_equal(writes(line->proxy, "{}", 2), FRAME_CLOSED);
}

TEST_FIXTURE(a_peer_that_takes_nothing_is_given_up, open_line, close_line)
{
    static uint8_t bytes[FRAME_MAX];
    const struct ends *line = *state;
    int written = 0;

    while (written < 1000 && writes(line->proxy, bytes, sizeof(bytes)) == FRAME_OK)
        written++;
    assert_true(written < 1000);
}

TEST_FIXTURE(a_line_without_frames_is_idle_and_stays_open, open_line, close_line)
{
    static const struct frame_limits brief = {.first_ms = 20, .gap_ms = GAP_MS, .whole_ms = 1000};
    const struct ends *line = *state;
    struct frame frame;

    assert_int_equal(proxy_reads_within(line, &brief, &frame), FRAME_IDLE);
    assert_int_equal(writes(line->vm, "{}", 2), FRAME_OK);
    proxy_receives(line, "{}", 2);
}

TEST_FIXTURE(a_trickle_is_dropped_when_the_whole_takes_too_long, open_line, close_line)
{
    static const struct frame_limits brief = {
        .first_ms = 10000,
        .gap_ms = 10000,
        .whole_ms = 100,
    };
    const struct ends *line = *state;
    int64_t start_ms = clock_now_ms();
    struct frame frame;

    vm_sends_length(line, 100);
    assert_int_equal(proxy_reads_within(line, &brief, &frame), FRAME_STALLED);
    assert_null(frame.bytes);
    assert_true(clock_now_ms() - start_ms < 5000);
}

TEST_FIXTURE(a_service_that_ends_reads_no_new_frame_but_the_one_that_began, open_line, close_line)
{
    const struct ends *line = *state;

    assert_int_equal(eventfd_write(line->stop, 1), 0);
    assert_int_equal(proxy_reads(line), FRAME_STOPPED);
    assert_int_equal(writes(line->vm, "{}", 2), FRAME_OK);
    proxy_receives(line, "{}", 2);
    assert_int_equal(proxy_reads(line), FRAME_STOPPED);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    return tests_run();
}
