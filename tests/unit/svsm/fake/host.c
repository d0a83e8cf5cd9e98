/* SPDX-License-Identifier: MIT */
#include "tests/unit/svsm/fake/host.h"

#include <pthread.h>
#include <string.h>

#include "lib/snp/exit_codes.h"
#include "tests/unit/svsm/fake/machine.h"

#define TIMER_TICKS     20000000ull /* 10 ms at 2 GHz */
#define SLOT            0xFEF00000ull
#define SLOT_SIZE       0x1000
#define DESCRIPTOR_NEXT 1

struct fake_host fake_host;

static struct {
    uint32_t feature_half, status, queue_num;
    uint64_t descriptors, available, used;
    uint16_t seen;
} device;

/* The PIT's channel 2: when it is due. */
static uint64_t timer_due;
static bool timer_half_set;

void fake_host_reset(void)
{
    memset(&fake_host, 0, sizeof(fake_host));
    memset(&device, 0, sizeof(device));
    fake_host.features =
        GHCB_HV_FEATURE_SNP | GHCB_HV_FEATURE_AP_CREATION | GHCB_HV_FEATURE_MULTI_VMPL;
    fake_host.version_min = 1;
    fake_host.version_max = 2;
    fake_host.timer_runs = true;
    timer_half_set = false;
    fake_host.device_id = 2;
    fake_host.disk_features = 1ull << 32 | 1ull << 33 | 1ull << 9;
    fake_host.capacity = FAKE_DISK_SIZE / 512;
    fake_host.queue_max = 64;
    fake_host.response_byte = 0x55;
    fake.host = fake_host_answer;
}

struct ghcb *fake_ghcb(void)
{
    return (struct ghcb *)fake_bytes(gpa(fake_this()->ghcb_msr & PAGE_MASK));
}

void fake_ghcb_mark(size_t offset)
{
    fake_ghcb()->valid_bitmap[offset / 64] |= (uint8_t)(1u << offset / 8 % 8);
}

#define ANSWER(field, value)                                                                       \
    do {                                                                                           \
        fake_ghcb()->field = (value);                                                              \
        fake_ghcb_mark(offsetof(struct ghcb, field));                                              \
    } while (0)

static void put(struct fake_stream *stream, uint8_t byte)
{
    if (stream->size < sizeof(stream->bytes))
        stream->bytes[stream->size++] = byte;
}

/* The proxy's UART: the divisor latch is open, the FIFO's level. */
static struct {
    bool set_up;
    uint8_t level;
} receiver;

static uint8_t uart_in(unsigned reg, struct fake_stream *from)
{
    size_t arrived = from ? from->size - from->next : 0;

    switch (reg) {
    case 0:
        return arrived > 0 ? from->bytes[from->next++] : 0;
    case 2:
        return fake_host.proxy_interrupts && arrived >= receiver.level ? 0xC4 : 0xC1;
    case 5:
        return 0x60 | (arrived > 0);
    default:
        return 0;
    }
}

static void set_timer(void)
{
    timer_half_set = !timer_half_set;
    if (timer_half_set)
        return;
    timer_due = fake.tsc + TIMER_TICKS;
    if (fake_host.timer_stalls > 0) {
        fake_host.timer_stalls--;
        fake.tsc += fake_host.stall;
    }
}

static uint8_t port_in(uint16_t port)
{
    if (port == 0x61 && fake_host.timer_runs) {
        fake.tsc += TIMER_TICKS / 100;
        return fake.tsc >= timer_due ? 0x20 : 0;
    }
    if (port >= FAKE_CONSOLE_PORT && port < FAKE_CONSOLE_PORT + 8)
        return uart_in(port - FAKE_CONSOLE_PORT, NULL);
    if (port >= FAKE_PROXY_PORT && port < FAKE_PROXY_PORT + 8)
        return uart_in(port - FAKE_PROXY_PORT, &fake_host.to_vm);
    return 0xFF;
}

static void port_out(uint16_t port, uint8_t value)
{
    static const uint8_t levels[] = {1, 4, 8, 14};

    if (port == 0x42)
        set_timer();
    /* The divisor latch stands in the first two registers' place while it is open. */
    if (port == FAKE_CONSOLE_PORT + 3 || port == FAKE_PROXY_PORT + 3)
        receiver.set_up = (value & 0x80) != 0;
    else if (port == FAKE_CONSOLE_PORT && !receiver.set_up)
        put(&fake_host.console, value);
    else if (port == FAKE_PROXY_PORT && !receiver.set_up)
        put(&fake_host.from_vm, value);
    else if (port == FAKE_PROXY_PORT + 1 && !receiver.set_up)
        fake_host.proxy_interrupts = value & 1;
    else if (port == FAKE_PROXY_PORT + 2)
        receiver.level = levels[value >> 6];
}

static void do_io(uint64_t info)
{
    uint16_t port = (uint16_t)(info >> IOIO_PORT_SHIFT);
    size_t count = info & IOIO_STRING ? fake_ghcb()->sw_exitinfo2 : 1;
    uint8_t *buffer = fake_bytes(gpa(fake_ghcb()->sw_scratch));

    fake_host.io_exits++;
    for (size_t i = 0; i < count; i++) {
        if (info & IOIO_STRING) {
            if (info & IOIO_IN)
                buffer[i] = port_in(port);
            else
                port_out(port, buffer[i]);
        } else if (info & IOIO_IN) {
            ANSWER(rax, port_in(port));
        } else {
            port_out(port, (uint8_t)fake_ghcb()->rax);
        }
    }
}

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags, next;
};

/* Header, data, status: the chain that the driver always makes. */
static void serve_disk(void)
{
    uint16_t *available = (uint16_t *)fake_bytes(gpa(device.available));
    uint16_t *used = (uint16_t *)fake_bytes(gpa(device.used));
    const struct descriptor *chain = (const struct descriptor *)fake_bytes(gpa(device.descriptors));
    const uint32_t *header = (const uint32_t *)fake_bytes(gpa(chain[0].address));
    bool has_data = (chain[1].flags & DESCRIPTOR_NEXT) != 0;
    uint8_t *data = fake_bytes(gpa(chain[1].address));
    uint64_t offset = ((uint64_t)header[3] << 32 | header[2]) * 512;

    if (fake_host.disk_is_silent || available[1] == device.seen)
        return;
    device.seen = available[1];
    if (has_data && offset + chain[1].length <= FAKE_DISK_SIZE) {
        if (header[0] == 0)
            memcpy(data, fake_host.disk + offset, chain[1].length);
        else
            memcpy(fake_host.disk + offset, data, chain[1].length);
    }
    fake_host.flushes += header[0] == 4;
    *fake_bytes(gpa(chain[has_data ? 2 : 1].address)) = fake_host.disk_status;
    used[1] = device.seen;
}

static uint32_t register_read(uint64_t reg)
{
    switch (reg) {
    case 0x000:
        return 0x74726976;
    case 0x004:
        return 2;
    case 0x008:
        return fake_host.device_id;
    case 0x010:
        return (uint32_t)(fake_host.disk_features >> (device.feature_half ? 32 : 0));
    case 0x034:
        return fake_host.queue_max;
    case 0x070:
        return device.status;
    case 0x100:
        return (uint32_t)fake_host.capacity;
    case 0x104:
        return (uint32_t)(fake_host.capacity >> 32);
    default:
        return 0;
    }
}

static void set_half(uint64_t *address, bool upper, uint32_t value)
{
    *address = upper ? (*address & 0xFFFFFFFF) | (uint64_t)value << 32
                     : (*address & ~0xFFFFFFFFull) | value;
}

static void register_write(uint64_t reg, uint32_t value)
{
    switch (reg) {
    case 0x014:
        device.feature_half = value;
        break;
    case 0x050:
        serve_disk();
        break;
    case 0x070:
        device.status = value;
        break;
    case 0x080:
    case 0x084:
        set_half(&device.descriptors, reg & 4, value);
        break;
    case 0x090:
    case 0x094:
        set_half(&device.available, reg & 4, value);
        break;
    case 0x0A0:
    case 0x0A4:
        set_half(&device.used, reg & 4, value);
        break;
    }
}

static void do_mmio(uint64_t address, bool write)
{
    uint8_t *buffer = fake_bytes(gpa(fake_ghcb()->sw_scratch));
    bool ours = address >= SLOT && address < SLOT + SLOT_SIZE;
    uint32_t value = 0xFFFFFFFF;

    if (write) {
        memcpy(&value, buffer, sizeof(value));
        if (ours)
            register_write(address - SLOT, value);
        return;
    }
    if (ours)
        value = register_read(address - SLOT);
    memcpy(buffer, &value, sizeof(value));
}

static void change_state(uint64_t page, uint64_t operation)
{
    fake_give(gpa(page), operation == PSC_PRIVATE ? FAKE_ASSIGNED : FAKE_HOSTS);
}

static void do_psc(void)
{
    struct psc_header *header = (struct psc_header *)fake_bytes(gpa(fake_ghcb()->sw_scratch));
    const uint64_t *entries = (const uint64_t *)(header + 1);

    for (; header->cur_entry <= header->end_entry; header->cur_entry++)
        change_state(entries[header->cur_entry] & PSC_ENTRY_GFN_MASK,
                     entries[header->cur_entry] >> PSC_ENTRY_OPERATION_SHIFT & 0xF);
    ANSWER(sw_exitinfo2, 0);
}

static void do_guest_request(uint64_t response, bool extended)
{
    fake_host.guest_requests++;
    memset(fake_bytes(gpa(response)), fake_host.response_byte, PAGE_SIZE);
    if (extended)
        ANSWER(rbx, fake_host.certificate_pages_needed);
    ANSWER(sw_exitinfo2, fake_host.exitinfo2);
}

static void do_event(void)
{
    struct ghcb *ghcb = fake_ghcb();
    uint64_t code = ghcb->sw_exitcode, info1 = ghcb->sw_exitinfo1, info2 = ghcb->sw_exitinfo2;

    ANSWER(sw_exitinfo1, GHCB_RESULT_OK);
    switch (code) {
    case SVM_EXIT_IOIO:
        do_io(info1);
        break;
    case GHCB_EXIT_MMIO_READ:
    case GHCB_EXIT_MMIO_WRITE:
        do_mmio(info1, code == GHCB_EXIT_MMIO_WRITE);
        break;
    case GHCB_EXIT_PSC:
        do_psc();
        break;
    case GHCB_EXIT_GUEST_REQUEST:
    case GHCB_EXIT_EXT_GUEST_REQUEST:
        do_guest_request(info2, code == GHCB_EXIT_EXT_GUEST_REQUEST);
        break;
    case GHCB_EXIT_AP_CREATION:
        fake_host.created.vmsa = gpa(info2);
        fake_host.created.vmpl = (unsigned)(info1 >> 16 & 0xF);
        fake_host.created.features = ghcb->rax;
        fake_host.created.apic_id = (uint32_t)(info1 >> 32);
        fake_host.created.at_once = (info1 & 0xFFFF) == 1;
        if (fake_host.refuses_vcpus)
            ANSWER(sw_exitinfo1, GHCB_RESULT_MALFORMED);
        break;
    default:
        ANSWER(sw_exitinfo1, GHCB_RESULT_MALFORMED);
    }
}

/* One exit at a time: the host has one state. */
static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;

static void run_vmpl(void)
{
    void (*guest)(void) = __atomic_load_n(&fake_host.guest, __ATOMIC_ACQUIRE);

    fake_this()->ghcb_msr = GHCB_MSR_RUN_VMPL_RESP;
    if (guest)
        guest();
    else
        fake_end("the guest runs");
}

static void answer(void)
{
    uint64_t request = fake_this()->ghcb_msr;
    uint64_t page = request & GHCB_MSR_INFO_MASK ? request & 0x000FFFFFFFFFF000ull : 0;

    switch (request & GHCB_MSR_INFO_MASK) {
    case 0:
        do_event();
        return;
    case GHCB_MSR_SEV_INFO_REQ:
        fake_this()->ghcb_msr = (uint64_t)fake_host.version_max << 48 |
                                (uint64_t)fake_host.version_min << 32 | GHCB_MSR_SEV_INFO_RESP;
        return;
    case GHCB_MSR_HV_FEATURES_REQ:
        fake_this()->ghcb_msr = fake_host.features << 12 | GHCB_MSR_HV_FEATURES_RESP;
        return;
    case GHCB_MSR_REGISTER_GPA_REQ:
        fake_this()->ghcb_msr = page | GHCB_MSR_REGISTER_GPA_RESP;
        return;
    case GHCB_MSR_PSC_REQ:
        change_state(page, request >> 52 & 0xF);
        fake_this()->ghcb_msr = GHCB_MSR_PSC_RESP;
        return;
    default:
        fake_this()->ghcb_msr = 0;
    }
}

void fake_host_answer(void)
{
    if ((fake_this()->ghcb_msr & GHCB_MSR_INFO_MASK) == GHCB_MSR_RUN_VMPL_REQ) {
        run_vmpl();
        return;
    }
    pthread_mutex_lock(&one);
    answer();
    pthread_mutex_unlock(&one);
}
