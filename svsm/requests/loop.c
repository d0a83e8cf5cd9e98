/* SPDX-License-Identifier: MIT */
#include "svsm/requests/loop.h"

#include "lib/snp/exit_codes.h"
#include "svsm/arch/memory.h"
#include "svsm/base/panic.h"
#include "svsm/console/log.h"
#include "svsm/guest/vmsa.h"
#include "svsm/sev/msr_protocol.h"

static bool take(gpa_t caa)
{
    uint8_t pending;

    return guarded_exchange_byte(caa, 0, &pending) == STATUS_OK && pending != 0;
}

/*
 * A kernel that another one started calls by the area in the secrets page, which the first one left
 * with zeros when it moved on. All of the protected bytes must be as such a call has them.
 */
static bool started_anew(const struct guest_vcpu *vcpu)
{
    uint64_t head;

    return vcpu->caa.v != vcpu->launch_caa.v &&
           guarded_read(&head, vcpu->launch_caa, sizeof(head)) == STATUS_OK && head == 1;
}

/* Takes the call that is pending in the vCPU's calling area; none when it cannot be read. */
static bool take_pending(struct guest_vcpu *vcpu)
{
    if (take(vcpu->caa))
        return true;
    if (!started_anew(vcpu) || !take(vcpu->launch_caa))
        return false;
    log_info("the guest calls by its first calling area again");
    vcpu->caa = vcpu->launch_caa;
    return true;
}

static uint64_t dispatch(struct guest *guest, struct svsm_call *call)
{
    switch (call->protocol) {
    case SVSM_PROTOCOL_CORE:
        return core_protocol(guest, call);
    case SVSM_PROTOCOL_ATTEST:
        return attest_protocol(guest, call);
    case SVSM_PROTOCOL_VTPM:
        return vtpm_protocol(guest, call);
    default:
        return SVSM_ERR_UNSUPPORTED_PROTOCOL;
    }
}

static void serve_call(struct guest *guest, struct guest_vcpu *vcpu, struct vmsa *vmsa)
{
    struct svsm_call call = {
        .protocol = (uint32_t)(vmsa->rax >> 32),
        .call = (uint32_t)vmsa->rax,
        .rcx = vmsa->rcx,
        .rdx = vmsa->rdx,
        .r8 = vmsa->r8,
        .caller = vcpu,
    };

    vmsa->rax = dispatch(guest, &call);
    vmsa->rcx = call.rcx;
    vmsa->rdx = call.rdx;
    vmsa->r8 = call.r8;
}

/*
 * With EFER.SVME clear the host cannot run the vCPU, so its registers hold still. The exit code is
 * spent with the call: a host that comes back without running the guest finds no call to repeat.
 */
static void serve_vcpu(struct guest *guest, struct guest_vcpu *vcpu)
{
    struct vmsa *vmsa = gpa_pointer(vcpu->vmsa);

    if (!vmsa_disable(vmsa))
        return;
    if (vmsa->guest_exitcode == SVM_EXIT_VMGEXIT && take_pending(vcpu))
        serve_call(guest, vcpu, vmsa);
    vmsa->guest_exitcode = SVM_EXIT_INVALID;
    vmsa_enable(vmsa);
}

void requests_run(struct guest *guest)
{
    for (;;) {
        enum status status;

        for (size_t i = 0; i < GUEST_VCPUS_MAX; i++) {
            if (guest->ranges.vcpus[i].in_use)
                serve_vcpu(guest, &guest->ranges.vcpus[i]);
        }
        status = msr_protocol_run_vmpl(guest->vmpl);
        if (status != STATUS_OK)
            panic("the host does not run the guest: %s", status_text(status));
    }
}
