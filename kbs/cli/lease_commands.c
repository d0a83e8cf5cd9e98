/* SPDX-License-Identifier: MIT */
/* kbsctl volume, as far as leases go */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kbs/cli/answers.h"
#include "kbs/cli/api_client.h"
#include "kbs/cli/override.h"

static const struct column volume_members[] = {
    {"name", "name", NULL, false},       {"id", "id", NULL, false},
    {"image", "image", NULL, false},     {"policy", "policy", NULL, false},
    {"release", "release", NULL, false}, {"key version", "key_version", NULL, false},
    {"created", "created", NULL, false}, {"last released", "last_released", "never", false},
    {"retired", "retired", "no", false}, {0}};
static const struct column lease_members[] = {{"mode", "mode", NULL, false},
                                              {"it loses", "loses", NULL, false},
                                              {"same epoch", "same_epoch", NULL, false},
                                              {"lease time", "lease_time", "forever", false},
                                              {"confirm time", "confirm_time", "forever", false},
                                              {"unopened", "unopened", NULL, false},
                                              {"manufacture", "manufacture", NULL, false},
                                              {"adopt", "adopt", NULL, false},
                                              {"frozen", "frozen", NULL, false},
                                              {"lease", "phase", NULL, false},
                                              {"its VM", "holder", NULL, false},
                                              {"since", "since", NULL, false},
                                              {"until", "until", NULL, false},
                                              {"epoch", "epoch", NULL, false},
                                              {"generation", "generation", NULL, false},
                                              {"committed state", "committed", "none", false},
                                              {"next key", "next_key_version", "none", false},
                                              {"older key", "last_key_version", "none", false},
                                              {"EK digest", "ek_digest", "none", false},
                                              {0}};
static const struct column complaint_members[] = {{"complaint", "time", NULL, false},
                                                  {"of the disk with", "state", NULL, false},
                                                  {"from VM", "report_id", NULL, false},
                                                  {0}};

static void print_lease(const json_t *lease)
{
    const json_t *complaint = json_object_get(lease, "complaint");

    table_print_object(lease, lease_members);
    if (json_is_object(complaint)) {
        putchar('\n');
        table_print_object(complaint, complaint_members);
    }
}

/* Shows all of a volume, or its lease alone. */
static int show(struct cli *cli, const char *name, bool all)
{
    json_t *reply, *lease;
    int status = api_request(cli->api, "GET", "volumes/", name, "", NULL, &reply);

    if (status != EXIT_DONE)
        return status;
    lease = json_object_get(reply, "lease");
    if (cli_has(cli, OPTION_JSON)) {
        answer_json(all ? reply : lease);
    } else {
        if (all) {
            table_print_object(reply, volume_members);
            putchar('\n');
        }
        print_lease(lease);
    }
    json_decref(reply);
    return EXIT_DONE;
}

int run_volume_show(struct cli *cli)
{
    return show(cli, cli->operands[0], true);
}

int answer_override(struct cli *cli, const char *name, const char *tail, json_t *body,
                    const char *done)
{
    const char *gives_up;
    json_t *reply;
    int status = api_request(cli->api, "POST", "volumes/", name, tail, body, &reply);

    if (status != EXIT_DONE)
        return status;
    gives_up = json_string_value(json_object_get(reply, "gives_up"));
    if (cli_has(cli, OPTION_JSON)) {
        answer_json(reply);
    } else {
        puts(done);
        if (gives_up) {
            table_print_text(stdout, gives_up);
            putchar('\n');
        }
    }
    json_decref(reply);
    return EXIT_DONE;
}

int run_volume_lease(struct cli *cli)
{
    if (strcmp(cli->operands[0], "show") == 0)
        return show(cli, cli->operands[1], false);
    if (strcmp(cli->operands[0], "break") == 0)
        return answer_override(cli, cli->operands[1], "/lease/break", json_object(),
                               "the lease is broken");
    return complain(EXIT_USAGE, "usage: kbsctl volume lease show|break NAME");
}

int run_volume_accept_disk(struct cli *cli)
{
    return answer_override(cli, cli->operands[0], "/accept-disk",
                           json_pack("{s:s}", "state", cli->operands[1]),
                           "the disk's state is the committed one");
}

int run_volume_freeze(struct cli *cli)
{
    return answer_override(cli, cli->operands[0], "/freeze", json_object(), "the volume is frozen");
}

int run_volume_thaw(struct cli *cli)
{
    return answer_override(cli, cli->operands[0], "/thaw", json_object(),
                           "the volume is not frozen any more");
}

/* The policy */

/* A word of an option, and what it means. */
struct word {
    const char *word;
    bool first, second;
};

static const struct word yes_no[] = {{"yes", true, false}, {"no", false, false}, {0}};
static const struct word firsts[] = {{"manufacture", true, false},
                                     {"adopt", false, true},
                                     {"either", true, true},
                                     {"neither", false, false},
                                     {0}};

/* The word that the option has; NULL for another one. */
static const struct word *word_of(const struct cli *cli, enum cli_option option,
                                  const struct word *words)
{
    for (; words->word; words++)
        if (strcmp(cli->options[option], words->word) == 0)
            return words;
    return NULL;
}

static int add_same_epoch(const struct cli *cli, json_t *body)
{
    const struct word *word;

    if (!cli_has(cli, OPTION_SAME_EPOCH))
        return EXIT_DONE;
    word = word_of(cli, OPTION_SAME_EPOCH, yes_no);
    if (!word)
        return complain(EXIT_USAGE, "--same-epoch must be yes or no");
    json_object_set_new(body, "same_epoch", json_boolean(word->first));
    return EXIT_DONE;
}

static int add_first(const struct cli *cli, json_t *body)
{
    const struct word *word;

    if (!cli_has(cli, OPTION_FIRST))
        return EXIT_DONE;
    word = word_of(cli, OPTION_FIRST, firsts);
    if (!word)
        return complain(EXIT_USAGE, "--first must be manufacture, adopt, either or neither");
    json_object_set_new(body, "manufacture", json_boolean(word->first));
    json_object_set_new(body, "adopt", json_boolean(word->second));
    return EXIT_DONE;
}

static int add_time(const struct cli *cli, enum cli_option option, const char *member, json_t *body)
{
    const char *text = cli->options[option];
    char *end;
    long seconds;

    if (!text)
        return EXIT_DONE;
    if (strcmp(text, "forever") == 0) {
        json_object_set_new(body, member, json_null());
        return EXIT_DONE;
    }
    errno = 0;
    seconds = strtol(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0)
        return complain(EXIT_USAGE, "%s: must be a number of seconds, or forever", text);
    json_object_set_new(body, member, json_integer(seconds));
    return EXIT_DONE;
}

static int add_wishes(const struct cli *cli, json_t *body)
{
    int status = add_same_epoch(cli, body);

    if (status == EXIT_DONE)
        status = add_first(cli, body);
    if (status == EXIT_DONE)
        status = add_time(cli, OPTION_LEASE_TIME, "lease_time", body);
    if (status == EXIT_DONE)
        status = add_time(cli, OPTION_CONFIRM_TIME, "confirm_time", body);
    if (status == EXIT_DONE && json_object_size(body) == 0)
        status = complain(EXIT_USAGE, "give --mode, or another option; see --help");
    return status;
}

int run_volume_set_lease(struct cli *cli)
{
    json_t *body = json_pack("{s:s*, s:s*}", "mode", cli->options[OPTION_MODE], "unopened",
                             cli->options[OPTION_UNOPENED]);
    json_t *reply;
    int status =
        body ? add_wishes(cli, body) : complain(EXIT_REFUSED, "an option is no text in UTF-8");

    if (status != EXIT_DONE) {
        json_decref(body);
        return status;
    }
    status = api_request(cli->api, "POST", "volumes/", cli->operands[0], "/lease", body, &reply);
    if (status != EXIT_DONE)
        return status;
    if (cli_has(cli, OPTION_JSON))
        answer_json(reply);
    else
        print_lease(json_object_get(reply, "lease"));
    json_decref(reply);
    return EXIT_DONE;
}
