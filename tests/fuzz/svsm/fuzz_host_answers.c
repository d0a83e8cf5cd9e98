/* SPDX-License-Identifier: MIT */
/*
 * A host that answers: after each exit the input decides whether the answer stays, which bytes of
 * the GHCB, of the MSR or of shared memory change, and which of the VM's pages go elsewhere. The
 * SVSM may end the VM with a sentence; it never crashes, contradicts itself, or shows a secret.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/abi/attest_service.h"
#include "lib/abi/tpm_service.h"
#include "lib/base/reader.h"
#include "svsm/arch/memory.h"
#include "svsm/console/log.h"
#include "svsm/guest/prepare.h"
#include "svsm/mm/page_allocator.h"
#include "svsm/process/attest_service.h"
#include "svsm/process/tpm_service.h"
#include "svsm/sev/msr_protocol.h"
#include "tests/unit/svsm/fake/vm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SECRET_PAGE (FAKE_REGION + 0x30000)
#define EXITS_MAX   20000

static const uint8_t secret[16] = "planted secret..";
static struct reader input;
static unsigned exits;

static void corrupt(uint8_t *bytes, size_t size)
{
    uint16_t at;
    uint8_t value;

    if (reader_le16(&input, &at) && reader_u8(&input, &value))
        bytes[at % size] = value;
}

static void spoil_answer(uint8_t how)
{
    uint64_t word;
    uint16_t page;

    switch (how % 8) {
    case 0: /* a field of the save area, and perhaps that it is valid */
        corrupt((uint8_t *)fake_ghcb(), 0x400);
        break;
    case 1:
        corrupt(fake_ghcb()->shared_buffer, GHCB_SHARED_BUFFER_SIZE);
        break;
    case 2:
        fake_ghcb()->sw_exitinfo1 = how >> 3;
        break;
    case 3: /* the rings and the bounce buffer */
        if (vm.volume.queue.bytes)
            corrupt(fake_bytes(vm.volume.queue.gpa), PAGE_SIZE);
        break;
    case 4:
        if (reader_le64(&input, &word))
            fake_this()->ghcb_msr = word;
        break;
    case 5: /* a page of the SVSM is replaced */
        if (reader_le16(&input, &page))
            fake_give(gpa(FAKE_LOADED_END + page % 64 * PAGE_SIZE), FAKE_HOSTS);
        break;
    case 6:
        fake_host.disk_status = how;
        break;
    default:
        fake.tsc += (uint64_t)how << 28;
    }
}

/* Three answers of four stay as they are. */
static void answers(void)
{
    bool is_page = (fake_this()->ghcb_msr & GHCB_MSR_INFO_MASK) == 0;
    uint8_t how;

    if (exits++ == EXITS_MAX)
        fake_end("the host ends the VM");
    fake_host_answer();
    if (!reader_u8(&input, &how) || how & 3)
        return;
    if (is_page || (how >> 2) % 8 >= 3)
        spoil_answer(how >> 2);
}

static bool injects(gpa_t page)
{
    uint8_t how;

    (void)page;
    return reader_u8(&input, &how) && how == 0xEE;
}

static size_t serves(const uint8_t *request, size_t size, uint8_t *response)
{
    (void)request;
    memset(response, 0, 64);
    return size % 2 == 0 ? 64 : 8;
}

static void whole_course(void)
{
    struct ghcb_guest_request request = {
        .request = gpa(0x1000), .response = gpa(0x2000), .extended = true};
    uint64_t features;
    uint8_t bytes[64];
    size_t got;
    bool has_data;

    msr_protocol_negotiate();
    if (msr_protocol_host_features(&features) != STATUS_OK)
        return;
    log_info("started");
    if (uart_read(&vm.proxy, bytes, sizeof(bytes), &got) != STATUS_OK ||
        uart_has_data(&vm.proxy, &has_data) != STATUS_OK)
        log_info("no proxy");
    if (block_init(&vm.volume, &vm.cpus[0].clock) != STATUS_OK)
        return;
    for (unsigned i = 0; i < 4; i++) {
        if (block_read(&vm.volume, 0, 0x1000) != STATUS_OK ||
            block_write(&vm.volume, 0, 0x1000) != STATUS_OK || block_flush(&vm.volume) != STATUS_OK)
            break;
    }
    if (ghcb_guest_request(&vm.cpus[0].link, &request) != STATUS_OK)
        log_info("no report");
    if (ghcb_page_state(&vm.cpus[0].link, gpa(0x900000), 20, PSC_PRIVATE) != STATUS_OK)
        log_info("no pages");
    if (attest_service_start(&vm.attest, &vm.params.services[0], &vm.proxy, &vm.amd_sp,
                             &vm.state_key, &vm.kbs) != STATUS_OK ||
        tpm_service_start(&vm.tpm, &vm.params.services[1], &vm.volume, &vm.state_key) != STATUS_OK)
        return;
    if (tpm_service_open(&vm.tpm, &vm.attest, 0))
        vtpm_keep_lease(&vm.guest, &vm.cpus[0].clock);
    for (unsigned i = 0; i < 3; i++)
        (void)vm_call(SVSM_PROTOCOL_VTPM, SVSM_VTPM_CMD, 0x90000, 0, 0);
}

static void expect(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s\n", what);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *end;

    fake_region_size = 0x100000;
    vm_start_guest();
    vm_give_guest(gpa(0x90000));
    fake_bytes(gpa(0x90000))[0] = SVSM_VTPM_SEND_COMMAND;
    fake_bytes(gpa(0x90000))[5] = 20;
    memcpy(fake_bytes(gpa(SECRET_PAGE)), secret, sizeof(secret));
    memset(&vm.attest, 0, sizeof(vm.attest));
    memset(&vm.tpm, 0, sizeof(vm.tpm));
    input = reader_over(data, size);
    exits = 0;
    fake.host = answers;
    fake.on_rmp = injects;
    fake.tsc_step = 1000000;
    vm_serve(serves);
    end = ENDS(whole_course());
    expect(strncmp(end, "internal error", 14) != 0 && strncmp(end, "fake:", 5) != 0, end);
    expect(!fake_region_is_granted(), "a page of the SVSM is granted");
    expect(!fake_leaks(secret, sizeof(secret)), "a secret can be read");
    return 0;
}
