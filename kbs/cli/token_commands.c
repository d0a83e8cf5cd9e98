/* SPDX-License-Identifier: MIT */
/* kbsctl token */
#include <stdio.h>

#include "kbs/cli/answers.h"
#include "kbs/cli/api_client.h"
#include "kbs/cli/duration.h"
#include "kbs/cli/input.h"

static int make_body(const struct cli *cli, json_t **body)
{
    int64_t lifetime = 0;

    if (!cli_has(cli, OPTION_ROLE))
        return complain(EXIT_USAGE, "give --role owner or --role auditor");
    *body = json_pack("{s:s, s:s}", "name", cli->operands[0], "role", cli->options[OPTION_ROLE]);
    if (!cli_has(cli, OPTION_EXPIRES))
        return EXIT_DONE;
    if (duration_parse(cli->options[OPTION_EXPIRES], &lifetime) && lifetime > 0) {
        json_object_set_new(*body, "lifetime", json_integer(lifetime));
        return EXIT_DONE;
    }
    json_decref(*body);
    return complain(EXIT_USAGE, "--expires %s: must be a number of h, d, w or y, as 90d",
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
        status = complain(EXIT_UNREACHABLE, "the KBS made no token");
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
