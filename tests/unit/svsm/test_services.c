/* SPDX-License-Identifier: MIT */
/* The two services: what they are given, what the kernel makes of their answers, and how they end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "lib/abi/attest_service.h"
#include "lib/abi/tpm_service.h"
#include "lib/base/bytes.h"
#include "lib/snp/secrets_page.h"
#include "lib/snp/svsm_abi.h"
#include "svsm/arch/memory.h"
#include "svsm/mm/page_allocator.h"
#include "svsm/process/attest_service.h"
#include "svsm/process/tpm_service.h"
#include "tests/unit/registered.h"
#include "tests/unit/svsm/fake/vm.h"

#define DATA   0x401000ull
#define BUFFER 0x91000ull
#define SIZE   sizeof(struct state_grant)

static const uint8_t tpm_failure[] = {0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x01, 0x01};
static uint32_t answered_status, answered_word;
static size_t answered_size;
static uint8_t last_request[CHANNEL_MESSAGE_MAX];
static size_t last_request_size;

/* What the services say to each other, through the kernel. */
static struct {
    unsigned int due;         /* so often from now on the TPM service has something to be asked */
    uint32_t due_status;      /* of DUE */
    uint32_t attest_status;   /* of the attestation service's answer, with a word 0x77 behind */
    uint32_t told_status;     /* of the TPM service, to that */
    unsigned int waits;       /* so often from now on a command waits */
    unsigned int asked, told; /* so often */
    uint8_t question[8], answer[16];
    size_t answer_size;
    bool attest_ends;
} talk;

#define QUESTION 0x51 /* no operation of any service */

/* The answers to what the kernel carries; 0: this is none of it. */
static size_t talks(const uint8_t *request, size_t size, uint8_t *response)
{
    size_t answer = 4;

    switch (get_le32(request)) {
    case SERVICE_DUE:
        put_le32(response, talk.due_status);
        if (talk.due > 0) {
            talk.due--;
            put_le32(response + 4, QUESTION);
            put_le32(response + 8, 0xA5A5);
            answer = 12;
        }
        return answer;
    case QUESTION:
        talk.asked++;
        memcpy(talk.question, request, size <= sizeof(talk.question) ? size : 0);
        assert_int_equal(size, sizeof(talk.question));
        put_le32(response, talk.attest_status);
        put_le32(response + 4, 0x77);
        return talk.attest_ends ? 0 : 8;
    case SERVICE_TOLD:
        talk.told++;
        assert_true(size <= sizeof(talk.answer));
        memcpy(talk.answer, request, size);
        talk.answer_size = size;
        put_le32(response, talk.told_status);
        return answer;
    case SERVICE_COMMAND:
        if (talk.waits == 0)
            return 0;
        talk.waits--;
        put_le32(response, SERVICE_WAITS);
        return answer;
    }
    return 0;
}

/* status, a word, and 0x5A up to the size. */
static size_t answers(const uint8_t *request, size_t size, uint8_t *response)
{
    size_t talked = answered_size == 0 ? 0 : talks(request, size, response);

    if (talked > 0 || get_le32(request) == QUESTION)
        return talked;
    memcpy(last_request, request, size);
    last_request_size = size;
    memset(response, 0x5A, CHANNEL_MESSAGE_MAX + 1);
    put_le32(response, answered_status);
    put_le32(response + 4, answered_word);
    return answered_size;
}

static int start(void **state)
{
    (void)state;
    vm_start_guest();
    vm_give_guest(gpa(BUFFER));
    answered_status = 0;
    answered_word = 0;
    answered_size = 8;
    memset(&talk, 0, sizeof(talk));
    vm_serve(answers);
    memset(&vm.attest, 0, sizeof(vm.attest));
    memset(&vm.tpm, 0, sizeof(vm.tpm));
    if (block_init(&vm.volume, &vm.cpus[0].clock) != STATUS_OK ||
        attest_service_start(&vm.attest, &vm.params.services[0], &vm.proxy, &vm.amd_sp,
                             &vm.state_key, &vm.kbs) != STATUS_OK ||
        tpm_service_start(&vm.tpm, &vm.params.services[1], &vm.volume, &vm.state_key) != STATUS_OK)
        return -1;
    return 0;
}

static bool is_open(const struct service *service, unsigned descriptor)
{
    return service->process.files[descriptor].operations != NULL;
}

static const void *behind(const struct service *service, unsigned descriptor)
{
    return service->process.files[descriptor].object;
}

/* T706, T707 */
TEST_SETUP(each_service_has_its_own_descriptors_and_no_other, start)
{
    for (unsigned descriptor = 0; descriptor < PROCESS_FILES_MAX; descriptor++) {
        assert_int_equal(is_open(&vm.attest, descriptor), descriptor >= 1 && descriptor <= 8);
        assert_int_equal(is_open(&vm.tpm, descriptor), descriptor >= 1 && descriptor <= 5);
        if (is_open(&vm.attest, descriptor))
            assert_ptr_not_equal(behind(&vm.attest, descriptor), &vm.volume);
        if (is_open(&vm.tpm, descriptor)) {
            assert_ptr_not_equal(behind(&vm.tpm, descriptor), &vm.proxy);
            assert_ptr_not_equal(behind(&vm.tpm, descriptor), &vm.amd_sp);
        }
    }
    assert_ptr_equal(behind(&vm.tpm, SERVICE_DISK_FD), &vm.volume);
    assert_ptr_equal(behind(&vm.attest, ATTEST_FD_PROXY), &vm.proxy);
}

TEST_SETUP(the_state_key_goes_one_way_and_once, start)
{
    uint8_t key[SIZE];

    memset(key, 0x99, sizeof(key));
    assert_int_equal(user_write(&vm.attest.process.space, (uva_t){DATA}, key, sizeof(key)), 0);
    assert_int_equal(vm_syscall(&vm.tpm, SYS_read, SERVICE_KEY_FD, DATA, SIZE, 0), 0);
    assert_int_equal(vm_syscall(&vm.attest, SYS_write, ATTEST_FD_STATE_KEY, DATA, SIZE - 1, 0),
                     -EINVAL);
    assert_int_equal(vm_syscall(&vm.attest, SYS_write, ATTEST_FD_STATE_KEY, 0, SIZE, 0), -EFAULT);
    assert_int_equal(vm_syscall(&vm.attest, SYS_write, ATTEST_FD_STATE_KEY, DATA, SIZE, 0), SIZE);
    assert_int_equal(vm_syscall(&vm.attest, SYS_write, ATTEST_FD_STATE_KEY, DATA, SIZE, 0),
                     -EINVAL);
    assert_int_equal(vm_syscall(&vm.attest, SYS_read, ATTEST_FD_STATE_KEY, DATA, SIZE, 0), -EINVAL);
    assert_int_equal(vm_syscall(&vm.tpm, SYS_write, SERVICE_KEY_FD, DATA, SIZE, 0), -EINVAL);
    assert_int_equal(vm_syscall(&vm.tpm, SYS_read, SERVICE_KEY_FD, DATA, SIZE - 1, 0), -EINVAL);
    assert_int_equal(vm_syscall(&vm.tpm, SYS_read, SERVICE_KEY_FD, DATA, SIZE, 0), SIZE);
    assert_int_equal(user_read(&vm.tpm.process.space, key, (uva_t){DATA}, sizeof(key)), 0);
    assert_int_equal(key[SIZE - 1], 0x99);
    assert_int_equal(vm_syscall(&vm.tpm, SYS_read, SERVICE_KEY_FD, DATA, SIZE, 0), 0);
    for (size_t i = 0; i < sizeof(vm.state_key.grant); i++)
        assert_int_equal(vm.state_key.grant[i], 0);
}

/* T507 */
TEST_SETUP(vmpck0_is_given_once_and_gone, start)
{
    uint8_t key[VMPCK_SIZE];
    const struct secrets_page *page = (struct secrets_page *)fake_bytes(gpa(FAKE_SECRETS_PAGE));

    assert_int_equal(vm_syscall(&vm.attest, SYS_read, ATTEST_FD_VMPCK0, DATA, 31, 0), -EINVAL);
    assert_int_equal(vm_syscall(&vm.attest, SYS_read, ATTEST_FD_VMPCK0, DATA, 64, 0), VMPCK_SIZE);
    assert_int_equal(user_read(&vm.attest.process.space, key, (uva_t){DATA}, sizeof(key)), 0);
    assert_int_equal(key[0], 0xA0);
    assert_int_equal(page->vmpck[0][0], 0);
    assert_int_equal(page->vmpck[1][0], 0xA1);
    assert_int_equal(vm_syscall(&vm.attest, SYS_read, ATTEST_FD_VMPCK0, DATA, 64, 0), 0);
}

TEST_SETUP(whom_to_believe_is_read_once_and_whole, start)
{
    assert_int_equal(vm_syscall(&vm.attest, SYS_read, ATTEST_FD_KBS, DATA, 471, 0), -EINVAL);
    assert_int_equal(vm_syscall(&vm.attest, SYS_read, ATTEST_FD_KBS, DATA, 500, 0), 472);
    assert_int_equal(vm_syscall(&vm.attest, SYS_read, ATTEST_FD_KBS, DATA, 500, 0), 0);
}

TEST_SETUP(the_amd_sp_is_one_write_and_one_read, start)
{
    uint64_t at = (uint64_t)vm_syscall(&vm.attest, SYS_mmap, 0, 0x10000, 3, 0x22);
    struct amd_sp_request request = {.kind = AMD_SP_EXT_GUEST_REQUEST, .certificate_pages = 2};
    struct amd_sp_answer answer;
    uint64_t size = offsetof(struct amd_sp_answer, certificates) + 2 * PAGE_SIZE;

    fake_host.exitinfo2 = 0x100000000;
    fake_host.certificate_pages_needed = 3;
    assert_int_equal(user_write(&vm.attest.process.space, (uva_t){at}, &request, sizeof(request)),
                     0);
    assert_int_equal(vm_syscall(&vm.attest, SYS_read, ATTEST_FD_AMD_SP, at, 0x8000, 0), 0);
    assert_int_equal(vm_syscall(&vm.attest, SYS_write, ATTEST_FD_AMD_SP, at, 4103, 0), -EINVAL);
    assert_int_equal(vm_syscall(&vm.attest, SYS_write, ATTEST_FD_AMD_SP, at, 4104, 0), 4104);
    assert_int_equal(vm_syscall(&vm.attest, SYS_read, ATTEST_FD_AMD_SP, at, size - 1, 0), -EINVAL);
    assert_int_equal(vm_syscall(&vm.attest, SYS_read, ATTEST_FD_AMD_SP, at, 0x8000, 0), size);
    assert_int_equal(user_read(&vm.attest.process.space, &answer, (uva_t){at}, size), 0);
    assert_int_equal(answer.exitinfo2, 0x100000000);
    assert_int_equal(answer.rbx, 3);
    assert_int_equal(answer.message[0], 0x55);
    assert_int_equal(vm_syscall(&vm.attest, SYS_read, ATTEST_FD_AMD_SP, at, 0x8000, 0), 0);
    request.kind = 2;
    assert_int_equal(user_write(&vm.attest.process.space, (uva_t){at}, &request, sizeof(request)),
                     0);
    assert_int_equal(vm_syscall(&vm.attest, SYS_write, ATTEST_FD_AMD_SP, at, 4104, 0), -EINVAL);
    request = (struct amd_sp_request){.certificate_pages = 5};
    assert_int_equal(user_write(&vm.attest.process.space, (uva_t){at}, &request, sizeof(request)),
                     0);
    assert_int_equal(vm_syscall(&vm.attest, SYS_write, ATTEST_FD_AMD_SP, at, 4104, 0), -EINVAL);
    assert_int_equal(fake_host.guest_requests, 1);
}

/* The channel. */
TEST_SETUP(a_response_is_due_once_for_each_request, start)
{
    assert_int_equal(vm_syscall(&vm.tpm, SYS_write, CHANNEL_FD, DATA, 4, 0), -EPIPE);
    vm.tpm.channel.request_size = 100;
    assert_int_equal(vm_syscall(&vm.tpm, SYS_read, CHANNEL_FD, DATA, 99, 0), -EMSGSIZE);
    assert_int_equal(vm_syscall(&vm.tpm, SYS_read, CHANNEL_FD, DATA, 8192, 0), 100);
    assert_int_equal(vm_syscall(&vm.tpm, SYS_write, CHANNEL_FD, DATA, 0, 0), -EMSGSIZE);
    assert_int_equal(vm_syscall(&vm.tpm, SYS_write, CHANNEL_FD, DATA, 8193, 0), -EMSGSIZE);
    assert_int_equal(vm_syscall(&vm.tpm, SYS_write, CHANNEL_FD, 8, 8192, 0), -EFAULT);
    assert_int_equal(vm_syscall(&vm.tpm, SYS_write, CHANNEL_FD, DATA, 8192, 0), 8192);
    assert_int_equal(vm_syscall(&vm.tpm, SYS_write, CHANNEL_FD, DATA, 4, 0), -EPIPE);
}

static bool confirmed;

#define PCR_BANKS 0x6

static void open_tpm(void)
{
    confirmed = tpm_service_open(&vm.tpm, &vm.attest, PCR_BANKS);
}

TEST_SETUP(what_open_answers_is_said_or_ends_the_vm, start)
{
    static const struct {
        uint32_t status, how;
        const char *end;
    } cases[] = {
        {0, 0, ""},
        {0, 1, ""},
        {0, 2, ""},
        {0, 3, "tpm: the service does not say how it opened the volume"},
        {1, 0, "tpm: the state volume failed"},
        {2, 0, "tpm: the state volume is damaged; it was not changed"},
        {5, 0,
         "tpm: the TPM's libtpms refuses the state in the volume, which is intact; it was not "
         "changed"},
        {6, 0,
         "tpm: a newer libtpms wrote the state in the volume, which is intact; it was not "
         "changed"},
        {7, 0,
         "tpm: the state volume is not the one that the KBS's record admits; it was not changed"},
        {4, 0, "tpm: the service cannot open the state volume"},
        {77, 0, "tpm: the service cannot open the state volume"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        answered_status = cases[i].status;
        answered_word = cases[i].how;
        assert_string_equal(ENDS(open_tpm()), cases[i].end);
        assert_int_equal(get_le32(last_request), SERVICE_OPEN);
        assert_int_equal(get_le32(last_request + 4), PCR_BANKS);
    }
    answered_status = 0;
    answered_size = 7;
    assert_string_equal(ENDS(open_tpm()), "tpm: malformed response");
    answered_size = 3;
    assert_string_equal(ENDS(open_tpm()), "tpm: the service gave no response");
    answered_size = 0;
    assert_string_equal(ENDS(open_tpm()), "tpm: the service has ended");
    assert_string_equal(ENDS(open_tpm()), "tpm: the service has ended");
}

TEST_SETUP(a_state_to_be_confirmed_goes_from_the_tpm_to_the_kbs, start)
{
    static const uint8_t question[] = {QUESTION, 0, 0, 0, 0xA5, 0xA5, 0, 0};

    open_tpm();
    assert_false(confirmed);
    assert_int_equal(talk.asked, 0);
    answered_size = 8 + sizeof(struct state_name);
    talk.due = 1;
    assert_string_equal(ENDS(open_tpm()), "");
    assert_true(confirmed);
    assert_memory_equal(talk.question, question, sizeof(question));
    assert_int_equal(talk.answer_size, 4 + 8);
    assert_int_equal(get_le32(talk.answer + 4), 0);
    assert_int_equal(get_le32(talk.answer + 8), 0x77);
}

TEST_SETUP(without_its_confirmation_the_vm_ends, start)
{
    static const char unconfirmed[] =
        "tpm: the KBS does not confirm the TPM's state, and the guest does not start";

    answered_size = 8 + sizeof(struct state_name);
    talk.due = 3;
    talk.attest_status = ATTEST_STATUS_KBS_REFUSED;
    talk.told_status = SERVICE_TPM_FAILED;
    assert_string_equal(ENDS(open_tpm()), unconfirmed);
    assert_int_equal(get_le32(talk.answer + 4), ATTEST_STATUS_KBS_REFUSED);
    talk.told_status = SERVICE_WAITS;
    assert_string_equal(ENDS(open_tpm()), unconfirmed);
    talk.told_status = 0;
    talk.due_status = SERVICE_TPM_FAILED;
    assert_string_equal(ENDS(open_tpm()), unconfirmed);
    talk.due_status = 0;
    talk.due = 0; /* it wants confirmation, and does not say of what */
    assert_string_equal(ENDS(open_tpm()), unconfirmed);
}

TEST_SETUP(an_attestation_service_that_ended_is_no_answer, start)
{
    answered_size = 8 + sizeof(struct state_name);
    talk.due = 1;
    talk.attest_ends = true;
    open_tpm();
    assert_int_equal(talk.answer_size, 8);
    assert_int_equal(get_le32(talk.answer + 4), UINT32_MAX);
}

TEST_SETUP(a_refused_volume_is_told_of_before_the_vm_ends, start)
{
    talk.due = 1;
    answered_status = SERVICE_NOT_COMMITTED;
    assert_string_equal(
        ENDS(open_tpm()),
        "tpm: the state volume is not the one that the KBS's record admits; it was not changed");
    assert_int_equal(talk.asked, 1);
    assert_int_equal(talk.told, 1);
}

TEST_SETUP(without_the_state_key_the_vm_ends_with_the_reason, start)
{
    static const char *const reasons[] = {"malformed request",
                                          "the proxy does not answer",
                                          "the proxy or the KBS broke the protocol",
                                          "the KBS refused",
                                          "the proxy could not reach the KBS",
                                          "the AMD-SP refused",
                                          "the released secret is no 64-byte key",
                                          "the reply did not decrypt",
                                          "it failed itself",
                                          "the key is not from a KBS that this image trusts",
                                          "the KBS is busy",
                                          "the KBS failed",
                                          "a gateway does not reach the KBS",
                                          "the KBS's address redirects elsewhere",
                                          "no common version of a protocol",
                                          "the proxy brings no key and does not say why",
                                          "the same request goes on",
                                          "the volume's lease was lost",
                                          "unknown reason"};

    assert_string_equal(ENDS(attest_service_fetch_key(&vm.attest)), "");
    for (uint32_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        char expected[128] = "attest: ";

        answered_status = i + 1;
        strcat(expected, reasons[i]);
        strcat(expected, ": no attestation, no state");
        assert_string_equal(ENDS(attest_service_fetch_key(&vm.attest)), expected);
    }
    answered_size = 0;
    assert_string_equal(ENDS(attest_service_fetch_key(&vm.attest)),
                        "attest: the service has ended: no attestation, no state");
}

/* The guest's commands. */
static uint64_t command(size_t size)
{
    uint8_t *buffer = fake_bytes(gpa(BUFFER));

    memset(buffer, 0x11, PAGE_SIZE);
    put_le32(buffer, SVSM_VTPM_SEND_COMMAND);
    buffer[4] = 0;
    put_le32(buffer + 5, (uint32_t)size);
    return vm_call(SVSM_PROTOCOL_VTPM, SVSM_VTPM_CMD, BUFFER, 0, 0);
}

TEST_SETUP(a_command_goes_to_the_tpm_and_its_response_to_the_guest, start)
{
    answered_size = 4 + 20;
    assert_int_equal(command(30), SVSM_SUCCESS);
    assert_int_equal(get_le32(last_request), SERVICE_COMMAND);
    assert_int_equal(last_request[4], 0);
    assert_int_equal(last_request_size, 5 + 30);
    assert_int_equal(last_request[5], 0x11);
    assert_int_equal(get_le32(fake_bytes(gpa(BUFFER))), 20);
    assert_int_equal(fake_bytes(gpa(BUFFER))[8], 0x5A);
}

TEST_SETUP(a_command_that_waits_for_the_kbs_has_the_guest_come_again, start)
{
    answered_size = 4 + 20;
    talk.waits = talk.due = 1;
    talk.told_status = SERVICE_WAITS;
    assert_int_equal(command(30), SVSM_ERR_BUSY);
    assert_int_equal(talk.told, 1);
    talk.waits = 1; /* another vCPU's waits */
    assert_int_equal(command(30), SVSM_ERR_BUSY);
    assert_int_equal(talk.told, 1);
    talk.waits = talk.due = 2;
    talk.told_status = 0; /* two things are done at once */
    assert_int_equal(command(30), SVSM_SUCCESS);
    assert_int_equal(talk.told, 3);
    assert_int_equal(get_le32(fake_bytes(gpa(BUFFER))), 20);
}

TEST_SETUP(the_lease_is_looked_at_now_and_then, start)
{
    const struct clock *clock = &vm.cpus[0].clock;

    talk.due = UINT32_MAX;
    vm.guest.vtpm.lease_kept = clock_now(clock) + NANOSECONDS; /* another vCPU did */
    vtpm_keep_lease(&vm.guest, clock);
    vm.guest.vtpm.lease_kept = clock_now(clock) - NANOSECONDS;
    vtpm_keep_lease(&vm.guest, clock);
    assert_int_equal(talk.told, 1);
    assert_true(clock_now(clock) - vm.guest.vtpm.lease_kept < NANOSECONDS);
    vm.guest.vtpm.lease_kept = clock_now(clock) - NANOSECONDS;
    vm.guest.vtpm.lock.taken = 1; /* another vCPU's command is executed */
    vtpm_keep_lease(&vm.guest, clock);
    vm.guest.vtpm.lock.taken = 0;
    assert_int_equal(talk.told, 1);
}

static void something_arrives_from_the_proxy(void)
{
    uint8_t bytes[64];
    size_t got;

    fake_host.to_vm.size = fake_host.to_vm.next + 20;
    assert_int_equal(uart_read(&vm.proxy, bytes, sizeof(bytes), &got), STATUS_OK);
    assert_true(fake_host.proxy_interrupts);
}

TEST_SETUP(the_proxys_line_does_not_interrupt_the_guest, start)
{
    const struct clock *clock = &vm.cpus[0].clock;

    answered_size = 4 + 20;
    something_arrives_from_the_proxy();
    assert_int_equal(command(30), SVSM_SUCCESS);
    assert_false(fake_host.proxy_interrupts);

    something_arrives_from_the_proxy();
    vm.guest.vtpm.lease_kept = clock_now(clock) - NANOSECONDS;
    vtpm_keep_lease(&vm.guest, clock);
    assert_false(fake_host.proxy_interrupts);
}

TEST_SETUP(every_response_that_fits_in_the_page_arrives, start)
{
    for (size_t size = 4; size <= SERVICE_TPM_BUFFER_SIZE; size++) {
        answered_size = 4 + size;
        assert_int_equal(command(10), SVSM_SUCCESS);
        assert_int_equal(get_le32(fake_bytes(gpa(BUFFER))), size);
        assert_int_equal(fake_bytes(gpa(BUFFER))[3 + size], size > 4 ? 0x5A : 0);
    }
}

TEST_SETUP(a_tpm_that_fails_answers_so_and_the_vm_goes_on, start)
{
    for (int how = 0; how < 3; how++) {
        answered_status = how == 0 ? SERVICE_TPM_FAILED : 0;
        answered_size = how == 1 ? 4 + SERVICE_TPM_BUFFER_SIZE + 1 : how == 2 ? 0 : 8;
        assert_int_equal(command(10), SVSM_SUCCESS);
        assert_int_equal(get_le32(fake_bytes(gpa(BUFFER))), sizeof(tpm_failure));
        assert_memory_equal(fake_bytes(gpa(BUFFER)) + 4, tpm_failure, sizeof(tpm_failure));
    }
    assert_int_equal(command(10), SVSM_SUCCESS); /* it has ended by now */
    assert_memory_equal(fake_bytes(gpa(BUFFER)) + 4, tpm_failure, sizeof(tpm_failure));
    assert_non_null(strstr(vm_console(), "service tpm ended: a fault"));
}

static size_t gives_the_page_away(const uint8_t *request, size_t size, uint8_t *response)
{
    fake_give(gpa(BUFFER), FAKE_HOSTS);
    return answers(request, size, response);
}

TEST_SETUP(a_response_to_a_page_that_went_away_is_an_error, start)
{
    vm_serve(gives_the_page_away);
    assert_int_equal(command(10), SVSM_ERR_INVALID_ADDRESS);
}

/* T705 */
TEST_SETUP(a_service_that_ends_leaves_nothing_behind, start)
{
    static const uint8_t seed[] = "an endorsement seed";
    uint8_t *frame;
    uint64_t *table = vm.tpm.process.space.root;
    size_t left;

    assert_int_equal(user_write(&vm.tpm.process.space, (uva_t){DATA}, seed, sizeof(seed)), 0);
    for (unsigned level = 3; level > 0; level--)
        table = gpa_pointer(gpa(table[DATA >> (12 + 9 * level) & 511] & 0x00007FFFFFFFF000ull));
    frame = gpa_pointer(gpa(table[DATA >> 12 & 511] & 0x00007FFFFFFFF000ull));
    assert_memory_equal(frame, seed, sizeof(seed));
    left = page_free_count();
    answered_size = 0;
    assert_int_equal(command(10), SVSM_SUCCESS);
    assert_int_equal(vm.tpm.process.state, PROCESS_ENDED);
    assert_true(page_free_count() > left);
    for (size_t i = 0; i < PAGE_SIZE; i++)
        assert_int_equal(frame[i], 0);
    for (size_t i = 0; i < sizeof(vm.tpm.process.registers); i++)
        assert_int_equal(((uint8_t *)&vm.tpm.process.registers)[i], 0);
    assert_ptr_equal(fake_this()->root, NULL);
}

/* The guest's reports. */
static uint8_t report_response[CHANNEL_MESSAGE_MAX], asked_manifest[CHANNEL_MESSAGE_MAX];
static size_t report_size, asked_manifest_size;
static uint32_t manifest_status;

static size_t answers_both(const uint8_t *request, size_t size, uint8_t *response)
{
    if (get_le32(request) == SERVICE_MANIFEST) {
        put_le32(response, manifest_status);
        memset(response + 4, 0xEC, 100);
        memcpy(asked_manifest, request + 4, size - 4);
        asked_manifest_size = size - 4;
        return 104;
    }
    memcpy(last_request, request, size);
    last_request_size = size;
    memcpy(response, report_response, report_size);
    return report_size;
}

static uint64_t attest(bool single, uint32_t certificates)
{
    uint8_t *operation = fake_bytes(gpa(BUFFER));

    memset(operation, 0, PAGE_SIZE);
    put_le64(operation, BUFFER + 0x1000); /* report */
    put_le32(operation + 8, 0x1000);
    put_le64(operation + 16, BUFFER + 0x800); /* nonce */
    operation[24] = 64;
    put_le64(operation + 32, BUFFER + 0x2000); /* manifest */
    put_le32(operation + 40, 0x1000);
    put_le64(operation + 48, BUFFER + 0x3000);
    put_le32(operation + 56, certificates);
    memcpy(operation + 64, "any GUID, version 1.", 20);
    return vm_call(SVSM_PROTOCOL_ATTEST, single, BUFFER, 0, 0);
}

static void prepare_report(uint32_t size, uint32_t certificates)
{
    for (unsigned i = 1; i < 4; i++)
        vm_give_guest(gpa(BUFFER + i * PAGE_SIZE));
    vm_serve(answers_both);
    manifest_status = SERVICE_DONE;
    memset(report_response, 0x77, sizeof(report_response));
    put_le32(report_response, 0);
    put_le32(report_response + 4, size);
    put_le32(report_response + 8 + size, certificates);
    report_size = 12 + size + certificates;
}

TEST_SETUP(a_report_binds_the_guests_nonce_and_our_manifest, start)
{
    prepare_report(1184, 0);
    assert_int_equal(attest(true, 0), SVSM_SUCCESS);
    assert_int_equal(vm.vmsa->rcx, 100);
    assert_int_equal(vm.vmsa->rdx, 0);
    assert_int_equal(vm.vmsa->r8, 1184);
    assert_int_equal(fake_bytes(gpa(BUFFER + 0x2000))[99], 0xEC);
    assert_int_equal(fake_bytes(gpa(BUFFER + 0x1000))[1183], 0x77);
    assert_int_equal(get_le32(last_request), ATTEST_REPORT);
    assert_int_equal(get_le32(last_request + 4 + 64), 100);
    assert_int_equal(asked_manifest_size, 20);
    assert_memory_equal(asked_manifest, "any GUID, version 1.", 20);
    assert_int_equal(attest(false, 0), SVSM_SUCCESS);
    assert_int_equal(asked_manifest_size, 0); /* of all services */
    assert_int_equal(vm.vmsa->rcx, 100);
}

TEST_SETUP(a_manifest_that_there_is_not_is_the_guests_mistake, start)
{
    prepare_report(1184, 0);
    last_request_size = 0;
    manifest_status = SERVICE_MALFORMED;
    assert_int_equal(attest(true, 0), SVSM_ERR_INVALID_PARAMETER);
    manifest_status = SERVICE_TPM_FAILED;
    assert_int_equal(attest(true, 0), SVSM_ERR_INVALID_REQUEST);
    assert_int_equal(last_request_size, 0); /* nobody was asked for a report */
}

TEST_SETUP(buffers_that_are_too_small_get_the_sizes_and_nothing_else, start)
{
    prepare_report(1184, 500);
    assert_int_equal(attest(true, 499), SVSM_ERR_INVALID_PARAMETER);
    assert_int_equal(vm.vmsa->rdx, 500);
    assert_int_equal(vm.vmsa->r8, 1184);
    assert_int_equal(fake_bytes(gpa(BUFFER + 0x1000))[0], 0);
    assert_int_equal(attest(true, 500), SVSM_SUCCESS);
    prepare_report(0x1001, 0);
    assert_int_equal(attest(true, 0), SVSM_ERR_INVALID_PARAMETER);
}

TEST_SETUP(an_attestation_service_that_lies_about_sizes_gets_an_error, start)
{
    static const size_t cuts[] = {3, 4, 7, 8, 100, 1184 + 8, 1184 + 11};

    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        prepare_report(1184, 0);
        report_size = cuts[i];
        assert_int_equal(attest(true, 0), SVSM_ERR_INVALID_REQUEST);
    }
    prepare_report(1184, 0);
    put_le32(report_response + 4, UINT32_MAX);
    assert_int_equal(attest(true, 0), SVSM_ERR_INVALID_REQUEST);
    prepare_report(1184, 0);
    put_le32(report_response, ATTEST_STATUS_AMD_SP);
    assert_int_equal(attest(true, 0), SVSM_ERR_INVALID_REQUEST);
    report_size = 0; /* it crashes, and so does the TPM's turn before it */
    assert_int_equal(attest(true, 0), SVSM_ERR_INVALID_REQUEST);
    assert_int_equal(attest(true, 0), SVSM_ERR_INVALID_REQUEST);
}

TEST_SETUP(buffers_of_an_attestation_are_the_guests, start)
{
    static const size_t fields[] = {0, 16, 32, 48};

    prepare_report(1184, 100);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        uint8_t *operation = fake_bytes(gpa(BUFFER));

        (void)attest(true, 100);
        put_le64(operation + fields[i], FAKE_REGION);
        assert_int_equal(vm_call(SVSM_PROTOCOL_ATTEST, 1, BUFFER, 0, 0), SVSM_ERR_INVALID_ADDRESS);
    }
    (void)attest(true, 0);
    fake_give(gpa(BUFFER + 0x2000), FAKE_HOSTS);
    assert_int_equal(attest(true, 100), SVSM_ERR_INVALID_ADDRESS);
}

/* What a service finds at its start. */
TEST_SETUP(a_program_that_does_not_fit_is_not_started, start)
{
    struct service other;
    size_t left = page_free_count();

    fake_bytes(gpa(FAKE_SERVICE_ELF))[0] = 'X';
    memset(&other, 0, sizeof(other));
    assert_int_equal(service_create(&other, &vm.params.services[0]), STATUS_UNSUPPORTED);
    (void)left;
    fake_bytes(gpa(FAKE_SERVICE_ELF))[0] = 0x7F;
    while (page_free_count() > 5)
        (void)page_allocate();
    assert_int_equal(service_create(&other, &vm.params.services[0]), STATUS_NO_MEMORY);
    while (page_free_count() > 0)
        (void)page_allocate();
    assert_null(page_allocate());
    assert_null(page_allocate_adjacent(2));
    assert_null(page_allocate_for_vmsa());
    assert_int_equal(service_create(&other, &vm.params.services[0]), STATUS_NO_MEMORY);
}
