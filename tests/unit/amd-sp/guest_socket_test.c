/* SPDX-License-Identifier: MIT */
/* The descriptor of docs/service-abi.md, served by a child process as `amd-sp
 * --guest-socket` does. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "emulator/amd-sp/certificate_table.h"
#include "emulator/amd-sp/guest_socket.h"
#include "emulator/amd-sp/unix_listener.h"
#include "lib/base/bytes.h"
#include "tests/unit/amd-sp/guest.h"
#include "tests/unit/child.h"
#include "tests/unit/registered.h"

#define ANSWER_HEADER offsetof(struct descriptor_answer, certificates)

static struct chip chip;
static char vcek_path[4096];
static struct guest_claim claim;
static char socket_path[64];

static struct descriptor_request request;
static struct descriptor_answer answer;
static struct guest_message_header header;

static int dial(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    strcpy(address.sun_path, socket_path);
    assert_int_equal(connect(connection, (struct sockaddr *)&address, sizeof(address)), 0);
    return connection;
}

static void prepare_report(uint32_t kind, uint32_t pages, uint64_t seqno)
{
    struct msg_report_req wish = {0};

    request.kind = kind;
    request.certificate_pages = pages;
    header = guest_header(MSG_REPORT_REQ, 0, seqno, sizeof(wish));
    guest_seal(claim.vmpck0, header, &wish, request.request);
}

static void exchange(int connection)
{
    size_t size = ANSWER_HEADER + request.certificate_pages * PAGE_SIZE;

    assert_int_equal(write(connection, &request, sizeof(request)), sizeof(request));
    assert_int_equal(read(connection, &answer, sizeof(answer)), size);
}

static void assert_report_of_the_claim(void)
{
    struct msg_report_rsp opened;
    struct snp_report report;

    guest_open(claim.vmpck0, &header, answer.response, &opened, sizeof(opened));
    assert_int_equal(opened.status, SNP_SUCCESS);
    memcpy(&report, opened.report, sizeof(report));
    assert_memory_equal(report.measurement, claim.measurement, sizeof(report.measurement));
    assert_true(report_is_signed_by(&report, vcek_path));
}

TEST(a_guest_request_is_answered_with_a_report_of_the_claim)
{
    int connection = dial();

    prepare_report(DESCRIPTOR_GUEST_REQUEST, 0, 1);
    exchange(connection);
    assert_int_equal(answer.exitinfo2, 0);
    assert_report_of_the_claim();
    close(connection);
}

TEST(an_extended_request_carries_certificates_once_they_fit)
{
    int connection = dial();

    prepare_report(DESCRIPTOR_EXTENDED_GUEST_REQUEST, 1, 1);
    exchange(connection);
    assert_int_equal(answer.exitinfo2,
                     (uint64_t)GUEST_REQUEST_INVALID_LEN << GUEST_REQUEST_VMM_ERROR_SHIFT);
    assert_int_equal(answer.rbx, certificate_table_pages(&chip));

    /* The message was not consumed: the same sequence number is good. */
    prepare_report(DESCRIPTOR_EXTENDED_GUEST_REQUEST, (uint32_t)answer.rbx, 1);
    exchange(connection);
    assert_int_equal(answer.exitinfo2, 0);
    assert_report_of_the_claim();
    assert_memory_equal(answer.certificates + get_le32(answer.certificates + 16),
                        chip.vcek_certificate.der, chip.vcek_certificate.size);
    close(connection);
}

TEST(a_refused_message_gives_the_firmware_status)
{
    int connection = dial();

    prepare_report(DESCRIPTOR_GUEST_REQUEST, 0, 3);
    exchange(connection);
    assert_int_equal(answer.exitinfo2, SNP_AEAD_OFLOW);
    close(connection);
}

TEST(broken_framing_closes_the_connection_and_the_next_one_is_served)
{
    static const size_t sizes[] = {1, sizeof(request) - 1, sizeof(request) + 1};
    uint8_t frame[sizeof(request) + 1] = {0};
    int connection;

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        connection = dial();
        assert_int_equal(write(connection, frame, sizes[i]), sizes[i]);
        assert_true(read(connection, &answer, sizeof(answer)) <= 0);
        close(connection);
    }
    connection = dial();
    prepare_report(DESCRIPTOR_GUEST_REQUEST, DESCRIPTOR_CERTIFICATE_PAGES_MAX + 1, 1);
    assert_int_equal(write(connection, &request, sizeof(request)), sizeof(request));
    assert_true(read(connection, &answer, sizeof(answer)) <= 0);
    close(connection);
    a_guest_request_is_answered_with_a_report_of_the_claim(state);
}

int main(int argc, char **argv)
{
    int failed, listener;
    pid_t server;

    if (argc != 2 || chip_open(&chip, argv[1]) != CHIP_OK)
        return 1;
    snprintf(vcek_path, sizeof(vcek_path), "%s/vcek.pem", argv[1]);
    snprintf(socket_path, sizeof(socket_path), "/tmp/amd-sp-test-%d.sock", getpid());
    memset(&claim, 0x3C, sizeof(claim));
    listener = unix_listen(socket_path, SOCK_SEQPACKET);
    server = child_fork();
    if (listener < 0 || server < 0)
        return 1;
    if (server == 0) {
        guest_socket_serve(&chip, &claim, listener);
        _exit(1);
    }
    close(listener);
    failed = tests_run();
    kill(server, SIGTERM);
    waitpid(server, NULL, 0);
    unlink(socket_path);
    chip_close(&chip);
    return failed;
}
