/* SPDX-License-Identifier: MIT */
/*
 * Several vCPUs at once, each a thread: calls of all kinds, about the same pages and services,
 * while one vCPU comes and goes. ThreadSanitizer looks at the locks; their order is looked at by
 * the locks themselves (svsm/mm/lock.h).
 */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/abi/attest_service.h"
#include "lib/abi/tpm_service.h"
#include "lib/base/bytes.h"
#include "svsm/arch/memory.h"
#include "svsm/mm/page_allocator.h"
#include "svsm/process/attest_service.h"
#include "svsm/process/tpm_service.h"
#include "svsm/sev/sev_status.h"
#include "tests/unit/registered.h"
#include "tests/unit/svsm/fake/vm.h"

#define THREADS      4
#define ROUNDS       300
#define SHARED_PAGES 4
#define BASE         0x200000ull /* each vCPU has 16 pages from here; those of all are before it */
#define SHARED_BASE  (BASE - 16 * PAGE_SIZE)

enum own_page {
    OWN_VMSA,
    OWN_VMSA_2,
    OWN_CAA,
    OWN_LIST,
    OWN_BUFFER,
    OWN_OPERATION,
    OWN_REPORT,
    OWN_MANIFEST,
};

static uint64_t page_of(unsigned vcpu, enum own_page page)
{
    return BASE + (vcpu * 16 + page) * PAGE_SIZE;
}

/* Both services; the TPM's command tells whether two are ever in it. */
static unsigned in_tpm, most_in_tpm;
static sem_t *tpm_entered, *tpm_may_leave;
static void (*during_command)(void);

static size_t serves(const uint8_t *request, size_t size, uint8_t *response)
{
    (void)size;
    put_le32(response, 0);
    if (get_le32(request) == SERVICE_COMMAND && size > 8 && request[5] == 0xC0) {
        unsigned now = __atomic_add_fetch(&in_tpm, 1, __ATOMIC_RELAXED);

        if (now > most_in_tpm)
            most_in_tpm = now;
        if (tpm_entered) {
            sem_post(tpm_entered);
            sem_wait(tpm_may_leave);
        }
        if (during_command)
            during_command();
        memcpy(response + 4, request + 5, 10);
        __atomic_sub_fetch(&in_tpm, 1, __ATOMIC_RELAXED);
        return 14;
    }
    /* A report without certificates, or the public part of a key: both fit. */
    put_le32(response + 4, 4);
    memset(response + 8, 0x5A, 4);
    put_le32(response + 12, 0);
    return 16;
}

static void enter(void *argument)
{
    struct cpu *own = argument;

    if (ghcb_use(&own->link) != STATUS_OK)
        fake_end("no GHCB");
}

static void fill(uint64_t page)
{
    struct vmsa *vmsa = (struct vmsa *)fake_bytes(gpa(page));

    memset(vmsa, 0, sizeof(*vmsa));
    vmsa->vmpl = FAKE_VMPL;
    vmsa->efer = EFER_SVME;
    vmsa->sev_features = sev_status_guest_features();
}

static int start(void **state)
{
    (void)state;
    vm_start_guest();
    vm.guest.enter = enter;
    vm_serve(serves);
    most_in_tpm = 0;
    tpm_entered = tpm_may_leave = NULL;
    during_command = NULL;
    memset(&vm.attest, 0, sizeof(vm.attest));
    memset(&vm.tpm, 0, sizeof(vm.tpm));
    if (block_init(&vm.volume, &vm.cpus[0].clock) != STATUS_OK ||
        attest_service_start(&vm.attest, &vm.params.services[0], &vm.proxy, &vm.amd_sp,
                             &vm.state_key, &vm.kbs) != STATUS_OK ||
        tpm_service_start(&vm.tpm, &vm.params.services[1], &vm.volume, &vm.state_key) != STATUS_OK)
        return -1;
    for (uint64_t at = SHARED_BASE; at < BASE + 8 * 16 * PAGE_SIZE; at += PAGE_SIZE)
        vm_give_guest(gpa(at));
    for (unsigned vcpu = 1; vcpu < THREADS; vcpu++) {
        fill(page_of(vcpu, OWN_VMSA));
        if (vm_call(0, SVSM_CORE_CREATE_VCPU, page_of(vcpu, OWN_VMSA), page_of(vcpu, OWN_CAA),
                    vcpu) != SVSM_SUCCESS)
            return -1;
    }
    return 0;
}

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static uint64_t pvalidate(unsigned vcpu, uint64_t entry)
{
    struct svsm_pvalidate_list *list =
        (struct svsm_pvalidate_list *)fake_bytes(gpa(page_of(vcpu, OWN_LIST)));

    *list = (struct svsm_pvalidate_list){.entries = 1};
    memcpy(list + 1, &entry, sizeof(entry));
    return vm_call_on(vcpu, 0, SVSM_CORE_PVALIDATE, page_of(vcpu, OWN_LIST), 0, 0);
}

static uint64_t tpm_command(unsigned vcpu)
{
    uint8_t *buffer = fake_bytes(gpa(page_of(vcpu, OWN_BUFFER)));

    put_le32(buffer, SVSM_VTPM_SEND_COMMAND);
    buffer[4] = 0;
    put_le32(buffer + 5, 10);
    memset(buffer + 9, (int)vcpu, 10);
    buffer[9] = 0xC0;
    return vm_call_on(vcpu, SVSM_PROTOCOL_VTPM, SVSM_VTPM_CMD, page_of(vcpu, OWN_BUFFER), 0, 0);
}

static uint64_t report(unsigned vcpu)
{
    uint8_t *operation = fake_bytes(gpa(page_of(vcpu, OWN_OPERATION)));

    memset(operation, 0, 0x40);
    put_le64(operation + 0x00, page_of(vcpu, OWN_REPORT));
    put_le32(operation + 0x08, PAGE_SIZE);
    put_le64(operation + 0x10, page_of(vcpu, OWN_OPERATION) + 0x100);
    put_le16(operation + 0x18, 64);
    put_le64(operation + 0x20, page_of(vcpu, OWN_MANIFEST));
    put_le32(operation + 0x28, PAGE_SIZE);
    return vm_call_on(vcpu, SVSM_PROTOCOL_ATTEST, SVSM_ATTEST_SERVICES,
                      page_of(vcpu, OWN_OPERATION), 0, 0);
}

/* A page that all vCPUs change the state of: it fails for some, in the ways that it may. */
static void change_a_shared_page(unsigned vcpu, unsigned round)
{
    uint64_t page = SHARED_BASE + round % SHARED_PAGES * PAGE_SIZE;
    uint64_t result = pvalidate(vcpu, page | (round & 8 ? SVSM_PVALIDATE_ACTION : 0));

    EXPECT(result == SVSM_SUCCESS || result == SVSM_ERR_PROTOCOL + SVSM_PVALIDATE_UNCHANGED);
}

static void use_the_tpm(unsigned vcpu)
{
    uint64_t result = tpm_command(vcpu);
    const uint8_t *buffer = fake_bytes(gpa(page_of(vcpu, OWN_BUFFER)));

    EXPECT(result == SVSM_SUCCESS || result == SVSM_ERR_BUSY);
    if (result == SVSM_SUCCESS) /* its own answer, not another vCPU's */
        EXPECT(get_le32(buffer) == 10 && buffer[5] == vcpu && buffer[13] == vcpu);
}

/* The first vCPU makes another one for the last processor, again and again. */
static void replace_a_vcpu(unsigned round)
{
    static uint64_t now, next;

    if (round == 0) {
        now = page_of(THREADS, OWN_VMSA);
        next = page_of(THREADS, OWN_VMSA_2);
        fill(now);
        EXPECT(vm_call_on(0, 0, SVSM_CORE_CREATE_VCPU, now, page_of(THREADS, OWN_CAA), 77) ==
               SVSM_SUCCESS);
        return;
    }
    fill(next);
    EXPECT(vm_call_on(0, 0, SVSM_CORE_CREATE_VCPU, next, page_of(THREADS, OWN_CAA), 77) ==
           SVSM_SUCCESS);
    EXPECT(vm_call_on(0, 0, SVSM_CORE_DELETE_VCPU, now, 0, 0) == SVSM_SUCCESS);
    next ^= now;
    now ^= next;
    next ^= now;
}

/* What services do when they ask for memory. */
static void take_pages(void)
{
    uint8_t *pages[3];

    for (unsigned i = 0; i < 3; i++) {
        pages[i] = page_allocate();
        EXPECT(pages[i] && pages[i][0] == 0);
        pages[i][0] = 1;
    }
    for (unsigned i = 0; i < 3; i++)
        page_free(pages[i]);
}

/* Between the steps of a change, others come by. */
static bool lets_others_run(gpa_t page)
{
    (void)page;
    sched_yield();
    return false;
}

static void *run(void *argument)
{
    unsigned vcpu = (unsigned)(uintptr_t)argument;

    fake_become(vcpu);
    if (vcpu > 0)
        fake_cpu(vcpu)->entry(fake_cpu(vcpu)->argument);
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t result;

        take_pages();
        change_a_shared_page(vcpu, round);
        use_the_tpm(vcpu);
        result = report(vcpu);
        EXPECT(result == SVSM_SUCCESS || result == SVSM_ERR_BUSY);
        if (vcpu == 0)
            replace_a_vcpu(round);
        else if (round % 16 == 0)
            EXPECT(vm_call_on(vcpu, 0, SVSM_CORE_REMAP_CA, page_of(vcpu, OWN_CAA), 0, 0) ==
                   SVSM_SUCCESS);
    }
    return NULL;
}

TEST_SETUP(calls_from_all_vcpus_at_once_are_served, start)
{
    pthread_t threads[THREADS];

    fake.on_rmp = lets_others_run;
    for (uintptr_t vcpu = 1; vcpu < THREADS; vcpu++)
        assert_int_equal(pthread_create(&threads[vcpu], NULL, run, (void *)vcpu), 0);
    run(NULL);
    for (unsigned vcpu = 1; vcpu < THREADS; vcpu++)
        assert_int_equal(pthread_join(threads[vcpu], NULL), 0);
    assert_int_equal(most_in_tpm, 1);
    assert_false(fake_region_is_granted());
    for (unsigned i = 0; i < SHARED_PAGES; i++) {
        const struct fake_page *page = fake_page(gpa(SHARED_BASE + i * PAGE_SIZE));

        assert_int_equal(page->permissions[FAKE_VMPL], page->owner == FAKE_VALIDATED ? RMP_ALL : 0);
    }
}

static void *make_a_key(void *argument)
{
    (void)argument;
    fake_become(1);
    fake_cpu(1)->entry(fake_cpu(1)->argument);
    EXPECT(tpm_command(1) == SVSM_SUCCESS);
    return NULL;
}

/* While the TPM works for one vCPU, others have their memory changed, and are not kept waiting. */
TEST_SETUP(a_long_tpm_command_stalls_no_other_vcpu, start)
{
    pthread_t thread;
    sem_t entered, may_leave;

    sem_init(&entered, 0, 0);
    sem_init(&may_leave, 0, 0);
    tpm_entered = &entered;
    tpm_may_leave = &may_leave;
    assert_int_equal(pthread_create(&thread, NULL, make_a_key, NULL), 0);
    sem_wait(&entered);
    assert_int_equal(tpm_command(0), SVSM_ERR_BUSY);
    assert_int_equal(report(0), SVSM_ERR_BUSY); /* its manifest has the TPM's key */
    assert_int_equal(pvalidate(0, SHARED_BASE), SVSM_SUCCESS);
    fill(page_of(THREADS, OWN_VMSA));
    assert_int_equal(vm_call(0, SVSM_CORE_CREATE_VCPU, page_of(THREADS, OWN_VMSA),
                             page_of(THREADS, OWN_CAA), 77),
                     SVSM_SUCCESS);
    /* The vCPU whose command it is cannot be deleted under it. */
    assert_int_equal(vm_call(0, SVSM_CORE_DELETE_VCPU, page_of(1, OWN_VMSA), 0, 0),
                     SVSM_ERR_PROTOCOL + 3ull);
    sem_post(&may_leave);
    assert_int_equal(pthread_join(thread, NULL), 0);
    tpm_entered = NULL;
    assert_int_equal(tpm_command(0), SVSM_SUCCESS);
}

static void makes_a_vmsa_of_the_buffer(void)
{
    struct svsm_call call = {.rcx = page_of(0, OWN_BUFFER),
                             .rdx = page_of(THREADS, OWN_CAA),
                             .r8 = 77,
                             .caller = &vm.guest.ranges.vcpus[0]};

    fill(call.rcx);
    EXPECT(core_create_vcpu(&vm.guest, &call) == SVSM_SUCCESS);
}

/* T512: another vCPU does so while the TPM works. */
TEST_SETUP(a_buffer_that_became_a_vmsa_meanwhile_is_not_written, start)
{
    const struct vmsa *vmsa = (struct vmsa *)fake_bytes(gpa(page_of(0, OWN_BUFFER)));

    during_command = makes_a_vmsa_of_the_buffer;
    assert_int_equal(tpm_command(0), SVSM_ERR_INVALID_ADDRESS);
    assert_int_equal(*(const uint64_t *)vmsa, 0);
    assert_int_equal(vmsa->vmpl, FAKE_VMPL);
}
