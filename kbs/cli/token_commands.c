/* SPDX-License-Identifier: MIT */
/* kbsctl token */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kbs/cli/answers.h"
#include "kbs/cli/api_client.h"
#include "kbs/cli/input.h"

/* "90d" in seconds; 0 for what is no such time. */
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

static int hand_out(const struct cli *cli, const json_t *reply)
{
    const char *token = json_string_value(json_object_get(reply, "token"));

    if (!token)
        return cli_fail(EXIT_UNREACHABLE, "the KBS made no token");
    if (cli_has(cli, OPTION_OUT))
        return output_write_secret(cli->options[OPTION_OUT], token);
    if (cli_has(cli, OPTION_JSON))
        answer_json(reply);
    else
        puts(token);
    return EXIT_DONE;
}

int run_token_create(struct cli *cli)
{
    json_t *body = NULL, *reply;
    int status = make_body(cli, &body);

    if (status == EXIT_DONE)
        status = api_request(cli->api, "POST", "tokens", NULL, "", body, &reply);
    if (status != EXIT_DONE)
        return status;
    status = hand_out(cli, reply);
    json_decref(reply);
    return status;
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
