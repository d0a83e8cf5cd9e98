/* SPDX-License-Identifier: MIT */
/* kbs with a store, of either kind, that lacks what the server needs: it starts, says so, and is
 * mended through its admin API. */
#include <fcntl.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/kbs-server/net.h"
#include "tests/unit/kbs-server/program.h"
#include "tests/unit/kbs-store/fixture.h"
#include "tests/unit/registered.h"

#define HEALTH "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

static char folder[PATH_MAX], store[PATH_MAX + 64];
static struct program_server server;

static const char *in_folder(const char *name)
{
    static char path[PATH_MAX + 32];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static const char *read_file(const char *name)
{
    static char text[65536];
    int fd = open(in_folder(name), O_RDONLY);
    ssize_t size = read(fd, text, sizeof(text) - 1);

    assert_true(size >= 0);
    close(fd);
    text[size] = '\0';
    return text;
}

static void assert_says(const char *said, const char *part)
{
    assert_non_null(said);
    if (!strstr(said, part))
        fail_msg("expected \"%s\" in \"%s\"", part, said);
}

/* A new server with that policy for attestations, whose store somebody has been at. */
static void make_server(const char *name, const char *policy, const char *damage)
{
    char *text, *at;
    struct db *db;
    FILE *file;

    fixture_path(name, folder);
    fixture_new_url(store, sizeof(store));
    if (program_run("init", folder, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
                    "--kds", "none", "--store", store) != 0)
        fail_msg("%s", program_output);
    text = strdup(read_file("kbs.conf"));
    at = strstr(text, "attestation-policy = \"default\"");
    assert_non_null(at);
    file = fopen(in_folder("kbs.conf"), "w");
    fprintf(file, "%.*sattestation-policy = \"%s\"%s", (int)(at - text), text, policy,
            at + strlen("attestation-policy = \"default\""));
    fclose(file);
    free(text);
    if (!damage)
        return;
    assert_ok(fixture_is_postgres() ? db_postgres_open(store, &db)
                                    : db_sqlite_open(store + strlen("sqlite:"), false, &db));
    assert_ok(db_script(db, damage));
    db_close(db);
}

static void serve(void)
{
    char config[PATH_MAX + 32];

    strcpy(config, in_folder("kbs.conf"));
    server = program_serve(config, in_folder("log"));
}

/* What an administrator's program gets. */
static const char *administer(const char *method, const char *path, const char *body)
{
    static char request[4096];
    const char *token = read_file("owner.token");

    snprintf(request, sizeof(request),
             "%s /admin/v1/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
             "Authorization: Bearer %.*s\r\nContent-Type: application/json\r\n"
             "Content-Length: %zu\r\n\r\n%s",
             method, path, (int)strcspn(token, "\n"), token, strlen(body), body);
    return net_converse_tls(server.admin_port, TLS1_3_VERSION, in_folder("tls/ca.pem"), request);
}

static void assert_checked(const char *says)
{
    assert_int_equal(program_run("serve", "--config", in_folder("kbs.conf"), "--check-config"), 0);
    assert_says(program_output, says);
}

static void assert_incomplete(const char *need, const char *says)
{
    assert_says(read_file("log"), "\"event\":\"WARNING\"");
    assert_says(read_file("log"), need);
    assert_says(read_file("log"), says);
    assert_says(net_converse(server.port, HEALTH), "HTTP/1.1 200 ");
    assert_says(net_converse(server.port, HEALTH), "{\"status\":\"incomplete\"}");
    assert_says(administer("GET", "status", ""), need);
}

static void assert_whole(void)
{
    assert_says(net_converse(server.port, HEALTH), "{\"status\":\"ok\"}");
    assert_says(administer("GET", "status", ""), "\"missing\":[]");
}

TEST(a_server_without_its_policy_is_mended_by_its_administrator)
{
    make_server("policy", "milan", NULL);
    assert_checked("warning: there is no policy milan");
    serve();
    assert_incomplete("\"attestation-policy\"", "kbsctl policy add milan --file FILE");
    assert_says(administer("PUT", "policies/milan", "{\"text\":\"\"}"), "HTTP/1.1 200 ");
    assert_whole();
    assert_says(administer("DELETE", "policies/milan", "{}"), "\"error\":\"configured\"");
    assert_whole();
    assert_int_equal(program_end(&server, SIGTERM), 0);
    assert_checked("all is well");
}

/* As a version of this program that knew other settings may have left it. */
TEST(a_policy_that_is_none_is_replaced)
{
    make_server("text", "default", "UPDATE policy SET body = 'no such setting = 1;'");
    assert_checked("warning: policy default, which attestation-policy names, is none (line 1");
    serve();
    assert_incomplete("\"attestation-policy\"", "policy add default --replace");
    assert_says(administer("PUT", "policies/default", "{\"text\":\"\",\"replace\":true}"),
                "HTTP/1.1 200 ");
    assert_whole();
    assert_int_equal(program_end(&server, SIGTERM), 0);
}

/* As what becomes of a store of version 1, which had neither. */
TEST(a_server_without_keys_and_tokens_is_mended)
{
    FILE *token;

    make_server("keys", "default", "DELETE FROM signing_key; DELETE FROM token");
    assert_checked("warning: there is no key to sign release records with");
    serve();
    assert_says(administer("GET", "status", ""), "HTTP/1.1 401 ");
    assert_int_equal(program_run("recover-token", "--config", in_folder("kbs.conf")), 0);
    token = fopen(in_folder("owner.token"), "w");
    fputs(program_output, token);
    fclose(token);
    assert_incomplete("\"release-key\"", "kbsctl key rotate release");
    assert_incomplete("\"token-key\"", "kbsctl key rotate token");
    assert_says(net_converse(server.port, "GET /.well-known/jwks.json HTTP/1.1\r\nHost: x\r\n"
                                          "Connection: close\r\n\r\n"),
                "{\"keys\":[]}");
    assert_says(administer("POST", "keys/rotate", "{\"use\":\"release\"}"), "HTTP/1.1 201 ");
    assert_says(administer("POST", "keys/rotate", "{\"use\":\"token\"}"), "HTTP/1.1 201 ");
    assert_whole();
    assert_says(net_converse(server.port, "GET /.well-known/jwks.json HTTP/1.1\r\nHost: x\r\n"
                                          "Connection: close\r\n\r\n"),
                "\"kid\"");
    assert_int_equal(program_end(&server, SIGTERM), 0);
    assert_checked("all is well");
}

TEST_GROUP(fixture_begin_group, fixture_end_group)

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    program_path = argv[1];
    signal(SIGPIPE, SIG_IGN);
    return tests_run();
}
