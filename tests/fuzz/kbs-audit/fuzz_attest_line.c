/* SPDX-License-Identifier: MIT */
/*
 * From what a client sends to the line in the audit log: whatever it is, there is one line for each
 * attestation and each secret that is asked for, and it is valid JSON, printable, and bounded. The
 * first byte says what the others are.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/asn1.h>
#include <openssl/x509.h>

#include "kbs/audit/audit.h"
#include "kbs/protocol/protocol.h"
#include "lib/jose/json_memory.h"
#include "lib/jose/strict_json.h"
#include "tests/unit/kbs-protocol/client.h"

#define PATH_SIZE 512

enum part {
    BODY,   /* of /attest */
    NAME,   /* of the VCEK: the type of its string, then its bytes */
    ISSUER, /* likewise of the VCEK's issuer */
    TABLE,  /* of certificates */
    REPORT,
    RESOURCE, /* the path of a secret */
};

static struct world *world;

static void clean_up(void)
{
    void *state = world;

    client_stop(&client);
    world_end(&state);
    world_free_chip(NULL);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    void *state = NULL;

    (void)argc;
    (void)argv;
    json_memory_use();
    /* Nothing here is about what is durable. */
    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 0);
    if (world_make_chip(NULL) != 0 || world_begin(&state) != 0)
        return -1;
    world = state;
    client_start(&client, CLIENT_P521);
    return atexit(clean_up);
}

/* The log */

static void take_line(void *context, const struct audit_entry *entry)
{
    snprintf(context, AUDIT_LINE_MAX + 2, "%s", entry->line);
}

/* The number of the last line, and the line. */
static uint64_t last_line(char line[AUDIT_LINE_MAX + 2])
{
    uint8_t hash[AUDIT_HASH_SIZE];
    struct store_unit *unit;
    uint64_t seq;

    line[0] = '\0';
    if (store_begin_reading(world->store, &unit) != STORE_OK ||
        audit_head(unit, &seq, hash) != STORE_OK ||
        audit_each(unit, seq, 1, take_line, line) != STORE_OK)
        abort();
    store_abandon(unit);
    return seq;
}

static void check_line(const char *line, const char *event)
{
    json_t *members = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

    if (!json_is_object(members) || strlen(line) > AUDIT_LINE_MAX ||
        !strict_json_is(json_object_get(members, "event"), event) ||
        !json_is_string(json_object_get(members, "result")))
        abort();
    for (; *line; line++)
        if (*line < ' ' || *line > '~')
            abort();
    json_decref(members);
}

/* Requests */

static const char *lookup(void *connection, enum http_value_kind kind, const char *name)
{
    (void)connection;
    return kind == HTTP_COOKIE && strcmp(name, "kbs-session-id") == 0 ? client.connection.cookie
                                                                      : NULL;
}

/* Answers a request, about which there has to be one line of that event; none where there is
 * nothing at its path. */
static void ask(const char *method, const char *path, const void *body, size_t size,
                const char *event)
{
    struct http_request request = {
        .method = method,
        .path = path,
        .peer = "192.0.2.1",
        .body = body,
        .body_size = size,
        .now = world->now,
        .lookup = lookup,
    };
    char line[AUDIT_LINE_MAX + 2];
    uint64_t before = last_line(line);
    struct http_reply reply = {0};
    uint64_t lines;

    protocol_answer(&world->kbs, &request, &reply);
    lines = last_line(line) - before;
    if (reply.status == HTTP_NOT_FOUND || reply.status == HTTP_CONTENT_TOO_LARGE) {
        if (lines != 0)
            abort();
    } else {
        if (lines != 1 || reply.status == HTTP_UNAVAILABLE)
            abort();
        check_line(line, event);
    }
    if (reply.status != HTTP_OK && !reply.refused)
        abort();
    http_reply_release(&reply);
}

static void attest(const void *body, size_t size)
{
    ask("POST", "/kbs/v0/attest", body, size, "attest");
}

/* Sends a genuine body of which one member of the evidence is replaced; value is handed over. */
static void attest_with(const char *member, json_t *value)
{
    json_t *body = client_coconut(&client), *primary;
    char *text;

    primary = json_object_get(json_object_get(body, "tee-evidence"), "primary_evidence");
    json_object_set_new(primary, member, value);
    text = json_dumps(body, JSON_COMPACT);
    attest(text, strlen(text));
    free(text);
    json_decref(body);
}

static json_t *encode(const void *bytes, size_t size)
{
    return strict_json_encode(BASE64_STANDARD, bytes, size);
}

/* Its signature is looked at after its names. */
static void attest_as(const uint8_t *data, size_t size, bool as_issuer)
{
    static const int types[] = {V_ASN1_UTF8STRING, V_ASN1_PRINTABLESTRING, V_ASN1_T61STRING,
                                V_ASN1_IA5STRING,  V_ASN1_UNIVERSALSTRING, V_ASN1_BMPSTRING};
    X509 *vcek = X509_dup(world_chip.vcek);
    X509_NAME *name = X509_NAME_new();
    uint8_t table[sizeof(world_table)];
    size_t table_size;

    /* A certificate keeps the bytes that it was parsed from unless they are made anew. */
    if (size > 1 &&
        X509_NAME_add_entry_by_txt(name, "CN", types[data[0] % 6], data + 1, (int)size - 1, -1,
                                   0) == 1 &&
        (as_issuer ? X509_set_issuer_name(vcek, name) : X509_set_subject_name(vcek, name)) == 1 &&
        i2d_re_X509_tbs(vcek, NULL) > 0) {
        table_size = chip_table(NULL, world_chip.ask, vcek, table, sizeof(table));
        attest_with("certs-buf", encode(table, table_size));
    }
    X509_NAME_free(name);
    X509_free(vcek);
}

static void ask_for(const uint8_t *data, size_t size)
{
    char path[PATH_SIZE] = "/kbs/v0/resource/";
    size_t head = strlen(path);

    memcpy(path + head, data, size < PATH_SIZE - head - 1 ? size : PATH_SIZE - head - 1);
    ask("GET", path, NULL, 0, "release");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 4096)
        return -1;
    client_authenticate(&client, world);
    switch (data[0]) {
    case BODY:
        attest(data + 1, size - 1);
        return 0;
    case NAME:
    case ISSUER:
        attest_as(data + 1, size - 1, data[0] == ISSUER);
        return 0;
    case TABLE:
        attest_with("certs-buf", encode(data + 1, size - 1));
        return 0;
    case REPORT:
        attest_with("snp-report", encode(data + 1, size - 1));
        return 0;
    case RESOURCE:
        ask_for(data + 1, size - 1);
        return 0;
    default:
        return -1;
    }
}
