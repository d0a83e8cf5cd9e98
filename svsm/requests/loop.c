/* SPDX-License-Identifier: MIT */
#include "svsm/requests/loop.h"

#include <stddef.h>

#include "lib/snp/exit_codes.h"
#include "svsm/arch/cpu.h"
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

static void put(gpa_t vmsa, size_t offset, uint64_t value)
{
    /* When the page is gone, the vCPU is, too. */
    if (guarded_write(gpa_add(vmsa, offset), &value, sizeof(value)) != STATUS_OK)
        return;
}

static void serve_call(struct guest *guest, struct guest_vcpu *vcpu, const struct vmsa *state)
{
    struct svsm_call call = {
        .protocol = (uint32_t)(state->rax >> 32),
        .call = (uint32_t)state->rax,
        .rcx = state->rcx,
        .rdx = state->rdx,
        .r8 = state->r8,
        .caller = vcpu,
    };

    put(vcpu->vmsa, offsetof(struct vmsa, rax), dispatch(guest, &call));
    put(vcpu->vmsa, offsetof(struct vmsa, rcx), call.rcx);
    put(vcpu->vmsa, offsetof(struct vmsa, rdx), call.rdx);
    put(vcpu->vmsa, offsetof(struct vmsa, r8), call.r8);
}

/* Takes the vCPU of this processor, if it has one that does not run. */
static struct guest_vcpu *begin(struct guest_ranges *guest, uint32_t apic_id)
{
    struct guest_vcpu *vcpu;

    lock_read(&guest->lock);
    vcpu = guest_current_vcpu(guest, apic_id);
    if (vcpu && vmsa_disable(vcpu->vmsa))
        vcpu->served = true;
    else
        vcpu = NULL;
    lock_read_release(&guest->lock);
    return vcpu;
}

static void end(struct guest_ranges *guest, struct guest_vcpu *vcpu)
{
    put(vcpu->vmsa, offsetof(struct vmsa, guest_exitcode), SVM_EXIT_INVALID);
    lock_read(&guest->lock);
    vmsa_enable(vcpu->vmsa);
    vcpu->served = false;
    lock_read_release(&guest->lock);
}

/*
 * With EFER.SVME clear the host cannot run the vCPU, so its registers hold still. The exit code is
 * spent with the call: a host that comes back without running the guest finds no call to repeat.
 */
static void serve_processor(struct guest *guest, uint32_t apic_id)
{
    struct guest_vcpu *vcpu = begin(&guest->ranges, apic_id);
    struct vmsa state;

    if (!vcpu)
        return;
    if (guarded_read(&state, vcpu->vmsa, sizeof(state)) == STATUS_OK &&
        state.guest_exitcode == SVM_EXIT_VMGEXIT && take_pending(vcpu))
        serve_call(guest, vcpu, &state);
    end(&guest->ranges, vcpu);
}

static bool has_vcpu(struct guest_ranges *guest, uint32_t apic_id)
{
    bool has;

    lock_read(&guest->lock);
    has = guest_current_vcpu(guest, apic_id) != NULL;
    lock_read_release(&guest->lock);
    return has;
}

/*
 * Another processor than the first may have nothing to run: the guest has created its vCPU and does
 * not have told the host yet, or has deleted it. It asks again, with an exit each time.
 */
static void run_guest(struct guest *guest, const struct cpu *cpu)
{
    enum status status = STATUS_OK;
    uint64_t unused;

    CHECK(!lock_any_held());
    if (has_vcpu(&guest->ranges, cpu->apic_id))
        status = msr_protocol_run_vmpl(guest->vmpl);
    else
        status = msr_protocol_host_features(&unused);
    if (status == STATUS_HOST_REFUSED && cpu->index != 0)
        cpu_pause();
    else if (status != STATUS_OK)
        panic("the host does not run the guest: %s", status_text(status));
}

void guest_init(struct guest *guest)
{
    guest_ranges_init(&guest->ranges);
    guest->vtpm.lock.rank = LOCK_TPM;
    guest->attestation.lock.rank = LOCK_ATTEST;
}

void requests_run(struct guest *guest, const struct cpu *cpu)
{
    while (!panicking()) {
        serve_processor(guest, cpu->apic_id);
        vtpm_keep_lease(guest, &cpu->clock);
        run_guest(guest, cpu);
    }
    cpu_halt_forever();
}
