/* SPDX-License-Identifier: MIT */
#include "emulator/amd-sp/guest_socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "emulator/amd-sp/certificate_table.h"
#include "emulator/amd-sp/guest_context.h"
#include "emulator/amd-sp/guest_request.h"

#define CLAIMED_FMS 0x00A00F11u /* a Milan */

static_assert(sizeof(struct descriptor_request) == 8 + GUEST_MESSAGE_SIZE, "descriptor");
static_assert(offsetof(struct descriptor_answer, certificates) == 16 + GUEST_MESSAGE_SIZE,
              "descriptor");

MUST_CHECK static bool claim_guest(struct guest_context *guest, const struct guest_claim *claim)
{
    *guest = (struct guest_context){
        .state = GUEST_RUNNING,
        .policy = SNP_POLICY_DEFAULT,
        .fms = CLAIMED_FMS,
    };
    memcpy(guest->digest.ld, claim->measurement, sizeof(guest->digest.ld));
    if (RAND_priv_bytes((uint8_t *)guest->vmpck, sizeof(guest->vmpck)) != 1 ||
        RAND_bytes(guest->report_id, sizeof(guest->report_id)) != 1)
        return false;
    memcpy(guest->vmpck[0], claim->vmpck0, sizeof(guest->vmpck[0]));
    return true;
}

static bool wants_certificates(const struct descriptor_request *request)
{
    return request->kind == DESCRIPTOR_EXTENDED_GUEST_REQUEST &&
           request->request[offsetof(struct guest_message_header, msg_type)] == MSG_REPORT_REQ;
}

/* What a VMM does with a guest request (56421, 4.1.7): certificates must fit before it is sent. */
static void serve_request(const struct chip *chip, struct guest_context *guest,
                          const struct descriptor_request *request,
                          struct descriptor_answer *answer)
{
    size_t needed = certificate_table_pages(chip);

    *answer = (struct descriptor_answer){0};
    if (wants_certificates(request) &&
        !certificate_table_write(chip, answer->certificates, request->certificate_pages)) {
        answer->exitinfo2 = (uint64_t)GUEST_REQUEST_INVALID_LEN << GUEST_REQUEST_VMM_ERROR_SHIFT;
        answer->rbx = needed;
        return;
    }
    answer->exitinfo2 = guest_request_serve(chip, guest, request->request, answer->response);
}

MUST_CHECK static bool receive(int connection, struct descriptor_request *request)
{
    ssize_t size = recv(connection, request, sizeof(*request), MSG_TRUNC);

    if (size == sizeof(*request) && request->kind <= DESCRIPTOR_EXTENDED_GUEST_REQUEST &&
        request->certificate_pages <= DESCRIPTOR_CERTIFICATE_PAGES_MAX)
        return true;
    if (size != 0)
        fprintf(stderr, "amd-sp: a guest sent a malformed request (%zd bytes); closing it\n", size);
    return false;
}

static void serve_connection(const struct chip *chip, struct guest_context *guest, int connection)
{
    struct descriptor_request request;
    struct descriptor_answer answer;
    size_t size;

    while (receive(connection, &request)) {
        serve_request(chip, guest, &request, &answer);
        size = offsetof(struct descriptor_answer, certificates) +
               request.certificate_pages * PAGE_SIZE;
        if (send(connection, &answer, size, MSG_NOSIGNAL) != (ssize_t)size)
            return;
    }
}

void guest_socket_serve(const struct chip *chip, const struct guest_claim *claim, int listener)
{
    struct guest_context guest;
    int connection;

    while ((connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0 || errno == EINTR) {
        if (connection < 0)
            continue;
        if (claim_guest(&guest, claim))
            serve_connection(chip, &guest, connection);
        guest_context_wipe(&guest);
        close(connection);
    }
}
