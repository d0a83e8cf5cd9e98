/* SPDX-License-Identifier: MIT */
/* kbsctl audit verify */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "kbs/cli/answers.h"
#include "kbs/cli/api_client.h"
#include "kbs/cli/audit_file.h"
#include "kbs/cli/settings.h"
#include "lib/base/hex.h"

#define LINES_MAX 1000 /* in one answer */
#define QUERY_MAX 96

/* What is verified, and where it broke. */
struct verification {
    struct audit_chain chain;
    EVP_PKEY *key;     /* of --key; NULL: none */
    const char *where; /* the file; NULL: the KBS's log */
    struct audit_file_seal seal;
};

/* Files */

static int load_key(const char *path, EVP_PKEY **key)
{
    FILE *file = fopen(path, "re");

    if (!file)
        return complain(EXIT_FILE, "%s: %s", path, strerror(errno));
    *key = PEM_read_PUBKEY(file, NULL, NULL, NULL);
    fclose(file);
    ERR_clear_error();
    return *key ? EXIT_DONE
                : complain(EXIT_REFUSED,
                           "%s has no public key in PEM, as kbsctl key show prints it", path);
}

static int verify_file(struct verification *verification, const char *path)
{
    FILE *file = fopen(path, "re");
    int status = EXIT_DONE;

    if (!file)
        return complain(EXIT_FILE, "%s: %s", path, strerror(errno));
    verification->where = path;
    if (!audit_file_verify(file, verification->key, &verification->chain, &verification->seal))
        status = EXIT_BROKEN;
    if (ferror(file))
        status = complain(EXIT_FILE, "%s cannot be read", path);
    fclose(file);
    return status;
}

/* The log of the KBS */

static int take_base(struct audit_chain *chain, const json_t *base)
{
    const char *text = json_string_value(json_object_get(base, "hash"));
    const json_t *seq = json_object_get(base, "seq");
    uint8_t hash[AUDIT_CHAIN_HASH];

    if (!text || !hex_bytes(text, hash, sizeof(hash)) || !json_is_integer(seq) ||
        json_integer_value(seq) < 0)
        return complain(EXIT_UNREACHABLE, "the KBS does not say where its audit log begins");
    if (json_integer_value(seq) > 0)
        audit_chain_begin(chain, (uint64_t)json_integer_value(seq), hash);
    return EXIT_DONE;
}

/* One answer's worth of lines. *done: the log ends with them. */
static int verify_some(struct cli *cli, struct audit_chain *chain, bool *done)
{
    char query[QUERY_MAX];
    const json_t *entries;
    json_t *reply;
    size_t count;
    int status;

    snprintf(query, sizeof(query), "audit?from=%" PRIu64 "&limit=%d", chain->seq + 1, LINES_MAX);
    status = api_request(cli->api, "GET", query, NULL, "", NULL, &reply);
    if (status == EXIT_DONE && chain->seq == 0)
        status = take_base(chain, json_object_get(reply, "base"));
    if (status != EXIT_DONE) {
        json_decref(reply);
        return status;
    }
    entries = json_object_get(reply, "entries");
    count = json_array_size(entries);
    *done = count < LINES_MAX;
    for (size_t i = 0; i < count && !chain->problem; i++)
        if (!audit_chain_take(chain, json_array_get(entries, i)))
            *done = true;
    if (*done && !chain->problem)
        *done = audit_chain_ends(chain, json_object_get(reply, "head")) || chain->problem;
    json_decref(reply);
    return chain->problem ? EXIT_BROKEN : EXIT_DONE;
}

static int verify_log(struct cli *cli, struct verification *verification)
{
    bool done = false;
    int status = cli->api ? EXIT_DONE : settings_connect(cli);

    verification->where = NULL;
    while (status == EXIT_DONE && !done)
        status = verify_some(cli, &verification->chain, &done);
    return status;
}

/* What is said */

static void report_json(const struct cli *cli, const struct verification *verification,
                        const char *head)
{
    const struct audit_chain *chain = &verification->chain;
    json_t *result = json_pack(
        "{s:b, s:I, s:I, s:s, s:s*, s:s*, s:s*}", "whole", !chain->problem, "lines",
        (json_int_t)(chain->seq - chain->base), "first", (json_int_t)chain->base + 1, "head", head,
        "problem", chain->problem, "file", chain->problem ? verification->where : NULL, "key",
        cli->operand_count && !chain->problem ? verification->seal.key_id : NULL);

    answer_json(result);
    json_decref(result);
}

static void report_whole(const struct cli *cli, const struct verification *verification,
                         const char *head)
{
    const struct audit_chain *chain = &verification->chain;

    if (cli->operand_count > 0)
        printf("the archived heads are signed by key %s%s\n", verification->seal.key_id,
               verification->key
                   ? ""
                   : ", which the files bring along: compare it with kbsctl key list, "
                     "or give --key");
    printf("%swhole%s: %" PRIu64 " lines", table_colour(COLOUR_GOOD), table_colour_end(),
           chain->seq - chain->base);
    if (chain->base > 0)
        printf(", from line %" PRIu64 " on", chain->base + 1);
    printf(", the last one's hash is %s\n", head);
}

static int report(const struct cli *cli, const struct verification *verification)
{
    const struct audit_chain *chain = &verification->chain;
    char head[2 * AUDIT_CHAIN_HASH + 1];

    hex_text(chain->head, sizeof(chain->head), head);
    if (cli_has(cli, OPTION_JSON))
        report_json(cli, verification, head);
    else if (!chain->problem)
        report_whole(cli, verification, head);
    else
        complain(EXIT_BROKEN,
                 "%s%sthe audit log is BROKEN after line %" PRIu64 ", at line %" PRIu64 ": %s",
                 verification->where ? verification->where : "", verification->where ? ": " : "",
                 chain->seq, chain->seq + 1, chain->problem);
    return chain->problem ? EXIT_BROKEN : EXIT_DONE;
}

static int verify(struct cli *cli, struct verification *verification)
{
    struct audit_chain *chain = &verification->chain;
    int status = EXIT_DONE;

    for (int i = 0; i < cli->operand_count && status == EXIT_DONE; i++)
        status = verify_file(verification, cli->operands[i]);
    if (status == EXIT_DONE && (cli->operand_count == 0 || cli_has(cli, OPTION_LIVE)))
        status = verify_log(cli, verification);
    else if (status == EXIT_DONE && !audit_chain_met(chain))
        status = EXIT_BROKEN;
    return status == EXIT_DONE || chain->problem ? report(cli, verification) : status;
}

int run_audit_verify(struct cli *cli)
{
    struct verification verification = {.chain = {.expects = cli_has(cli, OPTION_EXPECT_HEAD)}};
    struct audit_chain *chain = &verification.chain;
    int status = EXIT_DONE;

    if (chain->expects &&
        !hex_bytes(cli->options[OPTION_EXPECT_HEAD], chain->expected, sizeof(chain->expected)))
        return complain(EXIT_USAGE, "--expect-head: must be %d hexadecimal digits",
                        2 * AUDIT_CHAIN_HASH);
    if (cli->operand_count == 0 && (cli_has(cli, OPTION_KEY) || cli_has(cli, OPTION_LIVE)))
        return complain(EXIT_USAGE, "--key and --live are for archived files: name them");
    if (cli_has(cli, OPTION_KEY))
        status = load_key(cli->options[OPTION_KEY], &verification.key);
    if (status == EXIT_DONE)
        status = verify(cli, &verification);
    EVP_PKEY_free(verification.key);
    return status;
}
