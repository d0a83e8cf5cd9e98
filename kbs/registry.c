/* SPDX-License-Identifier: MIT */
/* The commands register, list and flush. */
#include "kbs/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#define SECRET_DIGITS (2 * STATE_KEY_SIZE)

struct register_options {
    const char *db, *measurement, *secret_file;
    bool replace;
};

MUST_CHECK static bool parse_register_options(int argc, char **argv,
                                              struct register_options *options)
{
    static const struct option known[] = {
        {"db", required_argument, NULL, 'd'},
        {"measurement", required_argument, NULL, 'm'},
        {"secret-file", required_argument, NULL, 's'},
        {"replace", no_argument, NULL, 'r'},
        {0},
    };
    int option;

    *options = (struct register_options){0};
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case 'd':
            options->db = optarg;
            break;
        case 'm':
            options->measurement = optarg;
            break;
        case 's':
            options->secret_file = optarg;
            break;
        case 'r':
            options->replace = true;
            break;
        default:
            return false;
        }
    }
    return options->db && options->measurement && options->secret_file && optind == argc;
}

/* Exactly size bytes in hexadecimal; says nothing of what it read. */
MUST_CHECK static bool parse_hex(const char *text, size_t length, uint8_t *out, size_t size)
{
    char digits[SECRET_DIGITS + 1];
    size_t got = 0;
    bool valid = length == 2 * size && length < sizeof(digits);

    if (valid) {
        memcpy(digits, text, length);
        digits[length] = '\0';
        valid = OPENSSL_hexstr2buf_ex(out, size, &got, digits, '\0') == 1 && got == size;
        OPENSSL_cleanse(digits, sizeof(digits));
    }
    return valid;
}

/* Reads to the end, or until room is used up; the size, or -1 with errno set. */
static ssize_t read_all(const char *path, char *text, size_t room)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    size_t used = 0;
    ssize_t got;

    if (fd < 0)
        return -1;
    do {
        got = read(fd, text + used, room - used);
        if (got > 0)
            used += (size_t)got;
    } while (got > 0 && used < room);
    if (!is_stdin)
        close(fd);
    return got < 0 ? -1 : (ssize_t)used;
}

/* Returns an exit status, having said why if it is not EXIT_DONE. */
static int read_secret(const char *path, uint8_t secret[STATE_KEY_SIZE])
{
    char text[SECRET_DIGITS + 2]; /* a line end, and one more to notice what is too long */
    ssize_t size = read_all(path, text, sizeof(text));
    int status = EXIT_DONE;

    if (size < 0) {
        status = fail_with(EXIT_FILE, "secret file %s: %s", path, strerror(errno));
    } else {
        if (size > 0 && text[size - 1] == '\n')
            size--;
        if (!parse_hex(text, (size_t)size, secret, STATE_KEY_SIZE))
            status = fail_with(EXIT_INPUT,
                               "secret file %s: must hold %d hexadecimal digits and nothing else",
                               path, SECRET_DIGITS);
    }
    OPENSSL_cleanse(text, sizeof(text));
    return status;
}

static int store_registration(const struct register_options *options,
                              const uint8_t measurement[LAUNCH_DIGEST_SIZE],
                              const uint8_t secret[STATE_KEY_SIZE])
{
    struct store *store;
    enum store_status status;
    int result = EXIT_FILE;

    if (!open_store_or_say(options->db, true, &store))
        goto out;
    status = store_register(store, measurement, secret, options->replace, time(NULL));
    if (status == STORE_OK)
        result = EXIT_DONE;
    else if (status == STORE_EXISTS)
        result = fail_with(EXIT_INPUT,
                           "measurement %s is registered already; nothing was changed. "
                           "Use --replace to register another secret for it",
                           options->measurement);
    else
        fail_with(EXIT_FILE, "database %s: %s", options->db, store_reason(store, status));
out:
    store_close(store);
    return result;
}

int command_register(int argc, char **argv)
{
    struct register_options options;
    uint8_t measurement[LAUNCH_DIGEST_SIZE], secret[STATE_KEY_SIZE];
    int status;

    if (!parse_register_options(argc, argv, &options))
        return fail_with(EXIT_USAGE,
                         "register needs --db, --measurement and --secret-file; see kbs --help");
    if (!parse_hex(options.measurement, strlen(options.measurement), measurement,
                   sizeof(measurement)))
        return fail_with(EXIT_INPUT, "--measurement %s: must be %d hexadecimal digits",
                         options.measurement, 2 * LAUNCH_DIGEST_SIZE);
    status = read_secret(options.secret_file, secret);
    if (status == EXIT_DONE)
        status = store_registration(&options, measurement, secret);
    OPENSSL_cleanse(secret, sizeof(secret));
    return status;
}

/* The argument of --db, the only option; NULL when it is missing or there is anything else. */
static const char *parse_db_option(int argc, char **argv)
{
    static const struct option known[] = {{"db", required_argument, NULL, 'd'}, {0}};
    const char *db = NULL;
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option != 'd')
            return NULL;
        db = optarg;
    }
    return optind == argc ? db : NULL;
}

static void print_registration(const uint8_t measurement[LAUNCH_DIGEST_SIZE], time_t registered)
{
    char when[sizeof("2026-01-01T00:00:00Z")];
    struct tm utc;

    gmtime_r(&registered, &utc);
    strftime(when, sizeof(when), "%FT%TZ", &utc);
    for (size_t i = 0; i < LAUNCH_DIGEST_SIZE; i++)
        printf("%02x", measurement[i]);
    printf(" %s\n", when);
}

static enum store_status list(struct store *store)
{
    return store_each(store, print_registration);
}

static enum store_status flush(struct store *store)
{
    unsigned count;
    enum store_status status = store_flush(store, &count);

    if (status == STORE_OK)
        printf("%u registrations removed\n", count);
    return status;
}

/* Runs a command that needs nothing but an existing database. */
static int run_on_database(int argc, char **argv, enum store_status (*run)(struct store *))
{
    const char *db = parse_db_option(argc, argv);
    struct store *store;
    enum store_status status;
    int result = EXIT_FILE;

    if (!db)
        return fail_with(EXIT_USAGE, "%s needs --db and nothing else; see kbs --help", argv[0]);
    if (!open_store_or_say(db, false, &store))
        goto out;
    status = run(store);
    if (status == STORE_OK)
        result = EXIT_DONE;
    else
        fail_with(EXIT_FILE, "database %s: %s", db, store_reason(store, status));
out:
    store_close(store);
    return result;
}

int command_list(int argc, char **argv)
{
    return run_on_database(argc, argv, list);
}

int command_flush(int argc, char **argv)
{
    return run_on_database(argc, argv, flush);
}
