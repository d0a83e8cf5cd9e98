/* SPDX-License-Identifier: MIT */
/* kbs as an owner meets it: init, serve, signals, and what it says when something is wrong. */
#include <fcntl.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/kbs-server/net.h"
#include "tests/unit/kbs-server/program.h"
#include "tests/unit/kbs/scratch.h"
#include "tests/unit/registered.h"

#define HEALTH "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
#define HEAD_RESOURCE                                                                              \
    "HEAD /kbs/v0/resource/default/sample/test HTTP/1.1\r\nHost: localhost\r\n"                    \
    "Connection: close\r\n\r\n"
#define HEAD_HEALTH "HEAD /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
#define HELLO                                                                                      \
    "POST /kbs/v0/auth HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 49\r\n\r\n"     \
    "{\"version\":\"0.4.0\",\"tee\":\"snp\",\"extra-params\":\"\"}"

/* A path in the scratch folder; each of the last few stays valid. */
static const char *in_scratch(const char *name)
{
    static char paths[16][PATH_MAX];
    static unsigned next;

    return scratch_path(name, paths[next++ % 16]);
}

static void assert_says(const char *said, const char *part)
{
    assert_non_null(said);
    if (!strstr(said, part))
        fail_msg("expected \"%s\" in \"%s\"", part, said);
}

static const char *read_file(const char *path)
{
    static char text[65536];
    int fd = open(path, O_RDONLY);
    ssize_t size = read(fd, text, sizeof(text) - 1);

    assert_true(size >= 0);
    text[size] = '\0';
    close(fd);
    return text;
}

/* A copy of a file that is about to change, until the next call. */
static const char *keep_file(const char *path)
{
    static char kept[65536];

    return strcpy(kept, read_file(path));
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* Replaces the first occurrence of a text in a file. */
static void edit(const char *path, const char *from, const char *to)
{
    char edited[65536];
    const char *text = read_file(path), *at = strstr(text, from);

    assert_non_null(at);
    snprintf(edited, sizeof(edited), "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    write_file(path, edited);
}

/* A new server's folder with free ports. */
static const char *make_server(const char *name)
{
    const char *folder = in_scratch(name);

    if (program_run("init", folder, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
                    "--kds", "none") != 0)
        fail_msg("%s", program_output);
    return folder;
}

static const char *file_of(const char *folder, const char *name)
{
    static char paths[16][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 16];

    snprintf(path, PATH_MAX, "%s/%s", folder, name);
    return path;
}

static void assert_mode(const char *path, mode_t mode)
{
    struct stat file;

    assert_int_equal(stat(path, &file), 0);
    if ((file.st_mode & 0777) != mode)
        fail_msg("%s has mode %o", path, file.st_mode & 0777);
}

TEST(init_makes_a_folder_that_only_its_owner_reads)
{
    static const char *const secret[] = {"kbs.conf", "master.key", "owner.token",
                                         "kbs.db",   "tls/ca.key", "tls/server.key"};
    const char *folder = make_server("modes");

    assert_mode(folder, 0700);
    for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++)
        assert_mode(file_of(folder, secret[i]), 0600);
    assert_says(read_file(file_of(folder, "release-key.pem")), "-----BEGIN PUBLIC KEY-----\n");
    assert_says(read_file(file_of(folder, "owner.token")), "kbs_");
    assert_null(strstr(program_output, "kbs_"));
}

TEST(init_leaves_a_server_alone)
{
    const char *folder = make_server("twice");
    const char *token = keep_file(file_of(folder, "owner.token"));

    assert_int_equal(program_run("init", folder), 3);
    assert_says(program_output, "there is a server already");
    assert_string_equal(read_file(file_of(folder, "owner.token")), token);
}

TEST(init_that_fails_leaves_nothing)
{
    const char *folder = in_scratch("fails");

    assert_int_equal(program_run("init", folder, "--store", in_scratch("no/where.db")), 3);
    assert_says(program_output, "store: ");
    assert_int_equal(access(folder, F_OK), -1);
    assert_int_equal(program_run("init", folder, "--kds", "ftp://x"), 3);
    assert_says(program_output, "url is \"ftp://x\"; it must be");
    assert_int_equal(access(folder, F_OK), -1);

    assert_int_equal(mkdir(folder, 0700), 0);
    write_file(file_of(folder, "master.key"), "precious");
    assert_int_equal(program_run("init", folder), 3);
    assert_string_equal(read_file(file_of(folder, "master.key")), "precious");
}

TEST(init_refuses_wrong_options)
{
    assert_int_equal(program_run("init"), 2);
    assert_int_equal(program_run("init", in_scratch("x"), "--certs", "/"), 2);
    assert_int_equal(program_run("init", in_scratch("x"), "--listen", "localhost:1"), 2);
    assert_int_equal(program_run("init", in_scratch("x"), "--host", "a b"), 2);
    assert_int_equal(program_run("init", in_scratch("x"), "--nonsense"), 2);
    assert_int_equal(program_run("init", in_scratch("x"), "--trust-emulated", "/no/ark"), 3);
    assert_int_equal(access(in_scratch("x"), F_OK), -1);
}

TEST(a_server_from_init_is_healthy_over_tls_and_in_the_clear)
{
    const char *folder = make_server("healthy");
    struct program_server server =
        program_serve(file_of(folder, "kbs.conf"), file_of(folder, "log"));
    const char *reply;

    assert_says(net_converse(server.port, HEALTH), "HTTP/1.1 200 ");
    reply =
        net_converse_tls(server.admin_port, TLS1_3_VERSION, file_of(folder, "tls/ca.pem"), HEALTH);
    assert_non_null(reply);
    assert_says(reply, "{\"status\":\"ok\"}");
    reply = net_converse(server.port, HEAD_HEALTH);
    assert_says(reply, "HTTP/1.1 200 ");
    assert_says(reply, "Content-Length: 15\r\n");
    assert_null(strstr(reply, "status"));
    assert_says(net_converse(server.port, HEAD_RESOURCE), "HTTP/1.1 404 ");
    assert_says(net_converse_tls(server.admin_port, TLS1_3_VERSION, file_of(folder, "tls/ca.pem"),
                                 HEAD_HEALTH),
                "HTTP/1.1 200 ");
    assert_int_equal(program_end(&server, SIGTERM), 0);
    assert_says(read_file(file_of(folder, "log")), "\"event\":\"start\"");
    assert_says(read_file(file_of(folder, "log")), "\"event\":\"stop\"");
}

/* A session's cookie over TLS must not be sent in the clear; in the clear it has to be. */
TEST(cookies_that_came_over_tls_stay_there)
{
    const char *folder = make_server("cookies"), *reply;
    struct program_server server;

    server = program_serve(file_of(folder, "kbs.conf"), file_of(folder, "log"));
    reply = net_converse(server.port, HELLO);
    assert_says(reply, "Set-Cookie: kbs-session-id=");
    assert_null(strstr(reply, "Secure"));
    assert_int_equal(program_end(&server, SIGTERM), 0);

    edit(file_of(folder, "kbs.conf"), "# tls = {", "tls = {");
    server = program_serve(file_of(folder, "kbs.conf"), file_of(folder, "log"));
    reply = net_converse_tls(server.port, TLS1_3_VERSION, file_of(folder, "tls/ca.pem"), HELLO);
    assert_says(reply, "Set-Cookie: kbs-session-id=");
    assert_says(reply, "; Secure\r\n");
    assert_int_equal(program_end(&server, SIGTERM), 0);
}

static void overwrite(const char *path)
{
    struct stat file;
    int fd = open(path, O_WRONLY);
    char *bytes;

    assert_int_equal(fstat(fd, &file), 0);
    bytes = malloc((size_t)file.st_size);
    memset(bytes, 0xa5, (size_t)file.st_size);
    assert_int_equal(write(fd, bytes, (size_t)file.st_size), file.st_size);
    free(bytes);
    close(fd);
}

TEST(a_server_without_its_store_is_not_healthy)
{
    const char *folder = make_server("lost");
    struct program_server server =
        program_serve(file_of(folder, "kbs.conf"), file_of(folder, "log"));

    overwrite(file_of(folder, "kbs.db"));
    overwrite(file_of(folder, "kbs.db-wal"));
    overwrite(file_of(folder, "kbs.db-shm"));
    assert_says(net_converse(server.port, HEALTH), "HTTP/1.1 503 ");
    assert_int_equal(program_end(&server, SIGTERM), 0);
}

/* A server that hears three of a kind at once, and then one each second. */
static struct program_server serve_three(const char *folder)
{
    edit(file_of(folder, "kbs.conf"), " burst = 20", " burst = 3");
    edit(file_of(folder, "kbs.conf"), " rate = 5", " rate = 1");
    return program_serve(file_of(folder, "kbs.conf"), file_of(folder, "log"));
}

/* Asks until it is too often, by TLS with the CA's certificate if there is one. On a busy machine
 * more than three are heard before, never fewer. */
static const char *ask_too_often(unsigned port, const char *ca, const char *request)
{
    const char *reply;
    unsigned heard = 0;

    do {
        reply =
            ca ? net_converse_tls(port, TLS1_3_VERSION, ca, request) : net_converse(port, request);
        assert_non_null(reply);
    } while (!strstr(reply, "HTTP/1.1 429 ") && ++heard < 200);
    assert_in_range(heard, 3, 199);
    assert_says(reply, "\r\nRetry-After: ");
    return reply;
}

TEST(new_sessions_have_a_rate)
{
    const char *folder = make_server("rate"), *reply;
    struct program_server server = serve_three(folder);

    reply = ask_too_often(server.port, NULL, HELLO);
    assert_says(reply, "\r\nRetry-After: 1\r\n");
    assert_says(reply, "too-many-requests");
    assert_says(net_converse(server.port, HEALTH), "HTTP/1.1 200 ");
    assert_int_equal(program_end(&server, SIGTERM), 0);
}

TEST(who_is_refused_too_often_is_not_heard)
{
    const char *folder = make_server("refusals");
    struct program_server server = serve_three(folder);

    ask_too_often(server.port, NULL,
                  "GET /kbs/v0/resource/a/b/c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_says(net_converse(server.port, HEALTH), "HTTP/1.1 200 ");
    assert_says(net_converse(server.port, HELLO), "HTTP/1.1 200 ");
    assert_int_equal(program_end(&server, SIGTERM), 0);
}

TEST(administrators_who_fail_too_often_are_not_heard)
{
    const char *folder = make_server("failures");
    struct program_server server = serve_three(folder);

    ask_too_often(server.admin_port, file_of(folder, "tls/ca.pem"),
                  "GET /admin/v1/images HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                  "Authorization: Bearer kbs_guess\r\n\r\n");
    assert_int_equal(program_end(&server, SIGTERM), 0);
}

TEST(a_long_body_needs_a_token)
{
    const char *folder = make_server("bodies"), *token, *reply;
    struct program_server server =
        program_serve(file_of(folder, "kbs.conf"), file_of(folder, "log"));
    static char text[150000];
    int head;

    token = read_file(file_of(folder, "owner.token"));
    for (int known = 0; known <= 1; known++) {
        head = snprintf(text, sizeof(text),
                        "POST /admin/v1/policies/validate HTTP/1.1\r\nHost: x\r\n"
                        "Connection: close\r\nContent-Length: 100000\r\n"
                        "Authorization: Bearer %.*s\r\n\r\n",
                        known ? (int)strcspn(token, "\n") : 3, token);
        memset(text + head, ' ', known ? 100000 : 0);
        text[head + (known ? 100000 : 0)] = '\0';
        reply = net_converse_tls(server.admin_port, TLS1_3_VERSION, file_of(folder, "tls/ca.pem"),
                                 text);
        assert_non_null(reply);
        assert_int_equal(strstr(reply, "HTTP/1.1 413 ") != NULL, !known);
    }
    assert_int_equal(program_end(&server, SIGTERM), 0);
}

TEST(a_request_under_way_is_answered_before_the_server_ends)
{
    const char *folder = make_server("graceful");
    struct program_server server =
        program_serve(file_of(folder, "kbs.conf"), file_of(folder, "log"));
    int fd = net_connect(server.port);

    assert_true(net_send(fd, "POST /kbs/v0/auth HTTP/1.1\r\nHost: x\r\nContent-Length: 49\r\n\r\n"
                             "{\"version\":\"0.4.0\","));
    usleep(200000);
    assert_int_equal(kill(server.pid, SIGTERM), 0);
    usleep(200000);
    assert_int_equal(net_connect(server.port), -1);
    assert_true(net_send(fd, "\"tee\":\"snp\",\"extra-params\":\"\"}"));
    assert_says(net_read_all(fd), "HTTP/1.1 200 ");
    close(fd);
    assert_int_equal(program_end(&server, SIGTERM), 0);
}

TEST(sighup_presents_a_renewed_certificate)
{
    const char *folder = make_server("renew");
    struct program_server server =
        program_serve(file_of(folder, "kbs.conf"), file_of(folder, "log"));
    const char *before = keep_file(file_of(folder, "tls/server.pem"));

    assert_int_equal(program_run("renew-certificate", folder), 0);
    assert_string_not_equal(read_file(file_of(folder, "tls/server.pem")), before);
    assert_mode(file_of(folder, "tls/server.key"), 0600);
    assert_int_equal(kill(server.pid, SIGHUP), 0);
    for (int i = 0; i < 100 && !strstr(read_file(file_of(folder, "log")), "\"reload\""); i++)
        usleep(20000);
    assert_says(read_file(file_of(folder, "log")), "\"event\":\"reload\",\"result\":\"done\"");
    assert_non_null(
        net_converse_tls(server.admin_port, TLS1_3_VERSION, file_of(folder, "tls/ca.pem"), HEALTH));
    assert_int_equal(program_end(&server, SIGINT), 0);
}

TEST(readiness_and_stopping_are_told_to_systemd)
{
    const char *folder = make_server("notify");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct program_server server;
    char told[256] = "";
    ssize_t size;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", file_of(folder, "notify"));
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    server = program_serve(file_of(folder, "kbs.conf"), file_of(folder, "log"));
    unsetenv("NOTIFY_SOCKET");
    size = recv(fd, told, sizeof(told) - 1, 0);
    assert_true(size > 0);
    assert_string_equal(told, "READY=1");
    assert_int_equal(program_end(&server, SIGTERM), 0);
    size = recv(fd, told, sizeof(told) - 1, MSG_DONTWAIT);
    assert_true(size > 0);
    told[size] = '\0';
    assert_string_equal(told, "STOPPING=1");
    close(fd);
}

TEST(an_emulated_root_is_announced_loudly)
{
    const char *folder = make_server("emulated");
    struct program_server server;

    /* Any certificate that signed itself can be an emulated platform's root. */
    edit(file_of(folder, "kbs.conf"),
         "sessions =", "trust-emulated = { root = \"tls/ca.pem\"; };\nsessions =");
    if (program_run("serve", "--config", file_of(folder, "kbs.conf"), "--check-config") != 0)
        fail_msg("%s", program_output);
    server = program_serve(file_of(folder, "kbs.conf"), file_of(folder, "log"));
    assert_int_equal(program_end(&server, SIGTERM), 0);
    assert_says(read_file(file_of(folder, "log")), "\"event\":\"WARNING\"");
    assert_says(read_file(file_of(folder, "log")), "EMULATED");
    assert_says(read_file(file_of(folder, "log")), "\"emulated_trusted\":true");
}

static int check(const char *folder)
{
    return program_run("serve", "--config", file_of(folder, "kbs.conf"), "--check-config");
}

TEST(check_config_finds_what_is_wrong)
{
    const char *folder = make_server("checked");

    assert_int_equal(check(folder), 0);
    assert_says(program_output, "all is well");

    edit(file_of(folder, "kbs.conf"), "sessions = 4096", "sessions = 1");
    assert_int_equal(check(folder), 4);
    assert_says(program_output, "sessions is 1; it may be from 16 to 1000000");
    edit(file_of(folder, "kbs.conf"), "sessions = 1", "sessions = 4096");

    assert_int_equal(rename(file_of(folder, "tls/server.key"), file_of(folder, "tls/kept.key")), 0);
    assert_int_equal(link(file_of(folder, "tls/ca.key"), file_of(folder, "tls/server.key")), 0);
    assert_int_equal(check(folder), 4);
    assert_says(program_output, "is not the key of the first certificate in");
    assert_int_equal(unlink(file_of(folder, "tls/server.key")), 0);
    assert_int_equal(check(folder), 4);
    assert_says(program_output, "tls/server.key: No such file or directory");
    assert_int_equal(rename(file_of(folder, "tls/kept.key"), file_of(folder, "tls/server.key")), 0);

    assert_int_equal(rename(file_of(folder, "master.key"), file_of(folder, "kept")), 0);
    write_file(file_of(folder, "master.key"),
               "0000000000000000000000000000000000000000000000000000000000000000\n");
    assert_int_equal(chmod(file_of(folder, "master.key"), 0600), 0);
    assert_int_equal(check(folder), 3);
    write_file(file_of(folder, "master.key"), "short\n");
    assert_int_equal(check(folder), 4);
    assert_int_equal(rename(file_of(folder, "kept"), file_of(folder, "master.key")), 0);

    assert_int_equal(rename(file_of(folder, "kbs.db"), file_of(folder, "kept.db")), 0);
    assert_int_equal(check(folder), 3);
    assert_says(program_output, "store: ");
    assert_int_equal(rename(file_of(folder, "kept.db"), file_of(folder, "kbs.db")), 0);
    assert_int_equal(check(folder), 0);
}

TEST(an_address_in_use_is_said)
{
    const char *folder = make_server("in-use"), *other = make_server("in-use-2");
    struct program_server server =
        program_serve(file_of(folder, "kbs.conf"), file_of(folder, "log"));
    char address[64];

    snprintf(address, sizeof(address), "\"127.0.0.1:%u\"", server.port);
    edit(file_of(other, "kbs.conf"), "\"127.0.0.1:0\"", address);
    assert_int_equal(program_run("serve", "--config", file_of(other, "kbs.conf")), 5);
    assert_says(program_output, "in use");
    assert_int_equal(program_end(&server, SIGTERM), 0);
}

TEST(the_release_key_is_the_one_that_init_wrote)
{
    const char *folder = make_server("release");

    assert_int_equal(program_run("show-release-key", "--config", file_of(folder, "kbs.conf")), 0);
    assert_string_equal(program_output, read_file(file_of(folder, "release-key.pem")));
    assert_int_equal(
        program_run("show-release-key", "--config", file_of(folder, "kbs.conf"), "--all"), 0);
    assert_says(program_output, "# active ");
    assert_int_equal(program_run("show-release-key"), 2);
}

TEST(a_rotated_master_key_opens_what_the_older_one_did)
{
    const char *folder = make_server("rotate");
    const char *config = file_of(folder, "kbs.conf");
    const char *before = keep_file(file_of(folder, "master.key"));

    assert_int_equal(program_run("rotate-master-key", "--config", config), 0);
    assert_says(program_output, "3 secrets and keys are now wrapped");
    assert_says(read_file(file_of(folder, "master.key")) + 65, before);
    assert_mode(file_of(folder, "master.key"), 0600);
    /* The newest alone now opens everything. */
    assert_int_equal(truncate(file_of(folder, "master.key"), 65), 0);
    assert_int_equal(program_run("serve", "--config", config, "--check-config"), 0);
    assert_int_equal(program_run("rotate-master-key", "--config", config, "--add"), 0);
    assert_int_equal(program_run("rotate-master-key", "--config", config, "--rewrap"), 0);
    assert_int_equal(program_run("rotate-master-key", "--config", config, "--add", "--rewrap"), 2);
}

TEST(a_lost_token_is_replaced)
{
    const char *folder = make_server("recover");

    assert_int_equal(program_run("recover-token", "--config", file_of(folder, "kbs.conf")), 0);
    assert_int_equal(strncmp(program_output, "kbs_", 4), 0);
    assert_string_not_equal(program_output, read_file(file_of(folder, "owner.token")));
}

TEST(the_usage_is_told)
{
    assert_int_equal(program_run("--help"), 0);
    assert_says(program_output, "Usage: kbs init DIR");
    assert_int_equal(program_run("nonsense"), 2);
    assert_int_equal(program_run("serve"), 2);
    assert_int_equal(program_run("serve", "--config", "x", "--ready-fd", "one"), 2);
    assert_int_equal(program_run("serve", "--config", in_scratch("absent")), 3);
    assert_says(program_output, "No such file or directory");
}

TEST_GROUP(scratch_make, scratch_remove)

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    program_path = argv[1];
    signal(SIGPIPE, SIG_IGN);
    return tests_run();
}
