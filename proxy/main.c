/* SPDX-License-Identifier: MIT */
/*
 * snp-vtpm-proxy: carries attestation messages between the VMs of this host and the KBS. It is not
 * trusted by either, and learns no secret.
 */
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include <curl/curl.h>

#include "proxy/command_line.h"
#include "proxy/service.h"
#include "proxy/systemd.h"

enum exit_status {
    EXIT_DONE = 0,
    EXIT_USAGE = 2,
    EXIT_FAILED = 3,
    EXIT_CONFIG = 4,
};

/* Threads come and go by the hundred: few arenas, so that what one has freed serves the next. */
#define ARENAS 2

static int explain(int status, const struct options_problem *problem)
{
    if (problem->text[0])
        fprintf(stderr, "proxy: %s\n", problem->text);
    if (status == EXIT_USAGE)
        fputs("snp-vtpm-proxy --help shows how it is used.\n", stderr);
    return status;
}

static void warn_of_plain_http(const struct options *options)
{
    static const char *const local[] = {"http://127.", "http://localhost", "http://[::1]"};

    if (strncmp(options->url, "https://", 8) == 0)
        return;
    for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
        if (strncmp(options->url, local[i], strlen(local[i])) == 0)
            return;
    log_line(LOG_WARNING, NULL, "plain-http", NULL,
             "%s: whoever is on the way can read and break what is said; use https", options->url);
}

static int serve(const struct options *options, unsigned inherited)
{
    mallopt(M_ARENA_MAX, ARENAS);
    warn_of_plain_http(options);
    return service_run(options, inherited);
}

static int run(int argc, char **argv, struct options *options)
{
    unsigned inherited = systemd_listen_fds();
    struct options_problem problem;
    enum command command = command_line_parse(argc, argv, options, &problem);

    switch (command) {
    case COMMAND_HELP:
        fputs(command_line_usage, stdout);
        return EXIT_DONE;
    case COMMAND_WRONG_USAGE:
        return explain(EXIT_USAGE, &problem);
    case COMMAND_WRONG_CONFIG:
        return explain(EXIT_CONFIG, &problem);
    case COMMAND_CHECK:
    case COMMAND_SERVE:
        break;
    }
    if (command == COMMAND_CHECK)
        inherited = OPTIONS_LISTENERS_MAX; /* what systemd will pass is not known here */
    if (!options_check(options, inherited, &problem))
        return explain(EXIT_USAGE, &problem);
    log_open(options->log);
    return command == COMMAND_CHECK ? EXIT_DONE : serve(options, inherited);
}

int main(int argc, char **argv)
{
    struct options options;
    int status;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        fputs("proxy: cannot start: out of resources\n", stderr);
        return EXIT_FAILED;
    }
    options_init(&options);
    status = run(argc, argv, &options);
    options_free(&options);
    curl_global_cleanup();
    return status;
}
