/* SPDX-License-Identifier: MIT */
/*
 * The program as a whole, in both of its front-ends, against the emulated AMD-SP program.
 * Arguments: paths of attest and amd-sp.
 */
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/pem.h>

#include "lib/boot/boot_params.h"
#include "lib/file/io.h"
#include "services/attest/attest_service.h"
#include "services/attest/fetch_key.h"
#include "tests/unit/attest/fake_proxy.h"
#include "tests/unit/child.h"
#include "tests/unit/registered.h"

#define MEASUREMENT                                                                                \
    "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00"                                             \
    "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00"
#define VMPCK0                                                                                     \
    "000102030405060708090a0b0c0d0e0f"                                                             \
    "101112131415161718191a1b1c1d1e1f"

static const char *attest_path, *amd_sp_path;
static char folder[] = "/tmp/attest-test-XXXXXX";
static char chip[64], sp_socket[64], proxy_socket[64], vmpck0_file[64], key_file[64];
static char kbs_file[64];
static pid_t amd_sp;
static struct fake_proxy proxy;
static int client;

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    return address;
}

/* Connects as soon as the server listens: an AMD-SP makes its chip's RSA keys first, which on a
 * busy machine has taken more than ten seconds. */
static int connect_to(const char *path, int type)
{
    struct sockaddr_un address = address_of(path);
    struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    for (unsigned int tries = 0; tries < 6000; tries++) {
        if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
            return fd;
        nanosleep(&pause, NULL);
    }
    fail_msg("nothing listens on %s", path);
    return -1;
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(io_write_all(fd, bytes, size));
    close(fd);
}

static int start_amd_sp(void **state)
{
    struct boot_kbs no_pins = {0};
    uint8_t vmpck0[VMPCK_SIZE];

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(chip, sizeof(chip), "%s/chip", folder);
    snprintf(sp_socket, sizeof(sp_socket), "%s/amd-sp", folder);
    snprintf(proxy_socket, sizeof(proxy_socket), "%s/proxy", folder);
    snprintf(vmpck0_file, sizeof(vmpck0_file), "%s/vmpck0", folder);
    snprintf(key_file, sizeof(key_file), "%s/key", folder);
    snprintf(kbs_file, sizeof(kbs_file), "%s/kbs", folder);
    for (unsigned int i = 0; i < sizeof(vmpck0); i++)
        vmpck0[i] = (uint8_t)i;
    write_file(vmpck0_file, vmpck0, sizeof(vmpck0));
    write_file(kbs_file, &no_pins, sizeof(no_pins));

    amd_sp = child_fork();
    if (amd_sp == 0) {
        execl(amd_sp_path, amd_sp_path, "--chip", chip, "--guest-socket", sp_socket,
              "--measurement", MEASUREMENT, "--vmpck0", VMPCK0, (char *)NULL);
        _exit(127);
    }
    close(connect_to(sp_socket, SOCK_SEQPACKET)); /* waits for it */
    return 0;
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
    (void)stat;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int stop_amd_sp(void **state)
{
    (void)state;
    kill(amd_sp, SIGTERM);
    waitpid(amd_sp, NULL, 0);
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int start_proxy(void **state)
{
    (void)state;
    fake_proxy_init(&proxy, &client);
    return 0;
}

static int stop_proxy(void **state)
{
    (void)state;
    fake_proxy_release(&proxy);
    close(client);
    unlink(key_file);
    return 0;
}

static int exit_status_of(pid_t child)
{
    int status;

    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* The service, with its descriptors where the SVSM has them. */
struct started_service {
    pid_t pid;
    int channel, key;
};

static struct started_service start_service(void)
{
    struct started_service service;
    int channel[2], key[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel), 0);
    assert_int_equal(pipe2(key, O_CLOEXEC), 0);
    service.pid = child_fork();
    if (service.pid == 0) {
        const int from[] = {channel[0],
                            client,
                            connect_to(sp_socket, SOCK_SEQPACKET),
                            open(vmpck0_file, O_RDONLY | O_CLOEXEC),
                            key[1],
                            open(kbs_file, O_RDONLY | O_CLOEXEC)};
        int high[6];

        for (int i = 0; i < 6; i++)
            high[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 100);
        for (int i = 0; i < 6; i++)
            dup2(high[i], 3 + i);
        execl(attest_path, attest_path, (char *)NULL);
        _exit(127);
    }
    /* Only the service's end is left, so that its death is seen by those who wait for it. */
    close(client);
    client = -1;
    close(channel[0]);
    close(key[1]);
    service.channel = channel[1];
    service.key = key[0];
    return service;
}

static void stop_service(const struct started_service *service)
{
    close(service->channel);
    close(service->key);
    assert_int_equal(exit_status_of(service->pid), 0);
}

/* Sends operation with arguments; returns the size of the response. */
static ssize_t ask(const struct started_service *service, uint32_t operation, const void *arguments,
                   size_t size, uint8_t *response, size_t room)
{
    uint8_t request[512];
    struct writer out = writer_over(request, sizeof(request));

    assert_true(writer_le32(&out, operation) && writer_put(&out, arguments, size));
    assert_int_equal(write(service->channel, request, out.used), out.used);
    return read(service->channel, response, room);
}

TEST_FIXTURE(the_service_fetches_the_key_and_makes_reports, start_proxy, stop_proxy)
{
    const uint8_t report_request[64 + 4 + 1 + 4] = {[64] = 1, [68] = 'm', [69] = 1};
    struct started_service service = start_service();
    uint8_t response[8192], key[STATE_KEY_SIZE], measurement[LAUNCH_DIGEST_SIZE];
    struct snp_report report;
    uint32_t certificates_size;

    memset(measurement, 0, sizeof(measurement));
    for (unsigned int i = 0; i < sizeof(measurement); i += 4)
        memcpy(measurement + i, "\xc0\xff\xee", 3);

    fake_proxy_start(&proxy);
    assert_int_equal(ask(&service, ATTEST_FETCH_KEY, "", 0, response, sizeof(response)), 4);
    fake_proxy_join(&proxy);
    assert_int_equal(get_le32(response), ATTEST_STATUS_DONE);
    assert_int_equal(read(service.key, key, sizeof(key)), sizeof(key));
    assert_memory_equal(key, proxy.secret, sizeof(key));
    assert_true(fake_proxy_saw_bound_key(&proxy));

    assert_true(ask(&service, ATTEST_REPORT, report_request, sizeof(report_request), response,
                    sizeof(response)) >= 4 + 4 + REPORT_SIZE + 4);
    assert_int_equal(get_le32(response), ATTEST_STATUS_DONE);
    memcpy(&report, response + 8, sizeof(report));
    assert_int_equal(report.vmpl, 0);
    assert_memory_equal(report.measurement, measurement, sizeof(measurement));
    certificates_size = get_le32(response + 8 + REPORT_SIZE);
    assert_in_range(certificates_size, 1000, sizeof(response));
    stop_service(&service);
}

TEST_FIXTURE(the_service_reports_a_closed_proxy_and_lives_on, start_proxy, stop_proxy)
{
    struct started_service service = start_service();
    uint8_t response[16];

    proxy.negotiation = NULL;
    fake_proxy_start(&proxy);
    assert_int_equal(ask(&service, ATTEST_FETCH_KEY, "", 0, response, sizeof(response)), 4);
    fake_proxy_join(&proxy);
    assert_int_equal(get_le32(response), ATTEST_STATUS_PROXY_SILENT);
    assert_int_equal(ask(&service, 99, "", 0, response, sizeof(response)), 4);
    assert_int_equal(get_le32(response), ATTEST_STATUS_MALFORMED_REQUEST);
    stop_service(&service);
}

/* Runs the native front-end against the proxy, with the KBS's key unless NULL, and with its
 * messages in that file unless NULL; returns its exit status. */
static int run_native_to(const char *messages, const char *kbs_key)
{
    struct sockaddr_un address = address_of(proxy_socket);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char proxy_option[80], sp_option[80];
    pid_t child;

    snprintf(proxy_option, sizeof(proxy_option), "unix:%s", proxy_socket);
    snprintf(sp_option, sizeof(sp_option), "unix:%s", sp_socket);
    unlink(proxy_socket);
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 1), 0);
    child = child_fork();
    if (child == 0) {
        if (messages && !freopen(messages, "w", stderr))
            _exit(126);
        execl(attest_path, attest_path, "--proxy", proxy_option, "--amd-sp", sp_option,
              "--vmpck0-file", vmpck0_file, "--key-out", key_file,
              kbs_key ? "--kbs-key" : (char *)NULL, kbs_key, (char *)NULL);
        _exit(127);
    }
    close(proxy.fd);
    proxy.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    close(listener);
    fake_proxy_start(&proxy);
    fake_proxy_join(&proxy);
    return exit_status_of(child);
}

static int run_native(const char *kbs_key)
{
    return run_native_to(NULL, kbs_key);
}

TEST_FIXTURE(the_native_front_end_writes_the_key_to_a_new_private_file, start_proxy, stop_proxy)
{
    uint8_t key[STATE_KEY_SIZE];
    struct stat stat;
    int fd;

    assert_int_equal(run_native(NULL), 0);
    fd = open(key_file, O_RDONLY | O_CLOEXEC);
    assert_int_equal(fstat(fd, &stat), 0);
    assert_int_equal(stat.st_size, sizeof(key));
    assert_int_equal(stat.st_mode & 0777, 0600);
    assert_true(io_read_exactly(fd, key, sizeof(key)));
    assert_memory_equal(key, proxy.secret, sizeof(key));
    close(fd);
}

TEST_FIXTURE(the_native_front_end_leaves_no_file_when_it_fails, start_proxy, stop_proxy)
{
    proxy.attestation = "{\"success\":false,\"reason\":\"kbs-refused\"}";
    assert_int_equal(run_native(NULL), 10 + ATTEST_STATUS_KBS_REFUSED);
    assert_int_equal(access(key_file, F_OK), -1);
}

TEST_FIXTURE(nothing_of_the_proxys_words_reaches_the_console, start_proxy, stop_proxy)
{
    char messages[64], text[512];
    size_t length;
    FILE *file;

    snprintf(messages, sizeof(messages), "%s/messages", folder);
    proxy.attestation = "{\"success\":false,\"reason\":\"\\u001b[2Jgotcha\\r\\n\"}";
    assert_int_equal(run_native_to(messages, NULL), 10 + ATTEST_STATUS_UNEXPLAINED);
    file = fopen(messages, "r");
    assert_non_null(file);
    length = fread(text, 1, sizeof(text) - 1, file);
    text[length] = '\0';
    fclose(file);
    assert_non_null(strstr(text, attest_error_words(ATTEST_ERR_UNEXPLAINED)));
    assert_null(strstr(text, "gotcha"));
    assert_null(strpbrk(text, "\033\r"));
}

TEST_FIXTURE(the_native_front_end_takes_only_a_release_signed_with_its_key, start_proxy, stop_proxy)
{
    EVP_PKEY *kbs_key = EVP_EC_gen("P-384"), *other_key = EVP_EC_gen("P-384");
    char pem[64];
    FILE *file;

    snprintf(pem, sizeof(pem), "%s/kbs.pem", folder);
    file = fopen(pem, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_PUBKEY(file, kbs_key), 1);
    fclose(file);
    fake_proxy_advertise(&proxy, kbs_key, 1);
    assert_int_equal(run_native(pem), 0);
    assert_int_equal(unlink(key_file), 0);
    stop_proxy(state);
    start_proxy(state);
    fake_proxy_advertise(&proxy, kbs_key, 2);
    proxy.signer = other_key;
    assert_int_equal(run_native(pem), 10 + ATTEST_STATUS_UNSIGNED);
    assert_int_equal(access(key_file, F_OK), -1);
    unlink(pem);
    EVP_PKEY_free(kbs_key);
    EVP_PKEY_free(other_key);
}

TEST_FIXTURE(a_service_with_a_pinned_key_takes_no_unsigned_release, start_proxy, stop_proxy)
{
    struct boot_kbs no_pins = {0};
    struct boot_kbs kbs = {.flags = BOOT_KBS_REQUIRE_SIGNED, .pin_count = 1};
    struct started_service service;
    uint8_t response[64];

    write_file(kbs_file, &kbs, sizeof(kbs));
    service = start_service();
    fake_proxy_start(&proxy);
    assert_int_equal(ask(&service, ATTEST_FETCH_KEY, "", 0, response, sizeof(response)), 4);
    assert_int_equal(get_le32(response), ATTEST_STATUS_UNSIGNED);
    stop_service(&service);
    fake_proxy_join(&proxy);
    assert_null(proxy.attestation_request);

    kbs.flags = 0; /* pins that nothing demands: which of both did the builder mean? */
    write_file(kbs_file, &kbs, sizeof(kbs));
    service = start_service();
    assert_int_equal(exit_status_of(service.pid), EXIT_FAILURE);
    close(service.channel);
    close(service.key);
    write_file(kbs_file, &no_pins, sizeof(no_pins));
}

static int run_with(const char *option, const char *value)
{
    pid_t child = child_fork();

    if (child == 0) {
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
            _exit(126);
        execl(attest_path, attest_path, option, value, (char *)NULL);
        _exit(127);
    }
    return exit_status_of(child);
}

TEST(options_are_checked)
{
    assert_int_equal(run_with("--help", NULL), 0);
    assert_int_equal(run_with("-h", NULL), 0);
    assert_int_equal(run_with("--nonsense", NULL), 2);
    assert_int_equal(run_with("stray", NULL), 2);
    assert_int_equal(run_with("--timeout", "0"), 2);
    assert_int_equal(run_with("--timeout", "-1"), 2);
    assert_int_equal(run_with("--timeout", "5x"), 2);
    assert_int_equal(run_with("--proxy", "unix:/nowhere"), 2);
    assert_int_equal(run_with("--kbs-key", "/dev/null"), 2);
    assert_int_equal(run_with("--volume", "00112233-4455-6677-8899-aabbccddee"), 2);
}

TEST_GROUP(start_amd_sp, stop_amd_sp)

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    attest_path = argv[1];
    amd_sp_path = argv[2];
    return tests_run();
}
