/* SPDX-License-Identifier: MIT */
/* kbsctl token */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kbs/cli/answers.h"
#include "kbs/cli/api_client.h"
#include "kbs/cli/input.h"

/* "90d" in seconds; 0 if it is not of that form. */
static json_int_t parse_time(const char *text)
{
    static const struct {
        char letter;
        json_int_t seconds;
    } units[] = {{'h', 3600}, {'d', 86400}, {'w', 7 * 86400}, {'y', 365 * 86400}};
    char *end;
    long number;

    errno = 0;
    number = strtol(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || errno != 0 || number > 100000)
        return 0;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (end[0] == units[i].letter && end[1] == '\0')
            return number * units[i].seconds;
    return 0;
}

static int make_body(const struct cli *cli, json_t **body)
{
    json_int_t lifetime;

    if (!cli_has(cli, OPTION_ROLE))
        return cli_fail(EXIT_USAGE, "give --role owner or --role auditor");
    *body = json_pack("{s:s, s:s}", "name", cli->operands[0], "role", cli->options[OPTION_ROLE]);
    if (!cli_has(cli, OPTION_EXPIRES))
        return EXIT_DONE;
    lifetime = parse_time(cli->options[OPTION_EXPIRES]);
    json_object_set_new(*body, "lifetime", json_integer(lifetime));
    if (lifetime > 0)
        return EXIT_DONE;
    json_decref(*body);
    return cli_fail(EXIT_USAGE, "--expires %s: must be a number of h, d, w or y, as 90d",
                    cli->options[OPTION_EXPIRES]);
}

static void print_token(const struct cli *cli, const json_t *reply, const char *token)
{
    if (cli_has(cli, OPTION_JSON))
        answer_json(reply);
    else
        puts(token);
}

/* Makes the token and hands it out: to fd, or when that is negative to the terminal. */
static int create(struct cli *cli, json_t *body, int fd)
{
    json_t *reply = NULL;
    int status = api_request(cli->api, "POST", "tokens", NULL, "", body, &reply);
    const char *token = json_string_value(json_object_get(reply, "token"));
    int written = EXIT_DONE;

    if (status == EXIT_DONE && !token)
        status = cli_fail(EXIT_UNREACHABLE, "the KBS made no token");
    if (fd >= 0)
        written = output_end(cli->options[OPTION_OUT], fd, token);
    else if (status == EXIT_DONE)
        print_token(cli, reply, token);
    json_decref(reply);
    return status == EXIT_DONE ? written : status;
}

int run_token_create(struct cli *cli)
{
    json_t *body = NULL;
    int fd = -1;
    int status = make_body(cli, &body);

    if (status == EXIT_DONE && cli_has(cli, OPTION_OUT)) {
        status = output_begin(cli->options[OPTION_OUT], &fd);
        if (status != EXIT_DONE)
            json_decref(body);
    }
    return status == EXIT_DONE ? create(cli, body, fd) : status;
}

int run_token_list(struct cli *cli)
{
    static const struct column columns[] = {
        {"NAME", "name", NULL, false},       {"ROLE", "role", NULL, false},
        {"CREATED", "created", NULL, false}, {"EXPIRES", "expires", "never", false},
        {"REVOKED", "revoked", "no", false}, {0}};

    return answer_list(cli, "tokens", "tokens", columns, "there are no tokens");
}

int run_token_revoke(struct cli *cli)
{
    return answer_change(cli, "POST", "tokens/", cli->operands[0], "/revoke", json_object(),
                         "token revoked");
}
