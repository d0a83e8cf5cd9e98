/* SPDX-License-Identifier: MIT */
/* The GHCB MSR protocol (56421, 2.3.1). */
#include "emulator/platform/host.h"
#include "tests/emulator/runtime/exchange.h"
#include "tests/emulator/runtime/ghcb.h"
#include "tests/emulator/runtime/memory.h"
#include "tests/emulator/runtime/rmp.h"
#include "tests/emulator/runtime/tap.h"

#define UNKNOWN_REQUEST 0xABC
#define NO_MEMORY_HERE  0xD0000000ull

static unsigned cbit_position(void)
{
    return cpuid_find(CPUID_MEMORY_ENCRYPTION)->ebx & CPUID_ME_EBX_CBIT_MASK;
}

static uint64_t sev_information(void)
{
    return (uint64_t)GHCB_PROTOCOL_MAX << 48 | (uint64_t)GHCB_PROTOCOL_MIN << 32 |
           (uint64_t)cbit_position() << 24 | GHCB_MSR_SEV_INFO_RESP;
}

TEST("At reset the GHCB MSR holds the SEV information response")
{
    CHECK_EQUAL(ghcb_msr_at_reset, sev_information());
}

TEST("SEV information: protocol versions 1 to 2 and the C-bit of the CPUID page")
{
    CHECK_EQUAL(ghcb_msr_call(GHCB_MSR_SEV_INFO_REQ), sev_information());
}

static uint64_t ask_cpuid(uint32_t leaf, uint64_t which)
{
    return ghcb_msr_call((uint64_t)leaf << 32 | which << 30 | GHCB_MSR_CPUID_REQ);
}

static uint64_t cpuid_response(uint32_t value, uint64_t which)
{
    return (uint64_t)value << 32 | which << 30 | GHCB_MSR_CPUID_RESP;
}

/* The hypervisor carries these out without going back to the guest between them. */
#define EXCHANGE_IN_A_ROW "wrmsr\n\trep; vmmcall\n\t"

TEST("The MSR is written, VMGEXIT and the MSR is read, with no instruction between them")
{
    uint32_t low = GHCB_MSR_SEV_INFO_REQ, high = 0;

    ATTEMPT(EXCHANGE_IN_A_ROW "rdmsr", : "+a"(low), "+d"(high) : "c"(MSR_GHCB) : "memory");
    CHECK_NO_TRAP();
    CHECK_EQUAL((uint64_t)high << 32 | low, sev_information());
}

TEST("What follows at once and is not the CPU's own raises #VC, and no exit is served twice")
{
    uint32_t low = GHCB_MSR_HV_FEATURES_REQ, high = 0;

    ATTEMPT(EXCHANGE_IN_A_ROW "cpuid", : "+a"(low), "+d"(high) : "c"(MSR_GHCB) : "ebx", "memory");
    check_trap(VECTOR_VC, SVM_EXIT_CPUID, __LINE__);
    CHECK_EQUAL(low, GHCB_MSR_HV_FEATURES_REQ);
    CHECK_EQUAL(msr_read(MSR_GHCB) & GHCB_MSR_INFO_MASK, GHCB_MSR_HV_FEATURES_RESP);
}

TEST("CPUID gives one register of a leaf, as it is in the CPUID page")
{
    static const uint32_t leaves[] = {0, 0x80000000, CPUID_MEMORY_ENCRYPTION};

    for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
        const struct cpuid_entry *entry = cpuid_find(leaves[i]);

        CHECK_EQUAL(ask_cpuid(leaves[i], 0), cpuid_response(entry->eax, 0));
        CHECK_EQUAL(ask_cpuid(leaves[i], 1), cpuid_response(entry->ebx, 1));
        CHECK_EQUAL(ask_cpuid(leaves[i], 2), cpuid_response(entry->ecx, 2));
        CHECK_EQUAL(ask_cpuid(leaves[i], 3), cpuid_response(entry->edx, 3));
    }
}

TEST("The host prefers no GPA for the GHCB")
{
    CHECK_EQUAL(ghcb_msr_call(GHCB_MSR_PREFERRED_GPA_REQ),
                GHCB_NO_GFN << 12 | GHCB_MSR_PREFERRED_GPA_RESP);
}

TEST("Registration of a GHCB is answered with its GPA")
{
    uint64_t gpa = gpa_of(host_page());

    CHECK_EQUAL(ghcb_msr_call(gpa | GHCB_MSR_REGISTER_GPA_REQ), gpa | GHCB_MSR_REGISTER_GPA_RESP);
    CHECK_EQUAL(ghcb_msr_call(gpa_of(ghcb) | GHCB_MSR_REGISTER_GPA_REQ),
                gpa_of(ghcb) | GHCB_MSR_REGISTER_GPA_RESP);
}

TEST("Page state change: to shared, and to private, which then is to be validated")
{
    uint64_t *page = valid_page();

    CHECK_EQUAL(pvalidate(page, SIZE_4K, false).code, RMP_SUCCESS);
    CHECK_EQUAL(ghcb_msr_psc(gpa_of(page), PSC_SHARED), GHCB_MSR_PSC_RESP);
    try_write(shared_view(page), 1);
    CHECK_NO_TRAP();
    CHECK_EQUAL(ghcb_msr_psc(gpa_of(page), PSC_PRIVATE), GHCB_MSR_PSC_RESP);
    try_read(page);
    CHECK_VC(SVM_EXIT_PAGE_NOT_VALIDATED);
    CHECK_PVALIDATE(pvalidate(page, SIZE_4K, true), RMP_SUCCESS, false);
}

TEST("Page state change does not know PSMASH and UNSMASH")
{
    void *page = valid_page();

    CHECK(ghcb_msr_psc(gpa_of(page), PSC_PSMASH) >> 32 != 0);
    CHECK(ghcb_msr_psc(gpa_of(page), PSC_UNSMASH) >> 32 != 0);
}

TEST("Page state change of a GPA without memory is refused")
{
    uint64_t response = ghcb_msr_psc(NO_MEMORY_HERE, PSC_PRIVATE);

    CHECK_EQUAL(response & GHCB_MSR_INFO_MASK, GHCB_MSR_PSC_RESP);
    CHECK(response >> 32 != 0);
}

TEST("RUN_VMPL of a VMPL without VMSA is refused")
{
    uint64_t response = ghcb_msr_call(2ull << 32 | GHCB_MSR_RUN_VMPL_REQ);

    CHECK_EQUAL(response & GHCB_MSR_INFO_MASK, GHCB_MSR_RUN_VMPL_RESP);
    CHECK(response >> 32 != 0);
}

TEST("The hypervisor features include SNP, AP creation and more than one VMPL")
{
    uint64_t wanted =
        GHCB_HV_FEATURE_SNP | GHCB_HV_FEATURE_AP_CREATION | GHCB_HV_FEATURE_MULTI_VMPL;
    uint64_t response = ghcb_msr_call(GHCB_MSR_HV_FEATURES_REQ);

    CHECK_EQUAL(response & GHCB_MSR_INFO_MASK, GHCB_MSR_HV_FEATURES_RESP);
    CHECK_EQUAL(response >> 12 & wanted, wanted);
}

TEST("An unknown request is left in the MSR")
{
    CHECK_EQUAL(ghcb_msr_call(UNKNOWN_REQUEST), UNKNOWN_REQUEST);
}

TEST("Zero in the MSR is no request")
{
    CHECK_EQUAL(ghcb_msr_call(0), 0);
}

TEST("The protocol changes no register of the guest")
{
    uint64_t registers[GENERAL_REGISTERS];

    for (size_t i = 0; i < GENERAL_REGISTERS; i++)
        registers[i] = 0x1000 + i;
    msr_write(MSR_GHCB, GHCB_MSR_SEV_INFO_REQ);
    exchange_general(registers);
    for (size_t i = 0; i < GENERAL_REGISTERS; i++)
        CHECK_EQUAL(registers[i], 0x1000 + i);
    CHECK_EQUAL(msr_read(MSR_GHCB), sev_information());
}

ENDING("A termination request ends the machine and gives its reason", HOST_EXIT_GUEST_TERMINATED,
       "VMPL0 asked to terminate: reason set 3, code 66")
{
    ghcb_terminate(3, 66);
}
