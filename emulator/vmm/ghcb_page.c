/* SPDX-License-Identifier: MIT */
/*
 * Requests through the GHCB page (GHCB specification 56421, chapter 4). The page is shared memory:
 * what is needed of it is copied first, then checked.
 */
#include "emulator/cpu/orders.h"
#include "emulator/cpu/xsave.h"
#include "emulator/platform/cpus.h"
#include "emulator/platform/memory.h"
#include "emulator/vmm/cpuid_table.h"
#include "emulator/vmm/devices.h"
#include "emulator/vmm/msr.h"
#include "emulator/vmm/processors.h"
#include "emulator/vmm/sp_client.h"
#include "emulator/vmm/vmm.h"
#include "lib/base/bytes.h"
#include "lib/snp/exit_codes.h"
#include "lib/snp/ghcb.h"

#define SCRATCH_START offsetof(struct ghcb, shared_buffer)
#define SCRATCH_END   (SCRATCH_START + GHCB_SHARED_BUFFER_SIZE)

struct request {
    struct vcpu *cpu;
    struct ghcb *page;
    gpa_t page_gpa;
    uint8_t valid[16];
    uint64_t rax, rbx, rcx, rdx, xcr0;
    uint64_t code, info1, info2, scratch;
    /* The answer. */
    uint64_t result, detail; /* SW_EXITINFO1, SW_EXITINFO2 */
};

#define IS_VALID(request, field) is_valid((request)->valid, GHCB_VALID_BIT(field))

static bool is_valid(const uint8_t bitmap[16], size_t bit)
{
    return bitmap[bit / 8] >> bit % 8 & 1;
}

static void malformed(struct request *r, enum ghcb_malformed why)
{
    r->result = GHCB_RESULT_MALFORMED;
    r->detail = why;
}

static void raise_gp(struct request *r)
{
    r->result = GHCB_RESULT_EXCEPTION;
    r->detail = VECTOR_GP | EVENT_TYPE_EXCEPTION | EVENT_ERROR_VALID | EVENT_VALID;
}

/* The requester's scratch area, which must lie inside the page's own shared buffer. */
static uint8_t *scratch(struct request *r, size_t size)
{
    uint64_t offset = r->scratch - r->page_gpa.v;

    if (!IS_VALID(r, sw_scratch)) {
        malformed(r, GHCB_ERR_MISSING_INPUT);
        return NULL;
    }
    if (offset < SCRATCH_START || offset > SCRATCH_END || size > SCRATCH_END - offset) {
        malformed(r, GHCB_ERR_INVALID_SCRATCH);
        return NULL;
    }
    return (uint8_t *)r->page + offset;
}

static bool needs(struct request *r, bool present)
{
    if (!present)
        malformed(r, GHCB_ERR_MISSING_INPUT);
    return present;
}

static void do_cpuid(struct request *r)
{
    struct cpuid_result c;

    if (!needs(r, IS_VALID(r, rax) && IS_VALID(r, rcx)) ||
        ((uint32_t)r->rax == LEAF_XSAVE && !needs(r, IS_VALID(r, xcr0))))
        return;
    c = guest_cpuid((uint32_t)r->rax, (uint32_t)r->rcx, r->xcr0);
    r->rax = c.eax;
    r->rbx = c.ebx;
    r->rcx = c.ecx;
    r->rdx = c.edx;
}

static unsigned ioio_size(uint64_t info1)
{
    return info1 & IOIO_SIZE_8 ? 1 : info1 & IOIO_SIZE_16 ? 2 : info1 & IOIO_SIZE_32 ? 4 : 0;
}

static void do_string_ioio(struct request *r, uint16_t port, unsigned size)
{
    uint64_t count = r->info1 & IOIO_REP ? r->info2 : 1;
    uint8_t *at;

    if (count > GHCB_SHARED_BUFFER_SIZE / size) {
        malformed(r, GHCB_ERR_INVALID_SCRATCH);
        return;
    }
    at = scratch(r, count * size);
    for (uint64_t i = 0; at && i < count; i++, at += size) {
        uint32_t value = 0;

        if (r->info1 & IOIO_IN) {
            value = port_read(port, size);
            memcpy(at, &value, size);
        } else {
            memcpy(&value, at, size);
            port_write(port, size, value);
        }
    }
}

static void write_port(struct request *r, uint16_t port, unsigned size)
{
    if (vmm_counts && port_powers_off(port, (uint32_t)r->rax))
        counts_log(r->cpu, "power-off");
    port_write(port, size, (uint32_t)r->rax);
}

static void do_ioio(struct request *r)
{
    uint16_t port = (uint16_t)(r->info1 >> IOIO_PORT_SHIFT);
    unsigned size = ioio_size(r->info1);

    if (!size)
        return;
    if (r->info1 & IOIO_STRING)
        do_string_ioio(r, port, size);
    else if (r->info1 & IOIO_IN)
        r->rax = port_read(port, size);
    else if (needs(r, IS_VALID(r, rax)))
        write_port(r, port, size);
}

static void do_msr(struct request *r)
{
    struct apic_command command;
    uint64_t value;

    if (!needs(r, IS_VALID(r, rcx)))
        return;
    if (r->info1) {
        if (!needs(r, IS_VALID(r, rax) && IS_VALID(r, rdx)))
            return;
        value = (uint32_t)r->rax | r->rdx << 32;
        command = apic_msr_command((uint32_t)r->rcx, value);
        if (!processors_carry_out(&command) && !guest_wrmsr((uint32_t)r->rcx, value))
            raise_gp(r);
        return;
    }
    if (!guest_rdmsr((uint32_t)r->rcx, &value)) {
        raise_gp(r);
        return;
    }
    r->rax = (uint32_t)value;
    r->rdx = value >> 32;
}

static void do_mmio(struct request *r, bool write)
{
    unsigned vmpl = r->cpu->current->vmpl;
    unsigned size = (unsigned)r->info2;
    gpa_t address = gpa(r->info1);
    struct apic_command command = {APIC_DEVICE, 0};
    uint64_t value = 0;
    uint8_t *at;

    if (r->info2 == 0)
        return;
    if (r->info2 > 8 || (size & (size - 1)) || (r->info1 & ~PAGE_MASK) + size > PAGE_SIZE) {
        malformed(r, GHCB_ERR_INVALID_INPUT);
        return;
    }
    at = scratch(r, size);
    if (!at)
        return;
    if (write) {
        memcpy(&value, at, size);
        command = apic_mmio_command(address.v, value);
    }
    if (processors_carry_out(&command))
        return;
    if (!(write ? mmio_write(vmpl, address, size, value) : mmio_read(vmpl, address, size, &value)))
        malformed(r, GHCB_ERR_INVALID_INPUT);
    else if (!write)
        memcpy(at, &value, size);
}

/* SW_EXITINFO2 of a page state change. */
#define PSC_ERROR_INVALID (1ull << 32)
#define PSC_BAD_HEADER    1u
#define PSC_BAD_ENTRY     2u

static bool change_entry(uint64_t entry)
{
    unsigned operation = entry >> PSC_ENTRY_OPERATION_SHIFT & 0xF;
    gpa_t address = gpa(entry & PSC_ENTRY_GFN_MASK);

    if (operation != PSC_PRIVATE && operation != PSC_SHARED)
        return true; /* a hint: as KVM, taken as done */
    return vmm_change_page(address, entry & PSC_ENTRY_2M, operation == PSC_PRIVATE);
}

static void do_psc(struct request *r)
{
    uint8_t *buffer = scratch(r, sizeof(struct psc_header));
    struct psc_header header;

    if (!buffer)
        return;
    memcpy(&header, buffer, sizeof(header));
    if (header.end_entry >= PSC_ENTRIES_MAX ||
        !scratch(r, sizeof(header) + ((size_t)header.end_entry + 1) * sizeof(uint64_t))) {
        log_line("VMPL%u: page state change list %u..%u at %lx refused", r->cpu->current->vmpl,
                 header.cur_entry, header.end_entry, r->scratch);
        r->result = GHCB_RESULT_OK;
        r->detail = PSC_ERROR_INVALID | PSC_BAD_HEADER;
        return;
    }
    for (; header.cur_entry <= header.end_entry; header.cur_entry++) {
        uint8_t *at = buffer + sizeof(header) + header.cur_entry * sizeof(uint64_t);
        uint64_t entry = get_le64(at);

        if (!change_entry(entry)) {
            log_line("VMPL%u: page state change %lx refused", r->cpu->current->vmpl, entry);
            r->detail = PSC_ERROR_INVALID | PSC_BAD_ENTRY;
            break;
        }
        put_le64(at, (entry & ~PSC_ENTRY_CUR_PAGE_MASK) | (entry & PSC_ENTRY_2M ? 512 : 1));
    }
    put_le16(buffer, header.cur_entry);
}

static void do_guest_request(struct request *r)
{
    void *request = vmm_shared_page(gpa(r->info1));
    void *response = vmm_shared_page(gpa(r->info2));

    if (!request || !response || request == response) {
        malformed(r, GHCB_ERR_INVALID_INPUT);
        return;
    }
    r->detail = sp_guest_request(host_pa_of_direct(request), host_pa_of_direct(response));
}

#define CERTIFICATE_PAGES_MAX 8

/* Copies the host's certificate table to the guest's buffer. False: answered already. */
static bool give_certificates(struct request *r)
{
    static uint8_t *table;
    size_t pages = CERTIFICATE_PAGES_MAX;

    if (!table)
        table = host_ptr(pool_pages(CERTIFICATE_PAGES_MAX));
    if (sp_certificates(host_pa_of_direct(table), &pages) != SNP_SUCCESS) {
        memset(table, 0, PAGE_SIZE); /* no certificates: an empty table */
        pages = 1;
    }
    if (r->rbx < pages) {
        r->rbx = pages;
        r->detail = (uint64_t)GUEST_REQUEST_INVALID_LEN << GUEST_REQUEST_VMM_ERROR_SHIFT;
        return false;
    }
    for (size_t i = 0; i < pages; i++) {
        void *to = vmm_shared_page(gpa(r->rax + i * PAGE_SIZE));

        if (!to) {
            malformed(r, GHCB_ERR_INVALID_INPUT);
            return false;
        }
        memcpy(to, table + i * PAGE_SIZE, PAGE_SIZE);
    }
    return true;
}

static void do_extended_guest_request(struct request *r)
{
    const struct guest_message_header *message = vmm_shared_page(gpa(r->info1));

    if (message && message->msg_type == MSG_REPORT_REQ) {
        /* KVM takes even missing registers for invalid input here. */
        if (!IS_VALID(r, rax) || !IS_VALID(r, rbx) || (r->rax & ~PAGE_MASK)) {
            malformed(r, GHCB_ERR_INVALID_INPUT);
            return;
        }
        if (!give_certificates(r))
            return;
    }
    do_guest_request(r);
}

static void do_ap_creation(struct request *r)
{
    if ((r->info1 & 0xFFFF) != AP_DESTROY && !needs(r, IS_VALID(r, rax)))
        return;
    if (!processors_create(r->cpu, r->info1, r->info2, r->rax))
        malformed(r, GHCB_ERR_INVALID_INPUT);
}

/* SW_EXITINFO2 says that a STARTUP ended the hold. */
static void do_reset_hold(struct request *r)
{
    r->detail = vcpu_hold(r->cpu);
}

static void do_apic_ids(struct request *r)
{
    uint32_t *ids;

    if (!needs(r, IS_VALID(r, rax)))
        return;
    if (r->rax == 0) {
        r->rax = 1;
        return;
    }
    ids = vmm_shared_page(gpa(r->info1));
    if (!ids) {
        malformed(r, GHCB_ERR_INVALID_INPUT);
        return;
    }
    ids[0] = host_cpu_count();
    for (uint32_t i = 0; i < host_cpu_count(); i++)
        ids[1 + i] = i;
}

/* The AP jump table's address, which the VMM only keeps for the guest (4.1.5). */
static void do_ap_jump_table(struct request *r)
{
    enum { SET = 0, GET = 1 };
    static uint64_t jump_table;

    if (r->info1 == SET)
        jump_table = r->info2;
    else if (r->info1 == GET)
        r->detail = jump_table;
    else
        malformed(r, GHCB_ERR_INVALID_INPUT);
}

#define MSR_TSC_AUX        0xC0000103u
#define KVM_HYPERCALL_NONE (-1000)
#define KVM_HYPERCALL_PERM (-1)

/* KVM's hypercalls, of which CPUID offers none. */
static void do_vmmcall(struct request *r)
{
    if (!needs(r, IS_VALID(r, rax) && IS_VALID(r, cpl)))
        return;
    r->rax = (uint64_t)(int64_t)(r->page->cpl ? KVM_HYPERCALL_PERM : KVM_HYPERCALL_NONE);
}

static void do_rdtsc(struct request *r, bool with_aux)
{
    uint32_t low, high;
    uint64_t aux = 0;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    r->rax = low;
    r->rdx = high;
    if (with_aux && host_rdmsr(MSR_TSC_AUX, &aux)) /* the guest's own: nothing here changes it */
        r->rcx = (uint32_t)aux;
}

static enum exit_kind call_kind(uint64_t code)
{
    switch (code) {
    case SVM_EXIT_CPUID:
        return CALL_CPUID;
    case SVM_EXIT_IOIO:
        return CALL_IOIO;
    case SVM_EXIT_MSR:
        return CALL_MSR;
    case GHCB_EXIT_MMIO_READ:
    case GHCB_EXIT_MMIO_WRITE:
        return CALL_MMIO;
    case GHCB_EXIT_PSC:
        return CALL_PSC;
    case GHCB_EXIT_RUN_VMPL:
        return CALL_RUN_VMPL;
    default:
        return CALL_OTHER;
    }
}

static void dispatch(struct request *r)
{
    switch (r->code) {
    case SVM_EXIT_CPUID:
        do_cpuid(r);
        break;
    case SVM_EXIT_IOIO:
        do_ioio(r);
        break;
    case SVM_EXIT_MSR:
        do_msr(r);
        break;
    case SVM_EXIT_RDTSC:
    case SVM_EXIT_RDTSCP:
        do_rdtsc(r, r->code == SVM_EXIT_RDTSCP);
        break;
    case SVM_EXIT_VMMCALL:
        do_vmmcall(r);
        break;
    case SVM_EXIT_WRITE_DR7:
    case SVM_EXIT_WBINVD:
    case SVM_EXIT_INVD:
    case SVM_EXIT_MONITOR:
    case SVM_EXIT_MWAIT:
    case GHCB_EXIT_NMI_COMPLETE:
        break; /* nothing to do on this platform */
    case GHCB_EXIT_MMIO_READ:
        do_mmio(r, false);
        break;
    case GHCB_EXIT_MMIO_WRITE:
        do_mmio(r, true);
        break;
    case GHCB_EXIT_AP_RESET_HOLD:
        do_reset_hold(r);
        break;
    case GHCB_EXIT_AP_JUMP_TABLE:
        do_ap_jump_table(r);
        break;
    case GHCB_EXIT_PSC:
        do_psc(r);
        break;
    case GHCB_EXIT_GUEST_REQUEST:
        do_guest_request(r);
        break;
    case GHCB_EXIT_EXT_GUEST_REQUEST:
        do_extended_guest_request(r);
        break;
    case GHCB_EXIT_AP_CREATION:
        do_ap_creation(r);
        break;
    case GHCB_EXIT_APIC_ID_LIST:
        do_apic_ids(r);
        break;
    case GHCB_EXIT_HV_FEATURES:
        r->detail = vmm_features();
        break;
    case GHCB_EXIT_TERM_REQUEST:
        vmm_terminate(r->cpu, r->info1 & 0xF, r->info1 >> 4 & 0xFF);
    case GHCB_EXIT_UNSUPPORTED_EVENT:
        die(HOST_EXIT_GUEST_INVALID, "VMPL%u cannot handle #VC %lx", r->cpu->current->vmpl,
            r->info1);
    default:
        log_line("VMPL%u: unknown VMGEXIT %lx", r->cpu->current->vmpl, r->code);
        malformed(r, GHCB_ERR_INVALID_EVENT);
        break;
    }
}

static void take(struct request *r)
{
    const struct ghcb *page = r->page;

    memcpy(r->valid, page->valid_bitmap, sizeof(r->valid));
    r->rax = page->rax;
    r->rbx = page->rbx;
    r->rcx = page->rcx;
    r->rdx = page->rdx;
    r->xcr0 = page->xcr0;
    r->code = page->sw_exitcode;
    r->info1 = page->sw_exitinfo1;
    r->info2 = page->sw_exitinfo2;
    r->scratch = page->sw_scratch;
    memset(r->page->valid_bitmap, 0, sizeof(r->page->valid_bitmap));
}

static void answer(const struct request *r)
{
    static const size_t written[] = {
        GHCB_VALID_BIT(rax), GHCB_VALID_BIT(rbx),          GHCB_VALID_BIT(rcx),
        GHCB_VALID_BIT(rdx), GHCB_VALID_BIT(sw_exitinfo1), GHCB_VALID_BIT(sw_exitinfo2),
    };
    struct ghcb *page = r->page;

    page->rax = r->rax;
    page->rbx = r->rbx;
    page->rcx = r->rcx;
    page->rdx = r->rdx;
    page->sw_exitinfo1 = r->result;
    page->sw_exitinfo2 = r->detail;
    for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++)
        page->valid_bitmap[written[i] / 8] |= (uint8_t)(1u << written[i] % 8);
}

static bool well_formed(struct request *r)
{
    if (r->cpu->current->ghcb.v != r->page_gpa.v)
        malformed(r, GHCB_ERR_NOT_REGISTERED);
    else if (r->page->usage != 0)
        malformed(r, GHCB_ERR_INVALID_USAGE);
    else if (!IS_VALID(r, sw_exitcode) || !IS_VALID(r, sw_exitinfo1) || !IS_VALID(r, sw_exitinfo2))
        malformed(r, GHCB_ERR_MISSING_INPUT);
    return r->result == GHCB_RESULT_OK;
}

/* The answer stands before the switch, as with the MSR protocol. */
static void do_run_vmpl(struct request *r)
{
    answer(r);
    if (!vmm_run_vmpl(r->cpu, r->info1)) {
        malformed(r, GHCB_ERR_INVALID_INPUT);
        answer(r);
    }
}

void vmm_ghcb_page(struct vcpu *cpu)
{
    gpa_t where = gpa(cpu->current->ghcb_msr);
    struct request r = {.cpu = cpu, .page = vmm_shared_page(where), .page_gpa = where};

    if (!r.page)
        die(HOST_EXIT_GUEST_INVALID, "VMPL%u: its GHCB, gpa %lx, is not shared memory",
            cpu->current->vmpl, where.v);
    take(&r);
    cpu->current->exits[call_kind(r.code)]++;
    if (well_formed(&r)) {
        if (r.code == GHCB_EXIT_RUN_VMPL) {
            do_run_vmpl(&r);
            return;
        }
        dispatch(&r);
    }
    /* While the request waited for another CPU the page may have changed hands. */
    if (vmm_shared_page(where) == r.page)
        answer(&r);
}
