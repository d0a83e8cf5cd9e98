/* SPDX-License-Identifier: MIT */
/*
 * Guest requests to the AMD-SP (56860, chapter 7; 56421, 4.1.7 and 4.1.8), as far as they can be
 * made without the key: malformed ones, and the certificates that the host adds.
 */
#include "lib/snp/guest_message.h"

#include "lib/freestanding/string.h"
#include "tests/emulator/runtime/ghcb.h"
#include "tests/emulator/runtime/memory.h"
#include "tests/emulator/runtime/rmp.h"
#include "tests/emulator/runtime/tap.h"

#define CERTIFICATE_PAGES 8
#define GUID_SIZE         16
/* 63da758d-e664-4564-adc5-f4b93be8accd, in the order of its text */
static const uint8_t VCEK_GUID[GUID_SIZE] = {0x63, 0xDA, 0x75, 0x8D, 0xE6, 0x64, 0x45, 0x64,
                                             0xAD, 0xC5, 0xF4, 0xB9, 0x3B, 0xE8, 0xAC, 0xCD};

struct certificate_entry {
    uint8_t guid[GUID_SIZE];
    uint32_t offset, size;
};

/* The pages of a request, in the shared view. */
static struct guest_message_header *request;
static uint8_t *response;

/* Starts a message whose header is right; its tag is not. */
static void begin_message(void)
{
    if (!request) {
        request = host_page();
        response = host_page();
    }
    memset(request, 0, PAGE_SIZE);
    *request = (struct guest_message_header){
        .msg_seqno = 1,
        .algo = GUEST_MESSAGE_ALGO_AES_256_GCM,
        .hdr_version = GUEST_MESSAGE_HEADER_VERSION,
        .hdr_size = GUEST_MESSAGE_HEADER,
        .msg_type = MSG_REPORT_REQ,
        .msg_version = GUEST_MESSAGE_VERSION,
        .msg_size = sizeof(struct msg_report_req),
    };
}

static void send_message(void)
{
    ghcb_request(GHCB_EXIT_GUEST_REQUEST, gpa_of(request), gpa_of(response));
}

static void check_refused_as(enum snp_status status)
{
    send_message();
    CHECK_ANSWER(GHCB_RESULT_OK, status);
}

TEST("A message whose tag does not fit is refused with BAD_MEASUREMENT")
{
    begin_message();
    check_refused_as(SNP_BAD_MEASUREMENT);
}

TEST("So it is under each VMPCK")
{
    for (uint8_t vmpck = 0; vmpck < VMPCK_COUNT; vmpck++) {
        begin_message();
        request->msg_vmpck = vmpck;
        check_refused_as(SNP_BAD_MEASUREMENT);
    }
}

TEST("A message for a VMPCK that does not exist is refused with INVALID_PARAM")
{
    begin_message();
    request->msg_vmpck = VMPCK_COUNT;
    check_refused_as(SNP_INVALID_PARAM);
}

TEST("A message with another algorithm than AES-256-GCM is refused with INVALID_PARAM")
{
    begin_message();
    request->algo = 0;
    check_refused_as(SNP_INVALID_PARAM);
    request->algo = GUEST_MESSAGE_ALGO_AES_256_GCM + 1;
    check_refused_as(SNP_INVALID_PARAM);
}

TEST("A message with another header version or size is refused with INVALID_PARAM")
{
    begin_message();
    request->hdr_version = GUEST_MESSAGE_HEADER_VERSION + 1;
    check_refused_as(SNP_INVALID_PARAM);
    begin_message();
    request->hdr_size = GUEST_MESSAGE_HEADER - 1;
    check_refused_as(SNP_INVALID_PARAM);
}

TEST("A message without payload is refused with INVALID_PARAM")
{
    begin_message();
    request->msg_size = 0;
    check_refused_as(SNP_INVALID_PARAM);
}

TEST("A payload that is no multiple of 16 bytes is refused with INVALID_PARAM")
{
    begin_message();
    request->msg_size = sizeof(struct msg_report_req) - 1;
    check_refused_as(SNP_INVALID_PARAM);
}

TEST("A payload that goes beyond the page is refused with INVALID_PARAM")
{
    begin_message();
    request->msg_size = GUEST_MESSAGE_PAYLOAD + 16;
    check_refused_as(SNP_INVALID_PARAM);
    request->msg_size = 0xFFF0;
    check_refused_as(SNP_INVALID_PARAM);
}

TEST("One page cannot be request and response")
{
    begin_message();
    ghcb_request(GHCB_EXIT_GUEST_REQUEST, gpa_of(request), gpa_of(request));
    CHECK_MALFORMED(GHCB_ERR_INVALID_INPUT);
}

TEST("Request and response must be page-aligned")
{
    begin_message();
    ghcb_request(GHCB_EXIT_GUEST_REQUEST, gpa_of(request) + 16, gpa_of(response));
    CHECK_MALFORMED(GHCB_ERR_INVALID_INPUT);
    ghcb_request(GHCB_EXIT_GUEST_REQUEST, gpa_of(request), gpa_of(response) + 16);
    CHECK_MALFORMED(GHCB_ERR_INVALID_INPUT);
}

TEST("Request and response must be shared pages")
{
    void *page = valid_page();

    begin_message();
    ghcb_request(GHCB_EXIT_GUEST_REQUEST, gpa_of(page), gpa_of(response));
    CHECK_MALFORMED(GHCB_ERR_INVALID_INPUT);
    ghcb_request(GHCB_EXIT_GUEST_REQUEST, gpa_of(request), gpa_of(page));
    CHECK_MALFORMED(GHCB_ERR_INVALID_INPUT);
}

TEST("Request and response must be memory")
{
    begin_message();
    ghcb_request(GHCB_EXIT_GUEST_REQUEST, LOCAL_APIC, gpa_of(response));
    CHECK_MALFORMED(GHCB_ERR_INVALID_INPUT);
    ghcb_request(GHCB_EXIT_GUEST_REQUEST, gpa_of(request), LOCAL_APIC);
    CHECK_MALFORMED(GHCB_ERR_INVALID_INPUT);
}

static void begin_extended(void)
{
    ghcb_begin(GHCB_EXIT_EXT_GUEST_REQUEST, gpa_of(request), gpa_of(response));
}

TEST("An extended request for a report needs RAX and RBX")
{
    begin_message();
    begin_extended();
    GHCB_SET(rax, gpa_of(host_page()));
    ghcb_exit();
    CHECK_MALFORMED(GHCB_ERR_INVALID_INPUT);
    begin_extended();
    GHCB_SET(rbx, 1);
    ghcb_exit();
    CHECK_MALFORMED(GHCB_ERR_INVALID_INPUT);
}

TEST("Too few pages for the certificates: INVALID_LEN, and RBX tells how many are needed")
{
    begin_message();
    begin_extended();
    GHCB_SET(rax, gpa_of(host_page()));
    GHCB_SET(rbx, 0);
    ghcb_exit();
    CHECK_ANSWER(GHCB_RESULT_OK,
                 (uint64_t)GUEST_REQUEST_INVALID_LEN << GUEST_REQUEST_VMM_ERROR_SHIFT);
    CHECK(ghcb->rbx >= 1 && ghcb->rbx <= CERTIFICATE_PAGES);
}

TEST("Certificates: a table of GUID, offset and size, with the VCEK's, that ends with zeros")
{
    static const struct certificate_entry end;
    uint8_t *buffer = host_page();
    const struct certificate_entry *entry = (const void *)buffer;
    bool has_vcek = false;

    for (size_t i = 1; i < CERTIFICATE_PAGES; i++)
        (void)host_page(); /* they follow one another */
    begin_message();
    begin_extended();
    GHCB_SET(rax, gpa_of(buffer));
    GHCB_SET(rbx, CERTIFICATE_PAGES);
    ghcb_exit();
    CHECK_ANSWER(GHCB_RESULT_OK, SNP_BAD_MEASUREMENT);
    for (; memcmp(entry, &end, sizeof(end)) != 0; entry++) {
        CHECK(entry->size != 0 && entry->offset < CERTIFICATE_PAGES * PAGE_SIZE &&
              entry->size <= CERTIFICATE_PAGES * PAGE_SIZE - entry->offset);
        has_vcek |= memcmp(entry->guid, VCEK_GUID, GUID_SIZE) == 0;
    }
    CHECK(has_vcek);
}

TEST("Certificates go into shared, page-aligned memory only")
{
    begin_message();
    begin_extended();
    GHCB_SET(rax, gpa_of(valid_page()));
    GHCB_SET(rbx, CERTIFICATE_PAGES);
    ghcb_exit();
    CHECK_MALFORMED(GHCB_ERR_INVALID_INPUT);
    begin_extended();
    GHCB_SET(rax, gpa_of(host_page()) + 24);
    GHCB_SET(rbx, CERTIFICATE_PAGES);
    ghcb_exit();
    CHECK_MALFORMED(GHCB_ERR_INVALID_INPUT);
}

TEST("An extended request for anything but a report brings no certificates")
{
    begin_message();
    request->msg_type = MSG_KEY_REQ;
    begin_extended();
    ghcb_exit();
    CHECK_ANSWER(GHCB_RESULT_OK, SNP_BAD_MEASUREMENT);
}
