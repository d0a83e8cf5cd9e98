/* SPDX-License-Identifier: MIT */
#include "tests/unit/attest/fake_amd_sp.h"

#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

#include "lib/base/bytes.h"

/* One GCM pass over a message; returns whether the tag was right (when opening). */
static bool gcm(int seal, const uint8_t *vmpck, uint8_t *message, const void *in, void *out,
                int size)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t iv[12] = {0};
    int moved;
    bool done;

    memcpy(iv, message + 0x20, 8);
    done = EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, vmpck, iv, seal) == 1 &&
           (seal || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, 16, message) == 1) &&
           EVP_CipherUpdate(ctx, NULL, &moved, message + 0x30, 0x30) == 1 &&
           EVP_CipherUpdate(ctx, out, &moved, in, size) == 1 &&
           EVP_CipherFinal_ex(ctx, out, &moved) == 1 &&
           (!seal || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, 16, message) == 1);
    EVP_CIPHER_CTX_free(ctx);
    return done;
}

void fake_seal(const uint8_t *vmpck, const struct guest_message_header *header, const void *payload,
               uint8_t message[GUEST_MESSAGE_SIZE])
{
    uint8_t ciphertext[GUEST_MESSAGE_PAYLOAD] = {0};
    size_t size = sizeof(struct msg_report_rsp);

    if (header->msg_size < size)
        size = header->msg_size;
    memset(message, 0, GUEST_MESSAGE_SIZE);
    memcpy(message, header, sizeof(*header));
    if (!gcm(1, vmpck, message, payload, ciphertext, (int)size))
        assert(false);
    memcpy(message + GUEST_MESSAGE_HEADER, ciphertext, size);
}

/* The firmware's checks, in its order (56860, SNP_GUEST_REQUEST); 0 or a status. */
static uint32_t open_request(struct fake_amd_sp *fake, const uint8_t *sent,
                             struct guest_message_header *header)
{
    uint8_t message[GUEST_MESSAGE_SIZE];

    memcpy(message, sent, sizeof(message));
    memcpy(header, message, sizeof(*header));
    if (header->hdr_version != 1 || header->hdr_size != 0x60 || header->algo != 1 ||
        header->msg_size != sizeof(fake->last_request) || header->msg_vmpck != 0)
        return SNP_INVALID_PARAM;
    if (!gcm(0, fake->vmpck0, message, message + 0x60, &fake->last_request, header->msg_size))
        return SNP_BAD_MEASUREMENT;
    if (header->msg_seqno != fake->count + 1)
        return SNP_AEAD_OFLOW;
    if (header->msg_version != 1 || header->msg_type != MSG_REPORT_REQ)
        return SNP_INVALID_PARAM;
    return SNP_SUCCESS;
}

static void answer_report(struct fake_amd_sp *fake, const struct guest_message_header *request,
                          struct amd_sp_answer *answer)
{
    struct snp_report report = {.version = 5, .vmpl = fake->last_request.vmpl};
    struct msg_report_rsp payload = {.status = fake->report_status, .report_size = REPORT_SIZE};
    struct guest_message_header header = *request;

    memcpy(report.report_data, fake->last_request.report_data, REPORT_DATA_SIZE);
    memset(report.measurement, 0x11, sizeof(report.measurement));
    memcpy(payload.report, &report, sizeof(report));
    header.msg_seqno += 1;
    header.msg_type += 1;
    header.msg_size = sizeof(payload);
    if (fake->forge)
        fake->forge(&header, &payload);
    fake_seal(fake->vmpck0, &header, &payload, answer->message);
    fake->count += 2;
    fake->reports++;
}

static uint64_t vmm_error(uint32_t error)
{
    return (uint64_t)error << GUEST_REQUEST_VMM_ERROR_SHIFT;
}

static bool exchange(void *context, const struct amd_sp_request *request,
                     struct amd_sp_answer *answer)
{
    struct fake_amd_sp *fake = context;
    struct guest_message_header header;

    if (fake->exchanges++ == 0)
        memcpy(fake->first_message, request->message, GUEST_MESSAGE_SIZE);
    fake->resent_identical = memcmp(fake->first_message, request->message, GUEST_MESSAGE_SIZE) == 0;
    fake->last_kind = request->kind;
    if (fake->gone)
        return false;
    answer->exitinfo2 = fake->exitinfo2;
    if (fake->busy > 0) {
        fake->busy--;
        answer->exitinfo2 = vmm_error(GUEST_REQUEST_BUSY);
    }
    if (answer->exitinfo2 == 0 && fake->certificates_do_not_fit &&
        request->kind == AMD_SP_EXT_GUEST_REQUEST) {
        answer->exitinfo2 = vmm_error(GUEST_REQUEST_INVALID_LEN);
        answer->rbx = AMD_SP_CERTIFICATE_PAGES + 1;
    }
    if (answer->exitinfo2 == 0)
        answer->exitinfo2 = open_request(fake, request->message, &header);
    if (answer->exitinfo2 == 0) {
        answer_report(fake, &header, answer);
        memcpy(answer->certificates, fake->certificates, (size_t)request->certificate_pages * 4096);
    }
    if (fake->tamper)
        fake->tamper(answer);
    return true;
}

static void pause_at_once(void *context)
{
    struct fake_amd_sp *fake = context;

    fake->pauses++;
}

void fake_amd_sp_init(struct fake_amd_sp *fake)
{
    memset(fake, 0, sizeof(*fake));
    for (unsigned int i = 0; i < VMPCK_SIZE; i++)
        fake->vmpck0[i] = (uint8_t)i;
}

struct amd_sp fake_amd_sp_interface(struct fake_amd_sp *fake)
{
    return (struct amd_sp){.exchange = exchange, .pause = pause_at_once, .context = fake};
}

void fake_certificate_table(uint8_t *pages, uint32_t size)
{
    static const uint8_t vcek[] = {0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64,
                                   0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd};

    memset(pages, 0, AMD_SP_CERTIFICATES_SIZE);
    memcpy(pages, vcek, sizeof(vcek));
    put_le32(pages + 16, 48);
    put_le32(pages + 20, size);
    memset(pages + 48, 0xCE, size);
}
