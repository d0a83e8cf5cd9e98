/* SPDX-License-Identifier: MIT */
/* The AMD-SP as a descriptor: carries guest messages, which are encrypted end to end
 * (56421, 4.1.7). */
#include <errno.h>

#include "lib/abi/attest_service.h"
#include "lib/base/bytes.h"
#include "svsm/process/files.h"

#define REQUEST_HEADER_SIZE  offsetof(struct amd_sp_request, message)
#define RESPONSE_HEADER_SIZE offsetof(struct amd_sp_answer, message)

/* Copies between a service's memory and shared pages in one step, so that nothing is read twice. */
static enum status from_user(const struct shared_pages *to, struct user_span from, size_t offset,
                             size_t size)
{
    return user_read(from.space, (void *)to->bytes, (uva_t){from.at.v + offset}, size);
}

static enum status to_user(struct user_span to, size_t offset, const struct shared_pages *from,
                           size_t size)
{
    return user_write(to.space, (uva_t){to.at.v + offset}, (const void *)from->bytes, size);
}

static int64_t amd_sp_write(struct file *file, struct user_span from)
{
    struct amd_sp *sp = file->object;
    uint8_t header[REQUEST_HEADER_SIZE];
    uint32_t kind, pages;

    if (from.size != REQUEST_HEADER_SIZE + GUEST_MESSAGE_SIZE)
        return -EINVAL;
    if (user_read(from.space, header, from.at, sizeof(header)) != STATUS_OK)
        return -EFAULT;
    kind = get_le32(header);
    pages = get_le32(header + 4);
    if (kind > AMD_SP_EXT_GUEST_REQUEST || pages > AMD_SP_CERTIFICATE_PAGES)
        return -EINVAL;
    if (from_user(&sp->request, from, REQUEST_HEADER_SIZE, GUEST_MESSAGE_SIZE) != STATUS_OK)
        return -EFAULT;

    sp->last = (struct ghcb_guest_request){
        .request = sp->request.gpa,
        .response = sp->response.gpa,
        .extended = kind == AMD_SP_EXT_GUEST_REQUEST,
        .certificates = sp->certificates.gpa,
        .certificate_pages = pages,
    };
    sp->answered = ghcb_guest_request(ghcb_own(), &sp->last) == STATUS_OK;
    return sp->answered ? (int64_t)from.size : -EIO;
}

static int64_t amd_sp_read(struct file *file, struct user_span to)
{
    struct amd_sp *sp = file->object;
    size_t certificates = sp->last.certificate_pages * PAGE_SIZE;
    size_t size = RESPONSE_HEADER_SIZE + GUEST_MESSAGE_SIZE + certificates;
    uint8_t header[RESPONSE_HEADER_SIZE];

    if (!sp->answered)
        return 0;
    if (to.size < size)
        return -EINVAL;
    put_le64(header, sp->last.exitinfo2);
    put_le64(header + 8, sp->last.rbx);
    if (user_write(to.space, to.at, header, sizeof(header)) != STATUS_OK ||
        to_user(to, RESPONSE_HEADER_SIZE, &sp->response, GUEST_MESSAGE_SIZE) != STATUS_OK ||
        to_user(to, RESPONSE_HEADER_SIZE + GUEST_MESSAGE_SIZE, &sp->certificates, certificates) !=
            STATUS_OK)
        return -EFAULT;
    sp->answered = false;
    return (int64_t)size;
}

enum status amd_sp_open(struct amd_sp *sp, struct file *file)
{
    static const struct file_operations operations = {.read = amd_sp_read, .write = amd_sp_write};
    enum status status = shared_memory_allocate(1, &sp->request);

    if (status == STATUS_OK)
        status = shared_memory_allocate(1, &sp->response);
    if (status == STATUS_OK)
        status = shared_memory_allocate(AMD_SP_CERTIFICATE_PAGES, &sp->certificates);
    *file = (struct file){.operations = &operations, .object = sp};
    return status;
}
