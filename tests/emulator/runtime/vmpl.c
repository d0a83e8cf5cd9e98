/* SPDX-License-Identifier: MIT */
#include "tests/emulator/runtime/vmpl.h"

#include "lib/freestanding/string.h"
#include "tests/emulator/runtime/control_registers.h"
#include "tests/emulator/runtime/ghcb.h"
#include "tests/emulator/runtime/memory.h"
#include "tests/emulator/runtime/rmp.h"
#include "tests/emulator/runtime/segments.h"
#include "tests/emulator/runtime/tap.h"

#define FLAT_CODE_64 0xA9B
#define FLAT_DATA    0xC93
#define STACK_SIZE   0x2000
#define THIS_CPU     0

static struct vmsa *vmsas[VMPL_COUNT];
static void (*job)(void);

extern uint8_t image_start[], image_end[];

uint64_t run_vmpl(unsigned vmpl)
{
    return ghcb_msr_call((uint64_t)vmpl << 32 | GHCB_MSR_RUN_VMPL_REQ);
}

uint64_t ap_request(enum ap_creation kind, unsigned vmpl, uint32_t apic_id)
{
    return (uint64_t)apic_id << 32 | vmpl << 16 | kind;
}

bool ap_create(unsigned vmpl, const struct vmsa *vmsa)
{
    ghcb_begin(GHCB_EXIT_AP_CREATION, ap_request(AP_CREATE, vmpl, THIS_CPU), gpa_of(vmsa));
    GHCB_SET(rax, SEV_FEATURE_SNP_ACTIVE);
    ghcb_exit();
    return ghcb->sw_exitinfo1 == GHCB_RESULT_OK;
}

static _Noreturn void vmpl_main(void)
{
    for (;;) {
        job();
        vmpl_pause();
    }
}

struct vmsa *vmpl_new_vmsa(unsigned vmpl)
{
    static uint8_t stacks[VMPL_COUNT][STACK_SIZE] __attribute__((aligned(16)));
    struct vmsa *vmsa = valid_page();

    /* As after a CALL: RSP is 8 below a multiple of 16. */
    *vmsa = (struct vmsa){
        .cs = {SELECTOR_CODE, FLAT_CODE_64, 0xFFFFFFFF, 0},
        .ss = {SELECTOR_DATA, FLAT_DATA, 0xFFFFFFFF, 0},
        .ds = {SELECTOR_DATA, FLAT_DATA, 0xFFFFFFFF, 0},
        .es = {SELECTOR_DATA, FLAT_DATA, 0xFFFFFFFF, 0},
        .vmpl = (uint8_t)vmpl,
        .efer = EFER_SVME | EFER_NXE | EFER_LMA | EFER_LME,
        .cr0 = read_cr0(),
        .cr3 = read_cr3(),
        .cr4 = read_cr4(),
        .dr6 = VMSA_DR6_RESET,
        .dr7 = VMSA_DR7_RESET,
        .rflags = VMSA_RFLAGS_RESET,
        .rip = (uint64_t)vmpl_main,
        .rsp = (uint64_t)stacks[vmpl] + STACK_SIZE - 8,
        .g_pat = VMSA_G_PAT_RESET,
        .sev_features = SEV_FEATURE_SNP_ACTIVE,
        .xcr0 = 1,
        .mxcsr = VMSA_MXCSR_RESET,
    };
    traps_describe(vmsa);
    return vmsa;
}

void vmpl_mark_vmsa(struct vmsa *vmsa, bool is_vmsa)
{
    uint32_t code = rmpadjust(vmsa, SIZE_4K, grant(1, 0) | (is_vmsa ? RMPADJUST_VMSA : 0));

    if (last_trap.vector != NO_TRAP || code != RMP_SUCCESS)
        bail_out("0x%lx cannot be made a VMSA page", gpa_of(vmsa));
}

static void open_image(unsigned vmpl)
{
    for (uint8_t *page = image_start; page < image_end; page += PAGE_SIZE) {
        uint32_t code = rmpadjust(page, SIZE_4K, grant(vmpl, RMP_ALL));

        if (last_trap.vector != NO_TRAP || code != RMP_SUCCESS)
            bail_out("page 0x%lx cannot be opened to VMPL%u", gpa_of(page), vmpl);
    }
}

struct vmsa *vmpl_vmsa(unsigned vmpl)
{
    if (!vmsas[vmpl]) {
        vmsas[vmpl] = vmpl_new_vmsa(vmpl);
        vmpl_mark_vmsa(vmsas[vmpl], true);
        open_image(vmpl);
        if (!ap_create(vmpl, vmsas[vmpl]))
            bail_out("the host refuses the VMSA for VMPL%u", vmpl);
    }
    return vmsas[vmpl];
}

void vmpl_call(unsigned vmpl, void (*function)(void))
{
    job = function;
    vmpl_vmsa(vmpl);
    vmpl_resume(vmpl);
}

void vmpl_pause(void)
{
    run_vmpl(0);
}

void vmpl_resume(unsigned vmpl)
{
    uint64_t response = run_vmpl(vmpl);

    if (response != GHCB_MSR_RUN_VMPL_RESP)
        bail_out("VMPL%u does not run: 0x%lx", vmpl, response);
}
