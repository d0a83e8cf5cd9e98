/* SPDX-License-Identifier: MIT */
#include "tests/unit/proxy/stack.h"

#include <netinet/in.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/jose/base64.h"
#include "lib/jose/jwe_ecdh.h"
#include "lib/release/advert.h"
#include "tests/unit/kbs/guest.h"
#include "tests/unit/kbs/scratch.h"
#include "tests/unit/proxy/frames.h"
#include "tests/unit/proxy/vm.h"
#include "tests/unit/registered.h"

struct stack stack;

static struct chip chip;
static const uint8_t secret[STATE_KEY_SIZE] = {0x5e, 0xc2, 0xe7};
static char folder[PATH_MAX], ark_path[PATH_MAX];

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
    scratch_path("kbs/kbs.conf", stack.config);
    scratch_path("kbs/tls/ca.pem", stack.ca_path);
    scratch_path("kbs/owner.token", stack.token_path);
    scratch_path("socket", stack.socket_path);
    file = fopen(scratch_path("ark.pem", ark_path), "w");
    PEM_write_X509(file, chip.ark);
    fclose(file);
    for (size_t i = 0; i < sizeof(secret); i++)
        sprintf(text + 2 * i, "%02x", secret[i]);
    strcat(text, "\n");
    write_file(scratch_path("secret", stack.secret_path), text);
    assert_int_equal(chmod(stack.secret_path, 0600), 0);
    for (size_t i = 0; i < sizeof(report.measurement); i++)
        sprintf(stack.measurement + 2 * i, "%02x", report.measurement[i]);
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
    snprintf(stack.url, sizeof(stack.url), "http://%s", listen);
    snprintf(stack.admin_url, sizeof(stack.admin_url), "https://%s", admin);
    assert_int_equal(RUN(stack.kbs, "init", folder, "--listen", listen, "--admin-listen", admin,
                         "--kds", "none", "--trust-emulated", ark_path),
                     0);
}

pid_t stack_start_kbs(void)
{
    const char *const arguments[] = {stack.kbs, "serve", "--config", stack.config, NULL};
    FILE *messages;
    pid_t pid = program_start(stack.kbs, arguments, &messages);

    program_says(messages, stack.admin_url);
    fclose(messages);
    return pid;
}

static pid_t start_proxy(void)
{
    const char *arguments[16] = {stack.proxy, "--unix", stack.socket_path, "--url", stack.url};
    pid_t pid;

    memcpy(arguments + 5, stack.options, sizeof(stack.options));
    pid = program_start(stack.proxy, arguments, &stack.proxy_log);
    program_says(stack.proxy_log, "\"serving\"");
    return pid;
}

int stack_start(void **state)
{
    chip_make(&chip);
    if (scratch_make(state) != 0)
        return -1;
    prepare_files();
    make_kbs();
    stack.kbs_pid = stack_start_kbs();
    stack.proxy_pid = start_proxy();
    return 0;
}

int stack_stop(void **state)
{
    int proxy_status = program_stop(stack.proxy_pid), kbs_status = program_stop(stack.kbs_pid);

    fclose(stack.proxy_log);
    chip_free(&chip);
    return scratch_remove(state) != 0 || proxy_status != 0 || kbs_status != 0 ||
                   access(stack.socket_path, F_OK) == 0
               ? -1
               : 0;
}

void stack_register(void)
{
    assert_int_equal(KBSCTL("image", "add", "image", "--measurement", stack.measurement), 0);
    assert_int_equal(KBSCTL("volume", "create", "volume", "--image", "image", "--key-file",
                            stack.secret_path, "--release", "any"),
                     0);
}

bool stack_take_programs(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: %s KBS KBSCTL PROXY\n", argv[0]);
        return false;
    }
    stack.kbs = argv[1];
    stack.kbsctl = argv[2];
    stack.proxy = argv[3];
    return true;
}

json_t *stack_receive(int vm)
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
    response = stack_receive(vm);
    strncpy(text, json_string_value(json_object_get(response, "challenge")), 127);
    assert_true(
        base64_decode_exact(BASE64_STANDARD, text, strlen(text), nonce, RELEASE_ADVERT_SIZE));
    json_decref(response);
}

bool stack_negotiate(int vm)
{
    char *text = vm_says(vm, NEGOTIATION_REQUEST) ? vm_hears(vm) : NULL;
    json_t *response = text ? json_loads(text, 0, NULL) : NULL;
    bool challenged = json_string_length(json_object_get(response, "challenge")) > 0;

    json_decref(response);
    free(text);
    return challenged;
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

/* What the VM is answered; the guest with the key for it is the caller's to stop. */
static json_t *attest(int vm, struct guest *guest)
{
    uint8_t nonce[RELEASE_ADVERT_SIZE];
    char text[128] = "";
    struct snp_report report;

    guest_start(guest, &chip);
    negotiate(vm, text, nonce);
    report = guest_report(guest, nonce, sizeof(nonce));
    send_evidence(vm, guest, text, &report);
    return stack_receive(vm);
}

void stack_attest(int vm)
{
    struct guest guest;
    json_t *response = attest(vm, &guest);
    uint8_t released[STATE_KEY_SIZE];

    open_response(&guest, response, released);
    assert_memory_equal(released, secret, sizeof(secret));
    json_decref(response);
    guest_stop(&guest);
}

void stack_attest_in_vain(int vm, const char *reason)
{
    struct guest guest;
    json_t *response = attest(vm, &guest);

    assert_true(json_is_false(json_object_get(response, "success")));
    assert_null(json_object_get(response, "secret"));
    assert_string_equal(json_string_value(json_object_get(response, "reason")), reason);
    json_decref(response);
    guest_stop(&guest);
}
