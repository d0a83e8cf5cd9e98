/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/log.h"
#include "tests/unit/registered.h"

static const struct log_source source = {.connection = 7, .peer = "vsock cid 42"};

/* What was written to stderr since begin_capture(). */
static char captured[2048];
static int ends[2], saved;

static void begin_capture(void)
{
    assert_int_equal(pipe(ends), 0);
    saved = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
}

static void end_capture(void)
{
    ssize_t got;

    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    got = read(ends[0], captured, sizeof(captured) - 1);
    captured[got > 0 ? got : 0] = '\0';
    close(ends[0]);
}

TEST(a_line_for_machines_is_one_json_object)
{
    json_t *line;

    log_open(LOG_JSON);
    begin_capture();
    log_line(LOG_WARNING, &source, "kbs-failed", "kbs-busy", "HTTP status %d", 429);
    end_capture();
    assert_ptr_equal(strchr(captured, '\n'), captured + strlen(captured) - 1);
    line = json_loads(captured, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(line);
    assert_int_equal(json_string_length(json_object_get(line, "time")), 24);
    assert_string_equal(json_string_value(json_object_get(line, "level")), "warning");
    assert_int_equal(json_integer_value(json_object_get(line, "connection")), 7);
    assert_string_equal(json_string_value(json_object_get(line, "peer")), "vsock cid 42");
    assert_string_equal(json_string_value(json_object_get(line, "event")), "kbs-failed");
    assert_string_equal(json_string_value(json_object_get(line, "reason")), "kbs-busy");
    assert_string_equal(json_string_value(json_object_get(line, "detail")), "HTTP status 429");
    json_decref(line);
}

/* A device may have any name. */
TEST(no_name_of_a_peer_keeps_a_line_from_being_written_or_breaks_it)
{
    struct log_source odd = {.connection = 7, .peer = "/dev/\xff\n\033[2J"};
    json_t *line;

    log_open(LOG_JSON);
    begin_capture();
    log_line(LOG_INFO, &odd, "opened", NULL, NULL);
    end_capture();
    line = json_loads(captured, JSON_REJECT_DUPLICATES, NULL);
    assert_string_equal(json_string_value(json_object_get(line, "peer")),
                        "/dev/\\xff\\x0a\\x1b[2J");
    json_decref(line);
    log_open(LOG_TEXT);
    begin_capture();
    log_line(LOG_INFO, &odd, "opened", NULL, NULL);
    end_capture();
    assert_string_equal(captured, "proxy: connection 7 (/dev/\\xff\\x0a\\x1b[2J): opened\n");
}

TEST(what_there_is_not_is_left_out)
{
    json_t *line;

    log_open(LOG_JSON);
    begin_capture();
    log_line(LOG_INFO, NULL, "serving", NULL, NULL);
    end_capture();
    line = json_loads(captured, 0, NULL);
    assert_int_equal(json_object_size(line), 3);
    json_decref(line);
}

TEST(a_line_for_people_is_plain_text)
{
    log_open(LOG_TEXT);
    begin_capture();
    log_line(LOG_INFO, &source, "opened", NULL, NULL);
    log_line(LOG_ERROR, NULL, "cannot-start", NULL, "%s", "no room");
    end_capture();
    assert_string_equal(captured, "proxy: connection 7 (vsock cid 42): opened\n"
                                  "proxy: cannot-start: no room\n");
}

TEST(no_name_breaks_a_line_or_colours_it)
{
    char *name = calloc(1, 4096);

    log_open(LOG_TEXT);
    begin_capture();
    log_line(LOG_INFO, NULL, "serving", NULL, "%s", "a\nproxy: forged\033[31m\377");
    memset(name, 'x', 4095);
    log_line(LOG_INFO, NULL, "serving", NULL, "%s", name);
    end_capture();
    assert_memory_equal(captured, "proxy: serving: a?proxy: forged?[31m?\n", 38);
    assert_int_equal(captured[strlen(captured) - 1], '\n');
    free(name);
}
