/* SPDX-License-Identifier: MIT */
/*
 * kbsctl audit archive. Nothing is pruned that was not written to a file, made durable, and then
 * read and verified from there; and the KBS prunes only what is named by that file's head. So
 * whatever ends in between, the lines are in one of both places, and the same command goes on.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "kbs/cli/answers.h"
#include "kbs/cli/api_client.h"
#include "kbs/cli/audit_file.h"
#include "kbs/cli/duration.h"
#include "lib/base/hex.h"
#include "lib/file/durable.h"

#define LINES_MAX   1000 /* in one answer */
#define QUERY_MAX   96
#define AGE_DEFAULT (30 * 86400) /* seconds */
#define AGE_TEXT    "30d"

/* A segment on its way into a file. */
struct archive {
    struct cli *cli;
    const char *folder;
    char path[PATH_MAX];
    uint64_t first, last;
    uint8_t before[AUDIT_CHAIN_HASH];
    uint8_t head[AUDIT_CHAIN_HASH]; /* when it is closed, as the next two */
    char *statement;
    char *key; /* that signed it, in PEM */
    bool closed;
};

/* What the KBS says */

static int take_number(const json_t *object, const char *name, uint64_t *number)
{
    const json_t *value = json_object_get(object, name);

    *number = (uint64_t)json_integer_value(value);
    return json_is_integer(value) && json_integer_value(value) > 0
               ? EXIT_DONE
               : complain(EXIT_UNREACHABLE, "the KBS names no segment that makes sense");
}

static int take_hash(const json_t *object, const char *name, uint8_t hash[AUDIT_CHAIN_HASH])
{
    const char *text = json_string_value(json_object_get(object, name));

    return text && hex_bytes(text, hash, AUDIT_CHAIN_HASH)
               ? EXIT_DONE
               : complain(EXIT_UNREACHABLE, "the KBS names no segment that makes sense");
}

static int take_span(struct archive *archive, const json_t *object)
{
    int status = take_number(object, "first", &archive->first);

    if (status == EXIT_DONE)
        status = take_number(object, "last", &archive->last);
    if (status == EXIT_DONE)
        status = take_hash(object, "before", archive->before);
    return status;
}

/* Asks for the key that signed the head. */
static int fetch_key(struct archive *archive, const char *id)
{
    json_t *reply;
    const char *pem;
    int status = api_request(archive->cli->api, "GET", "keys/", id, "", NULL, &reply);

    if (status != EXIT_DONE)
        return status;
    pem = json_string_value(json_object_get(reply, "public_key"));
    archive->key = pem ? strdup(pem) : NULL;
    json_decref(reply);
    return archive->key ? EXIT_DONE
                        : complain(EXIT_UNREACHABLE, "the KBS does not show the key %s", id);
}

/* A segment that the KBS has closed. */
static int take_closed(struct archive *archive, const json_t *segment)
{
    const char *statement = json_string_value(json_object_get(segment, "statement"));
    const char *key = json_string_value(json_object_get(segment, "key"));
    int status = take_hash(segment, "head", archive->head);

    if (status != EXIT_DONE)
        return status;
    if (!statement || !key)
        return complain(EXIT_UNREACHABLE, "the KBS did not sign the segment");
    archive->statement = strdup(statement);
    archive->closed = true;
    return archive->statement ? fetch_key(archive, key) : complain(EXIT_FILE, "out of memory");
}

static int close_segment(struct archive *archive, const struct audit_chain *chain)
{
    char head[2 * AUDIT_CHAIN_HASH + 1];
    json_t *reply, *body = json_pack("{s:I, s:s}", "last", (json_int_t)chain->seq, "head",
                                     hex_text(chain->head, sizeof(chain->head), head));
    int status = api_request(archive->cli->api, "POST", "audit/segments", NULL, "", body, &reply);

    if (status != EXIT_DONE)
        return status;
    status = take_closed(archive, reply);
    json_decref(reply);
    return status;
}

/* Writing the file */

static bool write_entry(FILE *file, const json_t *entry)
{
    return fprintf(file, "%s\n", json_string_value(json_object_get(entry, "line"))) > 0;
}

/* Some of the lines; the chain then is where the next ones begin. */
static int write_some(struct archive *archive, FILE *file, struct audit_chain *chain)
{
    uint64_t left = archive->last - chain->seq;
    const json_t *entries;
    char query[QUERY_MAX];
    json_t *reply;
    int status;

    snprintf(query, sizeof(query), "audit?from=%" PRIu64 "&limit=%" PRIu64, chain->seq + 1,
             left < LINES_MAX ? left : LINES_MAX);
    status = api_request(archive->cli->api, "GET", query, NULL, "", NULL, &reply);
    if (status != EXIT_DONE)
        return status;
    entries = json_object_get(reply, "entries");
    if (json_array_size(entries) == 0)
        chain->problem = "the line is missing";
    for (size_t i = 0; i < json_array_size(entries) && status == EXIT_DONE && !chain->problem;
         i++) {
        const json_t *entry = json_array_get(entries, i);

        if (audit_chain_take(chain, entry) && !write_entry(file, entry))
            status = complain(EXIT_FILE, "%s: %s", archive->folder, strerror(errno));
    }
    json_decref(reply);
    if (chain->problem)
        return complain(EXIT_BROKEN, "the audit log is BROKEN at line %" PRIu64 ": %s",
                        chain->seq + 1, chain->problem);
    return status;
}

static int write_segment(struct archive *archive, FILE *file)
{
    struct audit_chain chain = {0};
    int status = EXIT_DONE;

    audit_chain_begin(&chain, archive->first - 1, archive->before);
    if (!audit_file_begin(file, archive->first, archive->before))
        return complain(EXIT_FILE, "%s: %s", archive->folder, strerror(errno));
    while (status == EXIT_DONE && chain.seq < archive->last)
        status = write_some(archive, file, &chain);
    if (status == EXIT_DONE && !archive->closed)
        status = close_segment(archive, &chain);
    if (status != EXIT_DONE)
        return status;
    if (memcmp(chain.head, archive->head, sizeof(chain.head)) != 0)
        return complain(EXIT_BROKEN,
                        "the audit log is BROKEN: line %" PRIu64
                        " has another hash than the head that was signed",
                        archive->last);
    return audit_file_end(file, archive->head, archive->key, archive->statement)
               ? EXIT_DONE
               : complain(EXIT_FILE, "%s: %s", archive->folder, strerror(errno));
}

/* Where the file system can, without replacing what is there. */
static bool give_name(const char *temporary, const char *path)
{
    if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
        return true;
    return (errno == EINVAL || errno == ENOSYS) && access(path, F_OK) != 0 &&
           rename(temporary, path) == 0;
}

/* Makes a file durable under its name. */
static int settle(struct archive *archive, FILE *file, const char *temporary)
{
    if (fflush(file) == 0 && fsync(fileno(file)) == 0 && give_name(temporary, archive->path) &&
        file_sync_folder_of(archive->path))
        return EXIT_DONE;
    return complain(EXIT_FILE, "%s: %s", archive->path, strerror(errno));
}

static int write_file(struct archive *archive)
{
    char temporary[PATH_MAX];
    FILE *file;
    int fd, status;

    if (snprintf(temporary, sizeof(temporary), "%s/.audit-XXXXXX", archive->folder) >= PATH_MAX)
        return complain(EXIT_USAGE, "%s: the path is too long", archive->folder);
    fd = mkostemp(temporary, O_CLOEXEC);
    file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!file)
        return complain(EXIT_FILE, "%s: %s", archive->folder, strerror(errno));
    status = write_segment(archive, file);
    if (status == EXIT_DONE)
        status = settle(archive, file, temporary);
    fclose(file);
    unlink(temporary);
    return status;
}

/* Looking at it again */

static EVP_PKEY *parse_key(const char *pem)
{
    BIO *text = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = text ? PEM_read_bio_PUBKEY(text, NULL, NULL, NULL) : NULL;

    BIO_free(text);
    return key;
}

/* Reads the file as it is on the disk. It has to be whole, and what the KBS closed. */
static int check_file(const struct archive *archive)
{
    struct audit_chain chain = {0};
    struct audit_file_seal seal;
    EVP_PKEY *key = parse_key(archive->key);
    FILE *file = fopen(archive->path, "re");
    bool good = file && key && audit_file_verify(file, key, &chain, &seal);

    if (file)
        fclose(file);
    EVP_PKEY_free(key);
    if (!file)
        return complain(EXIT_FILE, "%s: %s", archive->path, strerror(errno));
    if (good && chain.seq == archive->last && chain.base + 1 == archive->first &&
        memcmp(chain.head, archive->head, sizeof(chain.head)) == 0)
        return EXIT_DONE;
    return complain(EXIT_BROKEN,
                    "%s is not the segment that was closed (%s); nothing was pruned. Move it "
                    "elsewhere and run this again",
                    archive->path, chain.problem ? chain.problem : "it has other lines");
}

static int prune(const struct archive *archive)
{
    char head[2 * AUDIT_CHAIN_HASH + 1], tail[32];
    json_t *reply,
        *body = json_pack("{s:s}", "head", hex_text(archive->head, sizeof(archive->head), head));
    int status;

    snprintf(tail, sizeof(tail), "%" PRIu64 "/prune", archive->last);
    status = api_request(archive->cli->api, "POST", "audit/segments/", NULL, tail, body, &reply);
    json_decref(reply);
    return status;
}

static void report(const struct archive *archive, bool pruned)
{
    char head[2 * AUDIT_CHAIN_HASH + 1];

    hex_text(archive->head, sizeof(archive->head), head);
    if (cli_has(archive->cli, OPTION_JSON)) {
        json_t *result = json_pack("{s:s, s:I, s:I, s:s, s:b}", "file", archive->path, "first",
                                   (json_int_t)archive->first, "last", (json_int_t)archive->last,
                                   "head", head, "pruned", pruned);

        answer_json(result);
        json_decref(result);
        return;
    }
    printf("lines %" PRIu64 " to %" PRIu64 " are in %s, %s, head %s\n", archive->first,
           archive->last, archive->path,
           pruned ? "and no longer in the KBS" : "and still in the KBS", head);
}

/* Has the segment in its file, and no longer in the KBS. */
static int archive_segment(struct archive *archive)
{
    bool keep = cli_has(archive->cli, OPTION_KEEP);
    int status = EXIT_DONE;

    if (snprintf(archive->path, sizeof(archive->path), "%s/" AUDIT_FILE_NAME, archive->folder,
                 archive->first, archive->last) >= PATH_MAX)
        return complain(EXIT_USAGE, "%s: the path is too long", archive->folder);
    if (!archive->closed || access(archive->path, F_OK) != 0)
        status = write_file(archive);
    if (status == EXIT_DONE)
        status = check_file(archive);
    if (status == EXIT_DONE && !keep)
        status = prune(archive);
    if (status == EXIT_DONE)
        report(archive, !keep);
    return status;
}

static int archive_one(struct cli *cli, const json_t *segment, bool closed)
{
    struct archive archive = {.cli = cli, .folder = cli->operands[0]};
    int status = take_span(&archive, segment);

    if (status == EXIT_DONE && closed)
        status = take_closed(&archive, segment);
    if (status == EXIT_DONE)
        status = archive_segment(&archive);
    free(archive.statement);
    free(archive.key);
    return status;
}

/* Segments that were closed and never pruned come first: this command did not come to its end. */
static int archive_all(struct cli *cli, const json_t *reply)
{
    const json_t *segments = json_object_get(reply, "segments"),
                 *next = json_object_get(reply, "next");
    int status = EXIT_DONE;
    unsigned archived = 0;

    for (size_t i = 0; i < json_array_size(segments) && status == EXIT_DONE; i++) {
        const json_t *segment = json_array_get(segments, i);

        if (!json_is_null(json_object_get(segment, "pruned")))
            continue;
        status = archive_one(cli, segment, true);
        archived++;
    }
    if (status == EXIT_DONE && json_is_object(next)) {
        status = archive_one(cli, next, false);
        archived++;
    }
    if (status == EXIT_DONE && archived == 0 && !cli_has(cli, OPTION_JSON))
        puts("there are no lines to archive that are old enough");
    return status;
}

int run_audit_archive(struct cli *cli)
{
    const char *text = cli->options[OPTION_OLDER_THAN];
    int64_t age = AGE_DEFAULT;
    char query[QUERY_MAX];
    json_t *reply;
    int status;

    if (text && !duration_parse(text, &age))
        return complain(EXIT_USAGE, "--older-than %s: must be a number of h, d, w or y, as 90d",
                        text);
    if (access(cli->operands[0], W_OK | X_OK) != 0)
        return complain(EXIT_FILE, "%s: %s", cli->operands[0], strerror(errno));
    snprintf(query, sizeof(query), "audit/segments?older-than=%" PRId64, age);
    status = api_request(cli->api, "GET", query, NULL, "", NULL, &reply);
    if (status == EXIT_DONE)
        status = archive_all(cli, reply);
    json_decref(reply);
    return status;
}
