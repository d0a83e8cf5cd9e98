/* SPDX-License-Identifier: MIT */
/* The command line and the configuration file, which are two ways to the same options. */
#include <fcntl.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "proxy/command_line.h"
#include "proxy/options_file.h"
#include "proxy/unix_listener.h"
#include "tests/unit/kbs/scratch.h"
#include "tests/unit/registered.h"

#define PIN "sha256//q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="

static struct options_problem problem;

/* Parses words up to NULL into fresh options. */
static enum command parse(struct options *options, const char *const words[])
{
    int count = 1;

    while (words[count])
        count++;
    optind = 0; /* starts getopt anew */
    options_init(options);
    return command_line_parse(count, (char **)words, options, &problem);
}

#define PARSE(options, ...) parse(options, (const char *const[]){"proxy", __VA_ARGS__, NULL})

TEST(several_listeners_of_each_kind_are_taken)
{
    struct options options;

    assert_int_equal(PARSE(&options, "--url", "https://kbs.example:8443/base//", "--unix", "/a",
                           "--unix", "/b", "--serial", "/dev/ttyS1", "--vsock"),
                     COMMAND_SERVE);
    assert_string_equal(options.url, "https://kbs.example:8443/base");
    assert_int_equal(options.unix_paths.count, 2);
    assert_string_equal(options.unix_paths.values[1], "/b");
    assert_string_equal(options.serial_devices.values[0], "/dev/ttyS1");
    assert_true(options.vsock);
    assert_int_equal(options.vsock_port, 1995);
    assert_true(options_check(&options, 0, &problem));
    options_free(&options);
}

TEST(the_vsock_port_may_be_given_both_ways)
{
    struct options options;

    assert_int_equal(PARSE(&options, "--vsock", "77", "--timeout", "5"), COMMAND_SERVE);
    assert_int_equal(options.vsock_port, 77);
    assert_int_equal(options.timeout_s, 5);
    options_free(&options);
    assert_int_equal(PARSE(&options, "--vsock=78"), COMMAND_SERVE);
    assert_int_equal(options.vsock_port, 78);
    options_free(&options);
}

TEST(a_file_says_the_same_as_the_command_line)
{
    struct options options;

    options_init(&options);
    assert_true(options_read_text(&options,
                                  "url = \"https://kbs.example\"; unix = [\"/a\", \"/b\"];\n"
                                  "serial = \"/dev/ttyS1\"; vsock = true; timeout = 20;\n"
                                  "connections = 5; per-peer = 2; rate = 3; log = \"json\";\n"
                                  "resource = \"one/two/three.4\"; pin = \"" PIN "\";\n",
                                  &problem));
    assert_string_equal(options.url, "https://kbs.example");
    assert_int_equal(options.unix_paths.count, 2);
    assert_int_equal(options.serial_devices.count, 1);
    assert_int_equal(options.vsock_port, 1995);
    assert_int_equal(options.timeout_s, 20);
    assert_int_equal(options.connections, 5);
    assert_int_equal(options.per_peer, 2);
    assert_int_equal(options.rate, 3);
    assert_int_equal(options.log, LOG_JSON);
    assert_string_equal(options.resource, "one/two/three.4");
    assert_string_equal(options.pin, PIN);
    options_free(&options);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    fputs(text, file);
    fclose(file);
}

TEST(what_comes_later_replaces_what_came_before)
{
    char path[PATH_MAX];
    struct options options;

    write_file(scratch_path("proxy.conf", path), "timeout = 20; rate = 7; unix = \"/a\";");
    assert_int_equal(
        PARSE(&options, "--rate", "8", "--config", path, "--timeout", "5", "--unix", "/b"),
        COMMAND_SERVE);
    assert_int_equal(options.timeout_s, 5);
    assert_int_equal(options.rate, 7);
    assert_int_equal(options.unix_paths.count, 2);
    options_free(&options);
}

TEST(a_problem_names_line_option_and_what_is_allowed)
{
    struct options options;

    options_init(&options);
    assert_false(options_read_text(&options, "\ntimeout = 0;", &problem));
    assert_string_equal(problem.text, "line 2: timeout: must be a number from 1 to 600, not 0");
    assert_false(options_read_text(&options, "colour = 1;", &problem));
    assert_string_equal(problem.text, "line 1: colour: there is no such option");
    assert_false(options_read_text(&options, "url = {};", &problem));
    assert_string_equal(problem.text, "line 1: url: must be a string or a number");
    assert_false(options_read_text(&options, "vsock = false;", &problem));
    assert_false(options_read_text(&options, "url = ", &problem));
    assert_string_equal(problem.text, "line 1: syntax error");
    options_free(&options);
    assert_int_equal(PARSE(&options, "--config", "/nonexistent"), COMMAND_WRONG_CONFIG);
    assert_string_equal(problem.text, "/nonexistent: No such file or directory");
    options_free(&options);
}

TEST(values_out_of_range_are_refused)
{
    static const char *const bad[][2] = {
        {"url", "kbs.example"},
        {"url", "ftp://kbs.example"},
        {"url", "https://"},
        {"url", "https://name:word@kbs.example"},
        {"url", "https://kbs.example/?a=b"},
        {"url", "https://kbs.example/#a"},
        {"timeout", "601"},
        {"timeout", "-1"},
        {"timeout", "5s"},
        {"timeout", ""},
        {"timeout", "99999999999999999999"},
        {"vsock", "0"},
        {"vsock", "4294967295"}, /* VMADDR_PORT_ANY */
        {"connections", "0"},
        {"connections", "4097"},
        {"per-peer", "0"},
        {"rate", "0"},
        {"unix", ""},
        {"pin", "sha256//AAAA"},
        {"pin", "md5//AAAA"},
        {"pin", PIN ";"},
        {"resource", "one/two"},
        {"resource", "one/two/three/four"},
        {"resource", "one/../three"},
        {"resource", "one//three"},
        {"resource", "one/two/three?"},
        {"socket-group", "no such group"},
        {"log", "xml"},
    };
    struct options options;

    options_init(&options);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (options_set(&options, bad[i][0], bad[i][1], &problem))
            fail_msg("took %s = \"%s\"", bad[i][0], bad[i][1]);
    assert_true(options_set(&options, "pin", PIN ";" PIN, &problem));
    options_free(&options);
}

TEST(too_many_listeners_are_refused)
{
    struct options options;

    options_init(&options);
    for (int i = 0; i < OPTIONS_LISTENERS_MAX; i++)
        assert_true(options_set(&options, "unix", "/a", &problem));
    assert_false(options_set(&options, "unix", "/a", &problem));
    options_free(&options);
}

/* Parses, and checks as a whole. */
static bool checks(const char *const words[])
{
    struct options options;
    bool good;

    assert_int_equal(parse(&options, words), COMMAND_SERVE);
    good = options_check(&options, 0, &problem);
    options_free(&options);
    return good;
}

#define CHECKS(...) checks((const char *const[]){"proxy", __VA_ARGS__, NULL})

TEST(options_must_go_together)
{
    char empty[PATH_MAX];

    write_file(scratch_path("empty", empty), "no certificate");
    assert_false(CHECKS("--unix", "/a"));
    assert_false(CHECKS("--url", "https://a"));
    assert_true(CHECKS("--url", "https://a", "--unix", "/a"));
    assert_true(CHECKS("--url", "https://a", "--unix", "/a", "--pin", PIN));
    assert_false(CHECKS("--url", "http://a", "--unix", "/a", "--pin", PIN));
    assert_false(CHECKS("--url", "https://a", "--unix", "/a", "--ca", "/nonexistent"));
    assert_false(CHECKS("--url", "https://a", "--unix", "/a", "--ca", empty));
}

TEST(what_is_asked_for_is_told_apart)
{
    struct options options;

    assert_int_equal(PARSE(&options, "--check-config", "--rate", "5"), COMMAND_CHECK);
    options_free(&options);
    assert_int_equal(PARSE(&options, "--help", "--rate", "5"), COMMAND_HELP);
    options_free(&options);
    assert_int_equal(PARSE(&options, "surplus"), COMMAND_WRONG_USAGE);
    assert_string_equal(problem.text, "surplus is no option");
    options_free(&options);
    assert_int_equal(PARSE(&options, "--rate", "x"), COMMAND_WRONG_USAGE);
    options_free(&options);
}

TEST_GROUP(scratch_make, scratch_remove)
