/* SPDX-License-Identifier: MIT */
/* kbsctl audit tail, show */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kbs/cli/answers.h"
#include "kbs/cli/api_client.h"

#define LINES_DEFAULT 20
#define LINES_MAX     1000 /* in one answer */
#define FOLLOW_S      15   /* that an answer may take to come */
#define QUERY_MAX     96

static enum colour colour_of_result(const char *result)
{
    if (!result)
        return COLOUR_NONE;
    if (strcmp(result, "refused") == 0 || strcmp(result, "denied") == 0 ||
        strcmp(result, "failed") == 0)
        return COLOUR_BAD;
    return COLOUR_GOOD;
}

static void print_member(const char *name, const json_t *value)
{
    char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);

    printf(" %s%s=%s", table_colour(COLOUR_DIM), name, table_colour_end());
    table_print_text(stdout, text ? text : json_string_value(value));
    free(text);
}

/* Whether a member has its own place in front of the others. */
static bool is_leading(const char *name)
{
    static const char *const leading[] = {"seq", "time", "event", "result"};

    for (size_t i = 0; i < sizeof(leading) / sizeof(leading[0]); i++)
        if (strcmp(name, leading[i]) == 0)
            return true;
    return false;
}

static void print_string(const json_t *members, const char *name)
{
    const char *text = json_string_value(json_object_get(members, name));

    table_print_text(stdout, text ? text : "-");
}

static void print_line(const char *line)
{
    json_t *members = json_loads(line, 0, NULL);

    if (!json_is_object(members)) {
        table_print_text(stdout, line);
        putchar('\n');
        json_decref(members);
        return;
    }
    printf("%s%" JSON_INTEGER_FORMAT " ", table_colour(COLOUR_DIM),
           json_integer_value(json_object_get(members, "seq")));
    print_string(members, "time");
    printf("%s ", table_colour_end());
    print_string(members, "event");
    printf(" %s",
           table_colour(colour_of_result(json_string_value(json_object_get(members, "result")))));
    print_string(members, "result");
    fputs(table_colour_end(), stdout);
    for (void *i = json_object_iter(members); i; i = json_object_iter_next(members, i))
        if (!is_leading(json_object_iter_key(i)))
            print_member(json_object_iter_key(i), json_object_iter_value(i));
    putchar('\n');
    json_decref(members);
}

static void print_entry(const struct cli *cli, const json_t *entry)
{
    const char *line = json_string_value(json_object_get(entry, "line"));

    if (cli_has(cli, OPTION_JSON))
        puts(line ? line : "null");
    else
        print_line(line ? line : "");
}

/* Prints the entries of an answer; *next is the number of the line behind them. */
static void print_entries(const struct cli *cli, const json_t *reply, json_int_t *next)
{
    const json_t *entries = json_object_get(reply, "entries");

    for (size_t i = 0; i < json_array_size(entries); i++) {
        const json_t *entry = json_array_get(entries, i);

        print_entry(cli, entry);
        *next = json_integer_value(json_object_get(entry, "seq")) + 1;
    }
    fflush(stdout);
}

static int follow(struct cli *cli, json_int_t next)
{
    char query[QUERY_MAX];
    json_t *reply;
    int status = EXIT_DONE;

    while (status == EXIT_DONE && !ferror(stdout)) {
        snprintf(query, sizeof(query), "audit?from=%" JSON_INTEGER_FORMAT "&limit=%d&follow=%d",
                 next, LINES_MAX, FOLLOW_S);
        status = api_request(cli->api, "GET", query, NULL, "", NULL, &reply);
        if (status == EXIT_DONE) {
            print_entries(cli, reply, &next);
            json_decref(reply);
        }
    }
    return status;
}

int run_audit_tail(struct cli *cli)
{
    const char *text = cli->options[OPTION_LINES];
    long lines = text ? strtol(text, NULL, 10) : LINES_DEFAULT;
    char query[QUERY_MAX];
    json_int_t next = 1;
    json_t *reply;
    int status;

    if (text && (strspn(text, "0123456789") != strlen(text) || lines < 1 || lines > LINES_MAX))
        return complain(EXIT_USAGE, "-n %s: must be a number from 1 to %d", text, LINES_MAX);
    snprintf(query, sizeof(query), "audit?limit=%ld", lines);
    status = api_request(cli->api, "GET", query, NULL, "", NULL, &reply);
    if (status != EXIT_DONE)
        return status;
    print_entries(cli, reply, &next);
    json_decref(reply);
    return cli_has(cli, OPTION_FOLLOW) ? follow(cli, next) : EXIT_DONE;
}

int run_audit_show(struct cli *cli)
{
    json_t *reply;
    int status = api_request(cli->api, "GET", "audit/", cli->operands[0], "", NULL, &reply);

    if (status != EXIT_DONE)
        return status;
    if (cli_has(cli, OPTION_JSON))
        answer_json(reply);
    else
        print_entry(cli, reply);
    json_decref(reply);
    return EXIT_DONE;
}
