/* SPDX-License-Identifier: MIT */
/* kbsctl policy */
#include <stdio.h>

#include <openssl/crypto.h>

#include "kbs/cli/answers.h"
#include "kbs/cli/api_client.h"
#include "kbs/cli/input.h"

#define TEXT_MAX 65536 /* bytes */

static int read_text(const struct cli *cli, json_t **body)
{
    struct file_bytes file;
    int status;

    if (!cli_has(cli, OPTION_FILE))
        return complain(EXIT_USAGE, "give --file FILE with the policy");
    status = input_read(cli->options[OPTION_FILE], FILE_PUBLIC, TEXT_MAX, &file);
    if (status != EXIT_DONE)
        return status;
    *body = json_pack("{s:s%}", "text", (const char *)file.bytes, file.size);
    file_wipe(&file);
    return *body ? EXIT_DONE
                 : complain(EXIT_REFUSED, "%s: is no text in UTF-8", cli->options[OPTION_FILE]);
}

static void warn_of_unknown_images(const json_t *reply)
{
    const json_t *images = json_object_get(reply, "unknown_images");

    for (size_t i = 0; i < json_array_size(images); i++) {
        fputs("kbsctl: warning: no image ", stderr);
        table_print_text(stderr, json_string_value(json_array_get(images, i)));
        fputs(" is registered, which the policy names\n", stderr);
    }
}

int run_policy_add(struct cli *cli)
{
    json_t *body = NULL, *reply;
    int status = read_text(cli, &body);

    if (status != EXIT_DONE)
        return status;
    json_object_set_new(body, "replace", json_boolean(cli_has(cli, OPTION_REPLACE)));
    status = api_request(cli->api, "PUT", "policies/", cli->operands[0], "", body, &reply);
    if (status != EXIT_DONE)
        return status;
    warn_of_unknown_images(reply);
    if (cli_has(cli, OPTION_JSON))
        answer_json(reply);
    else
        printf("policy %s stored\n", cli->operands[0]);
    json_decref(reply);
    return EXIT_DONE;
}

int run_policy_check(struct cli *cli)
{
    json_t *body = NULL, *reply;
    const char *problem;
    int status = read_text(cli, &body);

    if (status == EXIT_DONE)
        status = api_request(cli->api, "POST", "policies/validate", NULL, "", body, &reply);
    if (status != EXIT_DONE)
        return status;
    warn_of_unknown_images(reply);
    problem = json_string_value(json_object_get(reply, "problem"));
    if (cli_has(cli, OPTION_JSON)) {
        answer_json(reply);
    } else if (problem) {
        fprintf(stderr, "kbsctl: %s: ", cli->options[OPTION_FILE]);
        table_print_text(stderr, problem);
        fputc('\n', stderr);
    } else {
        puts("the policy is valid");
    }
    if (!json_is_true(json_object_get(reply, "valid")))
        status = EXIT_REFUSED;
    json_decref(reply);
    return status;
}

int run_policy_list(struct cli *cli)
{
    static const struct column columns[] = {
        {"NAME", "name", NULL, false}, {"UPDATED", "updated", NULL, false}, {0}};

    return answer_list(cli, "policies", "policies", columns, "there are no policies");
}

static int print_policy(struct cli *cli, const char *head, const char *name)
{
    json_t *reply;
    const char *text;
    int status = api_request(cli->api, "GET", head, name, "", NULL, &reply);

    if (status != EXIT_DONE)
        return status;
    text = json_string_value(json_object_get(reply, "text"));
    if (cli_has(cli, OPTION_JSON))
        answer_json(reply);
    else
        fputs(text ? text : "", stdout);
    json_decref(reply);
    return EXIT_DONE;
}

int run_policy_show(struct cli *cli)
{
    return print_policy(cli, "policies/", cli->operands[0]);
}

int run_policy_default(struct cli *cli)
{
    return print_policy(cli, "default-policy", NULL);
}

int run_policy_remove(struct cli *cli)
{
    return answer_change(cli, "DELETE", "policies/", cli->operands[0], "", json_object(),
                         "policy removed");
}
