/* SPDX-License-Identifier: MIT */
/* The server's certificate: which files are taken, who gets in, and how it is replaced. */
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kbs/server/clock.h"
#include "kbs/server/issue.h"
#include "kbs/server/new_file.h"
#include "kbs/server/tls_files.h"
#include "tests/unit/kbs-server/net.h"
#include "tests/unit/kbs-server/served.h"
#include "tests/unit/kbs/scratch.h"
#include "tests/unit/registered.h"

#define WHO "GET /peer HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

static const char *const hosts[] = {"localhost", "127.0.0.1", "::1"};
static struct issued ca;
static char ca_path[PATH_MAX], certificate_path[PATH_MAX], key_path[PATH_MAX];
static struct tls_error error;

static void write_pair(const struct issued *issued)
{
    assert_true(
        new_file_write_certificate(certificate_path, 0644, FILE_REPLACE, issued->certificate));
    assert_true(new_file_write_key(key_path, 0600, FILE_REPLACE, issued->key));
}

/* A certificate of the authority's, on its files' paths. */
static void write_new_pair(time_t now)
{
    struct issued server;

    assert_true(issue_server(&ca, hosts, 3, now, &server));
    write_pair(&server);
    issued_free(&server);
}

static int start(void **state)
{
    if (scratch_make(state) != 0 || !issue_ca(time(NULL), &ca))
        return -1;
    scratch_path("ca.pem", ca_path);
    scratch_path("server.pem", certificate_path);
    scratch_path("server.key", key_path);
    return new_file_write_certificate(ca_path, 0644, FILE_NEW, ca.certificate) ? 0 : -1;
}

static int stop(void **state)
{
    issued_free(&ca);
    return scratch_remove(state);
}

static struct tls_files *load(void)
{
    struct tls_files *files = tls_files_load(certificate_path, key_path, &error);

    if (!files)
        fail_msg("%s", error.text);
    return files;
}

static void assert_refused(const char *part)
{
    struct tls_files *files = tls_files_load(certificate_path, key_path, &error);

    assert_null(files);
    if (!strstr(error.text, part))
        fail_msg("expected \"%s\" in \"%s\"", part, error.text);
}

TEST(tls_1_3_gets_in_and_what_is_older_does_not)
{
    struct connection_limits limits = served_limits();
    struct tls_files *files;
    struct served served;
    const char *reply;

    write_new_pair(time(NULL));
    files = load();
    served = served_start(&limits, files);
    reply = net_converse_tls(served.port, TLS1_3_VERSION, ca_path, WHO);
    assert_non_null(reply);
    assert_non_null(strstr(reply, "127.0.0.1"));
    assert_null(net_converse_tls(served.port, TLS1_2_VERSION, ca_path, WHO));
    assert_null(strstr(net_converse(served.port, WHO), "127.0.0.1"));
    served_stop(&served);
    tls_files_free(files);
}

TEST(a_handshake_that_trickles_is_cut_off)
{
    struct connection_limits limits = served_limits();
    struct tls_files *files;
    struct served served;
    uint64_t begun;
    int fd;

    limits.idle_ms = 1000;
    write_new_pair(time(NULL));
    files = load();
    served = served_start(&limits, files);
    fd = net_connect(served.port);
    assert_true(send(fd, "\x16\x03\x01\x02\x00", 5, MSG_NOSIGNAL) == 5);
    begun = clock_ms();
    while (clock_ms() - begun < 5000 && !net_is_closed_within(fd, 50))
        if (send(fd, "\x01", 1, MSG_NOSIGNAL) != 1)
            break;
    assert_in_range(clock_ms() - begun, 900, 3000);
    close(fd);
    served_stop(&served);
    tls_files_free(files);
}

TEST(a_new_certificate_is_presented_without_a_stop)
{
    struct connection_limits limits = served_limits();
    struct issued other_ca, server;
    char other_path[PATH_MAX];
    struct tls_files *files;
    struct served served;

    write_new_pair(time(NULL));
    files = load();
    served = served_start(&limits, files);
    assert_true(issue_ca(time(NULL), &other_ca));
    assert_true(new_file_write_certificate(scratch_path("other.pem", other_path), 0644, FILE_NEW,
                                           other_ca.certificate));
    assert_true(issue_server(&other_ca, hosts, 1, time(NULL), &server));
    write_pair(&server);
    assert_null(net_converse_tls(served.port, TLS1_3_VERSION, other_path, WHO));
    assert_true(tls_files_reload(files, &error));
    assert_non_null(net_converse_tls(served.port, TLS1_3_VERSION, other_path, WHO));
    assert_null(net_converse_tls(served.port, TLS1_3_VERSION, ca_path, WHO));
    served_stop(&served);
    tls_files_free(files);
    issued_free(&server);
    issued_free(&other_ca);
}

TEST(a_reload_that_fails_leaves_what_there_was)
{
    struct connection_limits limits = served_limits();
    struct tls_files *files;
    struct served served;

    write_new_pair(time(NULL));
    files = load();
    served = served_start(&limits, files);
    assert_true(file_write(key_path, 0600, FILE_REPLACE, "no key", 6));
    assert_false(tls_files_reload(files, &error));
    assert_non_null(strstr(error.text, "not a private key in PEM"));
    assert_non_null(net_converse_tls(served.port, TLS1_3_VERSION, ca_path, WHO));
    served_stop(&served);
    tls_files_free(files);
}

TEST(a_key_of_another_certificate_is_refused)
{
    struct issued other;

    write_new_pair(time(NULL));
    assert_true(issue_server(&ca, hosts, 1, time(NULL), &other));
    assert_true(new_file_write_key(key_path, 0600, FILE_REPLACE, other.key));
    assert_refused("is not the key of the first certificate in");
    issued_free(&other);
}

TEST(a_key_that_others_may_read_is_refused)
{
    write_new_pair(time(NULL));
    assert_int_equal(chmod(key_path, 0640), 0);
    assert_refused("others than its owner may read or change it; chmod 600");
}

TEST(a_credential_of_systemds_is_taken_whatever_its_mode)
{
    struct tls_files *files;

    write_new_pair(time(NULL));
    assert_int_equal(chmod(key_path, 0440), 0);
    setenv("CREDENTIALS_DIRECTORY", scratch_folder, 1);
    files = tls_files_load(certificate_path, "credential:server.key", &error);
    assert_non_null(files);
    tls_files_free(files);
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_null(tls_files_load(certificate_path, "credential:server.key", &error));
}

TEST(files_that_are_missing_or_something_else_are_refused)
{
    static char long_text[70000];

    write_new_pair(time(NULL));
    assert_int_equal(unlink(key_path), 0);
    assert_refused("server.key: No such file or directory");
    assert_int_equal(unlink(certificate_path), 0);
    assert_refused("server.pem: No such file or directory");
    assert_true(file_write(certificate_path, 0644, FILE_NEW, "", 0));
    assert_refused("not a chain of up to 8 certificates in PEM");
    memset(long_text, 'x', sizeof(long_text));
    assert_true(file_write(certificate_path, 0644, FILE_REPLACE, long_text, sizeof(long_text)));
    assert_refused("too large");
}

TEST(an_expired_certificate_is_refused)
{
    write_new_pair(time(NULL) - (ISSUE_SERVER_DAYS + 2) * 86400L);
    assert_refused("the certificate has expired");
}

TEST(the_expiry_is_known)
{
    time_t now = time(NULL);
    struct tls_files *files;

    write_new_pair(now);
    files = load();
    assert_in_range(tls_files_expiry(files), now + ISSUE_SERVER_DAYS * 86400L - 5,
                    now + ISSUE_SERVER_DAYS * 86400L + 5);
    tls_files_free(files);
}

TEST(a_renewed_certificate_has_the_hosts_of_the_one_before)
{
    struct issued first, second;

    assert_true(issue_server(&ca, hosts, 3, time(NULL), &first));
    assert_true(issue_again(&ca, first.certificate, time(NULL), &second));
    assert_int_equal(X509_check_host(second.certificate, "localhost", 0, 0, NULL), 1);
    assert_int_equal(X509_check_ip_asc(second.certificate, "::1", 0), 1);
    assert_int_equal(X509_check_ip_asc(second.certificate, "127.0.0.1", 0), 1);
    assert_int_equal(X509_check_ip_asc(second.certificate, "127.0.0.2", 0), 0);
    assert_int_equal(X509_verify(second.certificate, ca.key), 1);
    assert_int_equal(EVP_PKEY_eq(first.key, second.key), 0);
    issued_free(&first);
    issued_free(&second);
}

TEST(only_names_and_addresses_are_hosts)
{
    static const char *const bad[] = {"", "a b", "-a", ".a", "a,DNS:b", "a\nb", "[::1]", "*.x"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (issue_is_host(bad[i]))
            fail_msg("\"%s\" passed", bad[i]);
    assert_true(issue_is_host("kbs-1.example.org"));
    assert_true(issue_is_host("2001:db8::1"));
}

TEST_GROUP(start, stop)
