/* SPDX-License-Identifier: MIT */
/*
 * The programs kbs, kbsctl and proxy together, with a made-up chip's VMs at the proxy's socket.
 * Arguments: the paths of the three programs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/jose/base64.h"
#include "lib/jose/jwe_ecdh.h"
#include "lib/release/advert.h"
#include "tests/unit/kbs/guest.h"
#include "tests/unit/kbs/scratch.h"
#include "tests/unit/proxy/frames.h"
#include "tests/unit/proxy/program.h"
#include "tests/unit/proxy/vm.h"

#define VMS 8

static const char *kbs_program, *kbsctl_program, *proxy_program;
static struct chip chip;
static char folder[PATH_MAX], config[PATH_MAX], ca_path[PATH_MAX], token_path[PATH_MAX];
static char socket_path[PATH_MAX], ark_path[PATH_MAX], secret_path[PATH_MAX];
static char measurement[2 * LAUNCH_DIGEST_SIZE + 1], url[64], admin_url[64];
static const uint8_t secret[STATE_KEY_SIZE] = {0x5e, 0xc2, 0xe7};
static pid_t kbs_pid, proxy_pid;

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    fputs(text, file);
    fclose(file);
}

static void prepare_files(void)
{
    char text[2 * STATE_KEY_SIZE + 2];
    struct snp_report report = chip_report(&chip, (uint8_t[REPORT_DATA_SIZE]){0});
    FILE *file;

    scratch_path("kbs", folder);
    scratch_path("kbs/kbs.conf", config);
    scratch_path("kbs/tls/ca.pem", ca_path);
    scratch_path("kbs/owner.token", token_path);
    scratch_path("socket", socket_path);
    file = fopen(scratch_path("ark.pem", ark_path), "w");
    PEM_write_X509(file, chip.ark);
    fclose(file);
    for (size_t i = 0; i < sizeof(secret); i++)
        sprintf(text + 2 * i, "%02x", secret[i]);
    strcat(text, "\n");
    write_file(scratch_path("secret", secret_path), text);
    assert_int_equal(chmod(secret_path, 0600), 0);
    for (size_t i = 0; i < sizeof(report.measurement); i++)
        sprintf(measurement + 2 * i, "%02x", report.measurement[i]);
}

/* A port that nobody listens on, for a server that is to come back at the same one. */
static unsigned free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (const struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void make_kbs(void)
{
    char listen[32], admin[32];

    snprintf(listen, sizeof(listen), "127.0.0.1:%u", free_port());
    snprintf(admin, sizeof(admin), "127.0.0.1:%u", free_port());
    snprintf(url, sizeof(url), "http://%s", listen);
    snprintf(admin_url, sizeof(admin_url), "https://%s", admin);
    assert_int_equal(RUN(kbs_program, "init", folder, "--listen", listen, "--admin-listen", admin,
                         "--kds", "none", "--trust-emulated", ark_path),
                     0);
}

static pid_t start_kbs(void)
{
    const char *const arguments[] = {kbs_program, "serve", "--config", config, NULL};
    FILE *messages;
    pid_t pid = program_start(kbs_program, arguments, &messages);

    program_says(messages, admin_url);
    fclose(messages);
    return pid;
}

#define KBSCTL(...)                                                                                \
    RUN(kbsctl_program, "--url", admin_url, "--ca", ca_path, "--token-file", token_path,           \
        __VA_ARGS__)

static pid_t start_proxy(void)
{
    const char *const arguments[] = {proxy_program, "--unix",    socket_path, "--url",
                                     url,           "--timeout", "5",         NULL};
    FILE *messages;
    pid_t pid = program_start(proxy_program, arguments, &messages);

    program_says(messages, "\"serving\"");
    fclose(messages);
    return pid;
}

static int start_all(void **state)
{
    chip_make(&chip);
    if (scratch_make(state) != 0)
        return -1;
    prepare_files();
    make_kbs();
    kbs_pid = start_kbs();
    proxy_pid = start_proxy();
    return 0;
}

static int stop_all(void **state)
{
    int proxy_status = program_stop(proxy_pid), kbs_status = program_stop(kbs_pid);

    chip_free(&chip);
    return scratch_remove(state) != 0 || proxy_status != 0 || kbs_status != 0 ||
                   access(socket_path, F_OK) == 0
               ? -1
               : 0;
}

static json_t *receive_message(int vm)
{
    char *text = vm_hears(vm);
    json_t *message;

    assert_non_null(text);
    message = json_loads(text, 0, NULL);
    assert_non_null(message);
    free(text);
    return message;
}

/* Negotiates; the nonce in base64 and as bytes. */
static void negotiate(int vm, char text[128], uint8_t nonce[RELEASE_ADVERT_SIZE])
{
    json_t *response;

    vm_sends(vm, NEGOTIATION_REQUEST);
    response = receive_message(vm);
    strncpy(text, json_string_value(json_object_get(response, "challenge")), 127);
    assert_true(
        base64_decode_exact(BASE64_STANDARD, text, strlen(text), nonce, RELEASE_ADVERT_SIZE));
    json_decref(response);
}

/* The strings of an AttestationRequest are all padded base64. */
static void send_evidence(int vm, const struct guest *guest, const char *nonce,
                          const struct snp_report *report)
{
    uint8_t table[8192];
    size_t size = chip_table(NULL, chip.ask, chip.vcek, table, sizeof(table));
    char x[BASE64_LENGTH(P521_COORDINATE_SIZE) + 1], y[sizeof(x)];
    char report_text[BASE64_LENGTH(REPORT_SIZE) + 1], table_text[BASE64_LENGTH(sizeof(table)) + 1];
    json_t *request;
    char *text;

    base64_encode(BASE64_STANDARD, guest->point.x, sizeof(guest->point.x), x);
    base64_encode(BASE64_STANDARD, guest->point.y, sizeof(guest->point.y), y);
    base64_encode(BASE64_STANDARD, report, sizeof(*report), report_text);
    base64_encode(BASE64_STANDARD, table, size, table_text);
    request = json_pack("{s:s, s:{s:{s:s, s:s}}, s:s, s:{s:s, s:s}}", "tee", "snp", "evidence",
                        "Snp", "report", report_text, "certs_buf", table_text, "challenge", nonce,
                        "key", "x", x, "y", y);
    text = json_dumps(request, JSON_COMPACT);
    vm_sends(vm, text);
    free(text);
    json_decref(request);
}

static void decode_member(const json_t *object, const char *name, void *out, size_t size)
{
    const json_t *value = json_object_get(object, name);

    assert_true(json_is_string(value));
    assert_true(base64_decode_exact(BASE64_STANDARD, json_string_value(value),
                                    json_string_length(value), out, size));
}

/* Decrypts what an AttestationResponse releases. */
static void open_response(const struct guest *guest, const json_t *response,
                          uint8_t plaintext[STATE_KEY_SIZE])
{
    const json_t *decryption = json_object_get(response, "decryption");
    const json_t *aad = json_object_get(decryption, "aad");
    struct jwe jwe = {.size = STATE_KEY_SIZE};
    size_t length;

    assert_true(json_is_true(json_object_get(response, "success")));
    decode_member(response, "secret", jwe.ciphertext, STATE_KEY_SIZE);
    decode_member(json_object_get(decryption, "epk"), "x", jwe.epk.x, sizeof(jwe.epk.x));
    decode_member(json_object_get(decryption, "epk"), "y", jwe.epk.y, sizeof(jwe.epk.y));
    decode_member(decryption, "wrapped_cek", jwe.wrapped_cek, sizeof(jwe.wrapped_cek));
    decode_member(decryption, "iv", jwe.iv, sizeof(jwe.iv));
    decode_member(decryption, "tag", jwe.tag, sizeof(jwe.tag));
    assert_true(base64_decode(BASE64_STANDARD, json_string_value(aad), json_string_length(aad),
                              jwe.protected, sizeof(jwe.protected) - 1, &length));
    assert_int_equal(jwe_decrypt(guest->key, &jwe, plaintext), JWE_OK);
}

static void attest_and_expect_secret(int vm)
{
    uint8_t nonce[RELEASE_ADVERT_SIZE], released[STATE_KEY_SIZE];
    char text[128] = "";
    struct snp_report report;
    struct guest guest;
    json_t *response;

    guest_start(&guest, &chip);
    negotiate(vm, text, nonce);
    report = guest_report(&guest, nonce, sizeof(nonce));
    send_evidence(vm, &guest, text, &report);
    response = receive_message(vm);
    open_response(&guest, response, released);
    assert_memory_equal(released, secret, sizeof(secret));
    json_decref(response);
    guest_stop(&guest);
}

static void attest_and_expect_failure(int vm, const char *reason)
{
    uint8_t nonce[RELEASE_ADVERT_SIZE];
    char text[128] = "";
    struct snp_report report;
    struct guest guest;
    json_t *response;

    guest_start(&guest, &chip);
    negotiate(vm, text, nonce);
    report = guest_report(&guest, nonce, sizeof(nonce));
    send_evidence(vm, &guest, text, &report);
    response = receive_message(vm);
    assert_true(json_is_false(json_object_get(response, "success")));
    assert_null(json_object_get(response, "secret"));
    assert_string_equal(json_string_value(json_object_get(response, "reason")), reason);
    json_decref(response);
    guest_stop(&guest);
}

static void nothing_is_released_before_registration_and_the_secret_after(void **state)
{
    int vm = vm_connect(socket_path);

    (void)state;
    attest_and_expect_failure(vm, "kbs-refused");
    assert_int_equal(KBSCTL("image", "add", "image", "--measurement", measurement), 0);
    assert_int_equal(KBSCTL("volume", "create", "volume", "--image", "image", "--key-file",
                            secret_path, "--release", "any"),
                     0);
    attest_and_expect_secret(vm);
    attest_and_expect_secret(vm); /* the next boot, on the same line */
    close(vm);
}

static void vms_do_not_wait_for_each_other(void **state)
{
    int vms[VMS];

    (void)state;
    for (int i = 0; i < VMS; i++) {
        vms[i] = vm_connect(socket_path);
        if (i % 2)
            vm_sends_bytes(vms[i], "\377\377", 2); /* half a frame, then silence */
    }
    for (int i = 0; i < VMS; i += 2)
        attest_and_expect_secret(vms[i]);
    for (int i = 0; i < VMS; i++)
        close(vms[i]);
}

static void a_kbs_that_is_down_is_reported_and_missed_no_longer_than_that(void **state)
{
    int vm = vm_connect(socket_path);
    json_t *response;

    (void)state;
    assert_int_equal(program_stop(kbs_pid), 0);
    vm_sends(vm, NEGOTIATION_REQUEST);
    response = receive_message(vm);
    assert_string_equal(json_string_value(json_object_get(response, "challenge")), "");
    assert_string_equal(json_string_value(json_object_get(response, "reason")), "kbs-unreachable");
    json_decref(response);
    kbs_pid = start_kbs();
    attest_and_expect_secret(vm); /* the registration outlived the restart */
    close(vm);
}

static void programs_tell_their_failures_apart(void **state)
{
    (void)state;
    assert_int_equal(RUN(kbs_program, "--help"), 0);
    assert_int_equal(RUN(kbs_program, "serve", "--help"), 0);
    assert_int_equal(RUN(kbs_program, "conquer"), 2);
    assert_int_equal(RUN(kbs_program, "serve"), 2);
    assert_int_equal(RUN(kbs_program, "serve", "--config", "/nonexistent"), 3);
    assert_int_equal(RUN(kbs_program, "serve", "--config", config, "--check-config"), 0);
    assert_int_equal(RUN(kbs_program, "serve", "--config", config), 5);

    assert_int_equal(RUN(proxy_program, "--help"), 0);
    assert_int_equal(RUN(proxy_program, "--unix", socket_path), 2);
    assert_int_equal(RUN(proxy_program, "--unix", socket_path, "--url", "ftp://127.0.0.1"), 2);
    assert_int_equal(RUN(proxy_program, "--unix", socket_path, "--url", url, "--timeout", "0"), 2);
    assert_int_equal(RUN(proxy_program, "--unix", "/nonexistent/socket", "--url", url), 3);
    assert_int_equal(RUN(proxy_program, "--unix", socket_path, "--url", url), 5);
}

static void a_retired_volume_gives_its_key_to_nobody(void **state)
{
    int vm = vm_connect(socket_path);

    (void)state;
    assert_int_equal(KBSCTL("volume", "retire", "volume"), 0);
    attest_and_expect_failure(vm, "kbs-refused");
    close(vm);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_released_before_registration_and_the_secret_after),
        cmocka_unit_test(vms_do_not_wait_for_each_other),
        cmocka_unit_test(a_kbs_that_is_down_is_reported_and_missed_no_longer_than_that),
        cmocka_unit_test(programs_tell_their_failures_apart),
        cmocka_unit_test(a_retired_volume_gives_its_key_to_nobody),
    };

    if (argc != 4) {
        fprintf(stderr, "usage: %s KBS KBSCTL PROXY\n", argv[0]);
        return 2;
    }
    kbs_program = argv[1];
    kbsctl_program = argv[2];
    proxy_program = argv[3];
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
