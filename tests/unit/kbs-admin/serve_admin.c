/* SPDX-License-Identifier: MIT */
/*
 * A KBS's admin API over TLS on a free port of 127.0.0.1, for tests of its clients:
 *
 *   serve_admin FOLDER [fill] [emulated]
 *
 * Makes FOLDER's ca.pem, owner.token, auditor.token and, with fill, some contents; believes an
 * emulated platform on demand. Prints its port and serves until its standard input ends.
 */
#include <limits.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kbs/admin/admin.h"
#include "kbs/server/http_server.h"
#include "kbs/server/issue.h"
#include "kbs/server/listener.h"
#include "kbs/server/new_file.h"
#include "kbs/server/tls_files.h"
#include "tests/unit/kbs-admin/admin_kbs.h"
#include "tests/unit/registered.h"

static struct admin_kbs admin;
static char certificate_path[PATH_MAX], key_path[PATH_MAX];

static const char *in_folder(const char *folder, const char *name)
{
    static char path[PATH_MAX];

    assert_true(snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path));
    return path;
}

static void write_text(const char *path, const char *text)
{
    assert_true(file_write(path, 0600, FILE_NEW, text, strlen(text)));
}

/* The authority's certificate also serves as the root of an emulated platform. */
static X509 *make_certificates(const char *folder)
{
    static const char *const hosts[] = {"localhost", "127.0.0.1"};
    struct issued ca = {0}, server = {0};
    X509 *root;

    assert_true(issue_ca(time(NULL), &ca) && issue_server(&ca, hosts, 2, time(NULL), &server));
    assert_true(
        new_file_write_certificate(in_folder(folder, "ca.pem"), 0644, FILE_NEW, ca.certificate));
    strcpy(certificate_path, in_folder(folder, "server.pem"));
    assert_true(new_file_write_certificate(certificate_path, 0644, FILE_NEW, server.certificate));
    strcpy(key_path, in_folder(folder, "server.key"));
    assert_true(new_file_write_key(key_path, 0600, FILE_NEW, server.key));
    root = ca.certificate;
    ca.certificate = NULL;
    issued_free(&ca);
    issued_free(&server);
    return root;
}

static size_t let_in(void *context, const struct http_request *request, struct http_reply *reply)
{
    (void)context;
    (void)request;
    (void)reply;
    return ADMIN_BODY_MAX;
}

static void refuse(struct http_reply *reply, unsigned status, const char *code)
{
    http_reply_json(reply, status, json_pack("{s:s}", "error", code));
}

static void serve(void)
{
    struct tls_error error;
    struct tls_files *tls = tls_files_load(certificate_path, key_path, &error);
    struct http_server_options options = {
        .gate = let_in,
        .handler = admin_answer,
        .refuse = refuse,
        .context = &admin.kbs,
        .tls = tls,
        .header_size = 16384,
        .limits = {.connections = 64, .idle_ms = 30000, .request_ms = 60000},
    };
    char name[LISTENER_NAME_MAX + 1], byte;
    struct http_server *server;
    int fd;

    assert_non_null(tls);
    assert_int_equal(listener_open("127.0.0.1:0", &fd, name), LISTENER_OK);
    server = http_server_start(fd, &options);
    assert_non_null(server);
    printf("%s\n", strrchr(name, ':') + 1);
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    http_server_stop(server);
    tls_files_free(tls);
}

int main(int argc, char **argv)
{
    X509 *root;

    if (argc < 2)
        return 2;
    root = make_certificates(argv[1]);
    admin_kbs_start(&admin, argv[1]);
    write_text(in_folder(argv[1], "owner.token"), admin.owner);
    write_text(in_folder(argv[1], "auditor.token"), admin.auditor);
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "fill") == 0)
            admin_kbs_fill(&admin);
        if (strcmp(argv[i], "emulated") == 0)
            admin.trust.emulated_ark = root;
    }
    serve();
    admin_kbs_stop(&admin);
    X509_free(root);
    return 0;
}
