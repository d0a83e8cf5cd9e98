/* SPDX-License-Identifier: MIT */
/* Lines on stderr, of texts that anybody may have chosen. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kbs/log.h"
#include "tests/unit/registered.h"

static void write_event(const char *text)
{
    log_event("test", LOG_MEMBERS({"file", text}, {"none", NULL}));
}

/* What write writes of that text, until the next call. */
static const char *line_of(void (*write)(const char *text), enum log_format format,
                           const char *text)
{
    static char line[4096];
    int kept = dup(STDERR_FILENO), ends[2];
    ssize_t size;

    assert_int_equal(pipe(ends), 0);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    log_use_format(format);
    write(text);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    close(ends[1]);
    size = read(ends[0], line, sizeof(line) - 1);
    assert_true(size > 0);
    line[size] = '\0';
    close(ends[0]);
    close(kept);
    return line;
}

static const char *line_about(enum log_format format, const char *text)
{
    return line_of(write_event, format, text);
}

/* Fails the test unless it is one line, behind its time, of such an end. */
static void assert_ends(const char *line, const char *end)
{
    size_t length = strlen(line), end_length = strlen(end);

    if (length < end_length || strcmp(line + length - end_length, end) != 0 ||
        strchr(line, '\n') != line + length - 1)
        fail_msg("expected %s, found %s", end, line);
}

TEST(no_byte_keeps_a_line_of_json_from_being_written)
{
    assert_ends(line_about(LOG_JSON, "/tls/server.pem"),
                "\"event\":\"test\",\"file\":\"/tls/server.pem\"}\n");
    assert_ends(line_about(LOG_JSON, "\xff\n\x1b[2J"),
                "\"event\":\"test\",\"file\":\"\\\\xff\\\\x0a\\\\x1b[2J\"}\n");
    assert_ends(line_about(LOG_JSON, ""), "\"event\":\"test\",\"file\":\"\"}\n");
}

TEST(no_byte_breaks_or_colours_a_line_of_text)
{
    assert_ends(line_about(LOG_TEXT, "/tls/server.pem"), "Z test file=/tls/server.pem\n");
    assert_ends(line_about(LOG_TEXT, "two words"), "Z test file=\"two words\"\n");
    assert_ends(line_about(LOG_TEXT, "\x1b[2J\xff"), "Z test file=\"\\\\x1b[2J\\\\xff\"\n");
    assert_ends(line_about(LOG_TEXT, ""), "Z test file=\"\"\n");
}

/* A line of the audit log may be of an older version. */
TEST(a_stored_line_does_not_colour_a_line_of_text)
{
    assert_string_equal(line_of(log_line, LOG_TEXT,
                                "{\"seq\":1,\"time\":\"T\",\"event\":\"attest\","
                                "\"detail\":\"\\u001b[31mred\"}"),
                        "T attest seq=1 detail=\"\\u001B[31mred\"\n");
}

TEST(a_long_text_is_cut)
{
    char text[2000];
    const char *line;

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    line = line_about(LOG_JSON, text);
    assert_true(strlen(line) < LOG_TEXT_MAX + 100);
    assert_ends(line, "x...(1399 bytes more)\"}\n");
}
