/* SPDX-License-Identifier: MIT */
#include "svsm/sev/ghcb_calls.h"

#include "lib/freestanding/string.h"
#include "lib/snp/exit_codes.h"

#define MMIO_SIZE        4
#define AP_VMPL_SHIFT    16
#define AP_APIC_ID_SHIFT 32
#define PSC_ROUNDS_MAX   1000 /* the host may stop early; it must progress */

static uint64_t ioio_info(uint16_t port, unsigned size)
{
    uint64_t size_bit = size == 1 ? IOIO_SIZE_8 : size == 2 ? IOIO_SIZE_16 : IOIO_SIZE_32;

    return (uint64_t)port << IOIO_PORT_SHIFT | size_bit;
}

static uint32_t size_mask(unsigned size)
{
    return size == 4 ? 0xFFFFFFFFu : (1u << 8 * size) - 1;
}

enum status ghcb_io_in(struct ghcb_link *link, uint16_t port, unsigned size, uint32_t *value)
{
    uint64_t rax = 0;
    enum status status;

    ghcb_begin(link);
    GHCB_SET(link, rax, 0);
    status = ghcb_exchange(link, SVM_EXIT_IOIO, ioio_info(port, size) | IOIO_IN, 0);
    if (status == STATUS_OK)
        status = GHCB_GET(link, rax, &rax);
    *value = (uint32_t)rax & size_mask(size);
    return status;
}

enum status ghcb_io_out(struct ghcb_link *link, uint16_t port, unsigned size, uint32_t value)
{
    ghcb_begin(link);
    GHCB_SET(link, rax, value & size_mask(size));
    return ghcb_exchange(link, SVM_EXIT_IOIO, ioio_info(port, size), 0);
}

/* REP INSB and REP OUTSB (56421, section 4.1.2): the bytes are in the shared buffer. */
static uint64_t bytes_info(uint16_t port)
{
    return ioio_info(port, 1) | IOIO_STRING | IOIO_REP | IOIO_ADDR_64;
}

enum status ghcb_io_in_bytes(struct ghcb_link *link, uint16_t port, void *bytes, size_t count)
{
    enum status status;

    ghcb_begin(link);
    memset(bytes, 0, count);
    ghcb_set_buffer(link, bytes, count);
    status = ghcb_exchange(link, SVM_EXIT_IOIO, bytes_info(port) | IOIO_IN, count);
    ghcb_get_buffer(link, bytes, count);
    return status;
}

enum status ghcb_io_out_bytes(struct ghcb_link *link, uint16_t port, const void *bytes,
                              size_t count)
{
    ghcb_begin(link);
    ghcb_set_buffer(link, bytes, count);
    return ghcb_exchange(link, SVM_EXIT_IOIO, bytes_info(port) | IOIO_SEGMENT_DS, count);
}

enum status ghcb_mmio_read(struct ghcb_link *link, gpa_t address, uint32_t *value)
{
    uint32_t zero = 0;
    enum status status;

    ghcb_begin(link);
    ghcb_set_buffer(link, &zero, sizeof(zero));
    status = ghcb_exchange(link, GHCB_EXIT_MMIO_READ, address.v, MMIO_SIZE);
    ghcb_get_buffer(link, value, sizeof(*value));
    return status;
}

enum status ghcb_mmio_write(struct ghcb_link *link, gpa_t address, uint32_t value)
{
    ghcb_begin(link);
    ghcb_set_buffer(link, &value, sizeof(value));
    return ghcb_exchange(link, GHCB_EXIT_MMIO_WRITE, address.v, MMIO_SIZE);
}

struct psc_list {
    struct psc_header header;
    uint64_t entries[PSC_ENTRIES_MAX];
};

/* One list, repeated until the host has been through all of it. */
static enum status exchange_list(struct ghcb_link *link, const struct psc_list *list)
{
    struct psc_header progress = list->header;

    ghcb_begin(link);
    ghcb_set_buffer(link, list, sizeof(*list));
    for (unsigned round = 0; round < PSC_ROUNDS_MAX; round++) {
        uint64_t error;
        uint16_t before = progress.cur_entry;
        enum status status = ghcb_exchange(link, GHCB_EXIT_PSC, 0, 0);

        if (status == STATUS_OK)
            status = GHCB_GET(link, sw_exitinfo2, &error);
        if (status != STATUS_OK)
            return status;
        if (error != 0)
            return STATUS_HOST_REFUSED;
        ghcb_get_buffer(link, &progress, sizeof(progress));
        if (progress.reserved != 0 || progress.end_entry != list->header.end_entry ||
            progress.cur_entry < before)
            return STATUS_HOST_BROKE_PROTOCOL;
        if (progress.cur_entry > progress.end_entry)
            return STATUS_OK;
        ghcb_set_buffer(link, &progress, sizeof(progress));
    }
    return STATUS_HOST_BROKE_PROTOCOL;
}

enum status ghcb_page_state(struct ghcb_link *link, gpa_t start, size_t count,
                            enum psc_operation operation)
{
    struct psc_list list;
    enum status status = STATUS_OK;

    for (size_t done = 0; done < count && status == STATUS_OK;) {
        size_t batch = count - done < PSC_ENTRIES_MAX ? count - done : PSC_ENTRIES_MAX;

        list.header = (struct psc_header){.end_entry = (uint16_t)(batch - 1)};
        for (size_t i = 0; i < batch; i++)
            list.entries[i] = gpa_add(start, (done + i) * PAGE_SIZE).v |
                              (uint64_t)operation << PSC_ENTRY_OPERATION_SHIFT;
        status = exchange_list(link, &list);
        done += batch;
    }
    return status;
}

enum status ghcb_guest_request(struct ghcb_link *link, struct ghcb_guest_request *r)
{
    enum status status;

    ghcb_begin(link);
    if (r->extended) {
        GHCB_SET(link, rax, r->certificates.v);
        GHCB_SET(link, rbx, r->certificate_pages);
    }
    status =
        ghcb_exchange(link, r->extended ? GHCB_EXIT_EXT_GUEST_REQUEST : GHCB_EXIT_GUEST_REQUEST,
                      r->request.v, r->response.v);
    if (status == STATUS_OK)
        status = GHCB_GET(link, sw_exitinfo2, &r->exitinfo2);
    if (status == STATUS_OK && r->extended)
        status = GHCB_GET(link, rbx, &r->rbx);
    return status;
}

enum status ghcb_ap_creation(struct ghcb_link *link, enum ap_creation when, gpa_t vmsa,
                             unsigned vmpl, uint32_t apic_id, uint64_t sev_features)
{
    ghcb_begin(link);
    GHCB_SET(link, rax, sev_features);
    return ghcb_exchange(
        link, GHCB_EXIT_AP_CREATION,
        when | (uint64_t)vmpl << AP_VMPL_SHIFT | (uint64_t)apic_id << AP_APIC_ID_SHIFT, vmsa.v);
}
