/* SPDX-License-Identifier: MIT */
/*
 * Restricted injection (APM vol. 2, 15.36.16; 56421, 4.1.13): only #HV may enter such a VMPL. VMPL0
 * of this guest has it, and VMPL2 has not, as an SVSM and its guest.
 */
#include "emulator/platform/host.h"
#include "lib/base/bytes.h"
#include "tests/emulator/runtime/ghcb.h"
#include "tests/emulator/runtime/memory.h"
#include "tests/emulator/runtime/tap.h"
#include "tests/emulator/runtime/vmpl.h"

#define APIC_EOI                              0x0B0
#define APIC_SVR                              0x0F0
#define APIC_IRR                              0x200
#define APIC_ICR                              0x300
#define APIC_TIMER                            0x320
#define APIC_INITIAL                          0x380
#define SVR_ENABLED                           0x1FF
#define ICR_SELF                              (1u << 18)
#define ICR_NMI                               (4u << 8)
#define VECTOR_TIMER                          25
#define SHARED_BYTES                          offsetof(struct ghcb, shared_buffer)
#define HV_FEATURE_RESTRICTED_INJECTION_TIMER (1u << 3)

static uint32_t apic_read(unsigned offset)
{
    ghcb_begin(GHCB_EXIT_MMIO_READ, LOCAL_APIC + offset, 4);
    ghcb_set_scratch(SHARED_BYTES);
    ghcb_exit();
    return get_le32(ghcb->shared_buffer);
}

static void apic_write(unsigned offset, uint32_t value)
{
    put_le32(ghcb->shared_buffer, value);
    ghcb_begin(GHCB_EXIT_MMIO_WRITE, LOCAL_APIC + offset, 4);
    ghcb_set_scratch(SHARED_BYTES);
    ghcb_exit();
}

static bool pending(unsigned vector)
{
    return apic_read(APIC_IRR + vector / 32 * 0x10) >> vector % 32 & 1;
}

static void interrupts_on(void)
{
    __asm__ volatile("sti");
}

static void interrupts_off(void)
{
    __asm__ volatile("cli");
}

TEST("SEV_STATUS shows the SEV_FEATURES that the launch image asked for")
{
    CHECK_EQUAL(msr_read(MSR_SEV_STATUS) >> SEV_STATUS_FEATURES_SHIFT,
                SEV_FEATURE_SNP_ACTIVE | SEV_FEATURE_RESTRICTED_INJECTION | SEV_FEATURE_DEBUG_SWAP);
}

static uint64_t their_status;

static void read_status(void)
{
    their_status = msr_read(MSR_SEV_STATUS);
}

TEST("A VMPL without restricted injection is not told of any")
{
    vmpl_call(2, read_status);
    CHECK_EQUAL(their_status >> SEV_STATUS_FEATURES_SHIFT, SEV_FEATURE_SNP_ACTIVE);
}

TEST("An interrupt stays pending, although the VMPL takes interrupts")
{
    apic_write(APIC_SVR, SVR_ENABLED);
    interrupts_on();
    apic_write(APIC_ICR, ICR_SELF | VECTOR_IPI);
    CHECK(pending(VECTOR_IPI));
    interrupts_off();
}

TEST("The timer's interrupt stays pending, too")
{
    interrupts_on();
    apic_write(APIC_TIMER, VECTOR_TIMER);
    apic_write(APIC_INITIAL, 1000);
    while (!pending(VECTOR_TIMER))
        ;
    CHECK(pending(VECTOR_TIMER));
    interrupts_off();
}

static struct ghcb *their_ghcb;
static struct trap their_traps[2];

static void take_interrupts(void)
{
    ghcb_use(their_ghcb, true);
    for (size_t i = 0; i < 2; i++) {
        ATTEMPT("sti\n\tnop\n\tcli", : : : "memory");
        interrupts_off();
        their_traps[i] = last_trap;
        apic_write(APIC_EOI, 0);
    }
}

TEST("The VMPL without it gets them when it runs")
{
    struct ghcb *mine = ghcb;

    their_ghcb = host_page();
    vmpl_call(2, take_interrupts);
    ghcb_use(mine, false);
    CHECK_EQUAL(their_traps[0].vector, VECTOR_TIMER);
    CHECK_EQUAL(their_traps[1].vector, VECTOR_IPI);
    CHECK(!pending(VECTOR_TIMER) && !pending(VECTOR_IPI));
}

static unsigned nmis_then;

static void note_nmis(void)
{
    nmis_then = nmi_count;
}

TEST("An NMI waits for the VMPL without it, too")
{
    apic_write(APIC_ICR, ICR_NMI);
    CHECK_EQUAL(nmi_count, 0);
    vmpl_call(2, note_nmis);
    CHECK_EQUAL(nmis_then, 1);
    CHECK_EQUAL(nmi_count, 1);
}

TEST("The host has no #HV doorbell, no HV IPI and no alternate injection, and says so")
{
    struct vmsa *vmsa = vmpl_new_vmsa(3);
    uint64_t features = ghcb_msr_call(GHCB_MSR_HV_FEATURES_REQ) >> 12;

    CHECK(!(features &
            (GHCB_HV_FEATURE_RESTRICTED_INJECTION | HV_FEATURE_RESTRICTED_INJECTION_TIMER)));
    ghcb_request(GHCB_EXIT_HV_DOORBELL, 1, gpa_of(host_page()));
    CHECK_MALFORMED(GHCB_ERR_INVALID_EVENT);
    ghcb_request(GHCB_EXIT_HV_IPI, VECTOR_IPI, 0);
    CHECK_MALFORMED(GHCB_ERR_INVALID_EVENT);
    vmpl_mark_vmsa(vmsa, true);
    ghcb_begin(GHCB_EXIT_AP_CREATION, ap_request(AP_CREATE, 3, 0), gpa_of(vmsa));
    GHCB_SET(rax, SEV_FEATURE_SNP_ACTIVE | SEV_FEATURE_ALTERNATE_INJECTION);
    ghcb_exit();
    CHECK_MALFORMED(GHCB_ERR_INVALID_INPUT);
}

ENDING(
    "A VMPL with restricted injection that halts is not woken by an interrupt, and so by nothing",
    HOST_EXIT_GUEST_INVALID, "VMPL0 halts, and with restricted injection nothing can wake it")
{
    apic_write(APIC_SVR, SVR_ENABLED);
    apic_write(APIC_ICR, ICR_SELF | VECTOR_IPI);
    ATTEMPT("sti\n\thlt\n\tcli", : : : "memory");
}
