/* SPDX-License-Identifier: MIT */
#include "kbs/cli/answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "kbs/cli/api_client.h"
#include "lib/jose/base64.h"

void answer_json(const json_t *reply)
{
    json_dumpf(reply, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
    putchar('\n');
}

int answer_list(struct cli *cli, const char *head, const char *member, const struct column *columns,
                const char *none)
{
    json_t *reply;
    int status = api_request(cli->api, "GET", head, NULL, "", NULL, &reply);

    if (status != EXIT_DONE)
        return status;
    if (cli_has(cli, OPTION_JSON))
        answer_json(json_object_get(reply, member));
    else
        table_print(json_object_get(reply, member), columns, none);
    json_decref(reply);
    return EXIT_DONE;
}

/* Asks. With --json the answer is printed, and *reply is NULL; otherwise it is for the caller to
 * print, and to release. */
static int ask(struct cli *cli, const char *method, const char *head, const char *name,
               const char *tail, json_t *body, json_t **reply)
{
    int status = api_request(cli->api, method, head, name, tail, body, reply);

    if (status != EXIT_DONE) {
        *reply = NULL;
    } else if (cli_has(cli, OPTION_JSON)) {
        answer_json(*reply);
        json_decref(*reply);
        *reply = NULL;
    }
    return status;
}

int answer_object(struct cli *cli, const char *head, const char *name, const struct column *columns)
{
    json_t *reply;
    int status = ask(cli, "GET", head, name, "", NULL, &reply);

    if (reply)
        table_print_object(reply, columns);
    json_decref(reply);
    return status;
}

int answer_change(struct cli *cli, const char *method, const char *head, const char *name,
                  const char *tail, json_t *body, const char *done)
{
    json_t *reply;
    int status = ask(cli, method, head, name, tail, body, &reply);

    if (reply)
        puts(done);
    json_decref(reply);
    return status;
}

/* Prints a text and, unless it ends with one, a newline. */
static int print_text(const json_t *reply, const char *member)
{
    const char *text = json_string_value(json_object_get(reply, member));

    if (!text)
        return complain(EXIT_UNREACHABLE, "the KBS's answer has no %s", member);
    fputs(text, stdout);
    if (text[0] != '\0' && text[strlen(text) - 1] != '\n')
        putchar('\n');
    return EXIT_DONE;
}

int answer_text(struct cli *cli, const char *method, const char *head, const char *name,
                const char *tail, json_t *body, const char *member)
{
    json_t *reply;
    int status = ask(cli, method, head, name, tail, body, &reply);

    if (reply)
        status = print_text(reply, member);
    json_decref(reply);
    return status;
}

json_t *answer_base64(const void *bytes, size_t size)
{
    char *text = malloc(BASE64_LENGTH(size) + 1);
    json_t *json = NULL;

    if (text) {
        size_t length = base64_encode(BASE64_STANDARD, bytes, size, text);

        json = json_stringn(text, length);
        OPENSSL_clear_free(text, length);
    }
    return json;
}

int answer_id(struct cli *cli, const char *head, json_t *body)
{
    json_t *reply;
    int status = api_request(cli->api, "POST", head, NULL, "", body, &reply);

    if (status != EXIT_DONE)
        return status;
    if (cli_has(cli, OPTION_JSON)) {
        answer_json(reply);
    } else {
        table_print_text(stdout, json_string_value(json_object_get(reply, "id")));
        putchar('\n');
    }
    json_decref(reply);
    return EXIT_DONE;
}
