#!/bin/bash
# SPDX-License-Identifier: MIT
# Takes the defences of the SVSM, of its services, of the KBS (a volume's key, certificates, evidence), and of the files that
# all parts write out, one by one, in a copy of the sources, and expects the named test to fail each time.
#
# usage: tests/svsm/mutants.sh [WORD]
#
#   WORD   only the mutants whose line contains it
#
# Exit status: 0 each was caught, 1 one was not or could not be made, 2 usage.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/../tap.sh"
case $#${1-} in
    0 | 1[!-]*) ;;
    *) sed -n '3,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

# TEST|FILE|SED EXPRESSION|what is taken out. TEST is the program's name in the build without "test_".
mutants() {
    cat <<'END'
svsm_guest_calls|svsm/requests/pvalidate.c|/zero_pages(gpa_pointer(entry->page)/d|a validated page is zeroed before it is granted
svsm_guest_calls|svsm/requests/pvalidate.c|s/revoked == RMP_FAULTED && !unchanged/false/|a fault at RMPADJUST is confirmed by PVALIDATE
svsm_guest_calls|svsm/requests/pvalidate.c|s/revoked != RMP_DONE && revoked != RMP_FAULTED/false/|a page is revoked before it is rescinded
svsm_guest_calls|svsm/requests/pvalidate.c|s/guest_pages_ok(&guest->ranges, entry.page, entry.size)/true/|PVALIDATE for the guest's pages only
svsm_guest_calls|svsm/requests/pvalidate.c|s/if (unchanged \&\& !entry->ignore_unchanged)/if (false)/|what was validated already is told
svsm_requests|svsm/requests/pvalidate_list.c|s/header->entries <= (room/true || header->entries <= (room/|a list stays in its page
svsm_requests|svsm/requests/pvalidate_list.c|s/(raw & SVSM_PVALIDATE_RESERVED)/false/|reserved bits of an entry
svsm_vcpus|svsm/requests/vcpu.c|s/apic_id == call->caller->apic_id .. !vcpu/!vcpu/|no second VMSA for the processor that runs
svsm_vcpus|svsm/requests/vcpu.c|/^    guest_flush_tlb(&guest->ranges);$/d|translations are dropped before a VMSA is looked at
svsm_vcpus|svsm/requests/vcpu.c|s/found.vmpl == guest->vmpl/true/|a VMSA is of the guest's VMPL
svsm_vcpus|svsm/requests/vcpu.c|s/(found.efer & EFER_SVME)/true/|a VMSA can run
svsm_vcpus|svsm/requests/vcpu.c|s/found.sev_features == sev_status_guest_features()/true/|a VMSA has the guest's features
svsm_vcpus|svsm/requests/vcpu.c|s/rmp_adjust(page, RMP_4K, guest->vmpl, RMP_READ, true)/rmp_adjust(page, RMP_4K, guest->vmpl, RMP_ALL, true)/|the guest cannot write a VMSA
svsm_vcpus|svsm/requests/vcpu.c|s/vcpu->served .. !vmsa_disable(vmsa)/!vmsa_disable(vmsa)/;s/!vmsa_disable(vmsa)/false/|what runs is not deleted
svsm_vcpus|svsm/requests/vcpu.c|s/memory_map_covers(&guest->memory, vmsa.v, PAGE_SIZE)/true/|the first vCPU's VMSA is not the guest's
svsm_vcpus|svsm/requests/vcpu.c|/former->current = false;/d|the newest VMSA is served
svsm_vcpus|svsm/requests/processors.c|s/if (!paging_flush_everywhere())/if (false)/|no second vCPU without INVLPGB
svsm_vcpus|svsm/guest/tlb.c|s/guest->several \&\& !paging_flush_everywhere()/false/|every processor's translations are dropped
svsm_vcpus|svsm/requests/processors.c|/^    set_vmsa(vmsa, false);/d|a refused processor's VMSA is taken back
svsm_vcpus|svsm/requests/loop.c|s/guest_current_vcpu(guest, apic_id)/guest_current_vcpu(guest, 0)/|a vCPU is served on its own processor
svsm_vcpus|svsm/requests/loop.c|/CHECK(!lock_any_held());/d|no lock while the guest runs
svsm_vcpus|svsm/mm/lock.c|/CHECK(local->locks >> rank == 0);/d|locks have an order
svsm_threads|svsm/requests/vtpm.c|s/if (!lock_try(&guest->attestation.lock))/if (!lock_try(\&guest->attestation.lock) \&\& false)/;s/if (lock_try(&guest->vtpm.lock))/if (!(!lock_try(\&guest->vtpm.lock) \&\& false))/|one command at a time
svsm_boot|svsm/params/host_params.c|s/host->vp_count > CPUS_MAX/false/|the firmware is told no more vCPUs than can be
svsm_guest_calls|svsm/requests/core.c|s/!guest_pages_ok(guest, caa, PAGE_SIZE)/false/|a calling area is the guest's
svsm_guest_calls|svsm/requests/loop.c|/guest_exitcode), SVM_EXIT_INVALID/d|the exit code is spent
svsm_guest_calls|svsm/requests/loop.c|s/^        take_pending(vcpu))/        (take_pending(vcpu) || true))/;s/ \&\& take_pending(vcpu)/ \&\& (take_pending(vcpu) \|\| true)/|a call must be pending
svsm_guest_calls|svsm/requests/loop.c|s/ \&\& head == 1;/ \&\& (head \& 1);/|what is no call in the first calling area
svsm_guest_ranges|svsm/guest/ranges.c|s/overlap(start.v, size, vcpu->launch_caa.v, protected_size)/false/|the first calling area stays protected
svsm_guest_calls|svsm/guest/vmsa.c|s/efer, efer & ~EFER_SVME, /efer, efer, /|a vCPU that is served cannot run
svsm_guest_calls|svsm/requests/call.h|/case RMP_FAULTED:/,/INVALID_ADDRESS;/d|a fault is no result of the guest's
svsm_services|svsm/requests/attest.c|s/manifest_size > request->manifest.size .*/false ||/|reports fit in the guest's buffers
svsm_guest_calls|svsm/guest/access.c|s/if (guest_range_ok(guest, from, size))/if (true)/|what the SVSM reads for a call is the guest's
svsm_threads|svsm/guest/access.c|s/if (guest_range_ok(guest, to, size))/if (true)/|what it writes for one is the guest's still
svsm_requests|svsm/requests/vtpm_request.c|s/request->locality != 0 .. //|locality 0
svsm_guest_ranges|svsm/guest/ranges.c|s/overlap(start.v, size, vcpu->vmsa.v, PAGE_SIZE)/false/|VMSAs are out of bounds
svsm_trap_frame|svsm/trap/frame.c|s/if ((const void \*)(frame + 1) != place->stack_top)/if (false)/|a frame is at the top of its stack
svsm_trap_frame|svsm/trap/frame.c|s/if (with_error != has_error_code(trap_vector(frame)))/if (false)/|error codes are where they belong
svsm_trap_frame|svsm/trap/frame.c|s/if (frame->cs != place->kernel_selector .*/if (false)/|frames come from our code
svsm_trap_frame|svsm/trap/frame.c|s/frame->rip >= place->entry_start/false/|no exception interrupts the entry of another
svsm_trap_frame|svsm/trap/vectors.S|s/testb \$8, %spl/testb $0, %spl/|the stack pointer tells of an error code
svsm_trap_frame|svsm/trap/vectors.S|/andq \$~RFLAGS_AC/d|AC is cleared on entry
svsm_trap_frame|svsm/trap/vectors.S|s/jnz 3f/nop/|a nested exception is told
svsm_trap_frame|svsm/arch/usermode.S|/jz usermode_not_running/d|a stack that was left is not left again
svsm_hostile_host|svsm/sev/rmp.c|s/if (unchanged)/if (false)/|validated twice ends the VM
svsm_hostile_host|svsm/sev/rmp.c|/zero_pages(gpa_pointer(start), size);/d|own memory is zeroed after validation
svsm_hostile_host|svsm/sev/ghcb.c|s/if (!(link->valid_bitmap\[bit . 8\] .*/if (false)/|fields must be marked valid
svsm_hostile_host|svsm/sev/ghcb.c|s/return STATUS_HOST_REFUSED;/return STATUS_OK;/|an exception from the host is an error
svsm_hostile_host|svsm/sev/ghcb.c|/put_field(link, 0, zeros, sizeof(zeros));/d|nothing of the last exit stays
svsm_hostile_host|svsm/sev/ghcb_calls.c|s/progress.end_entry != list->header.end_entry/false/|a page state change keeps its list
svsm_hostile_host|svsm/sev/ghcb_calls.c|s/progress.cur_entry < before/false/|a page state change goes forward
svsm_hostile_host|svsm/sev/msr_protocol.c|s/return (response & GHCB_MSR_INFO_MASK) == (uint64_t)code;/return true;/|an answer answers its question
svsm_hostile_host|svsm/sev/msr_protocol.c|s/min > VERSION .. max < VERSION/false/|the protocol's version
svsm_hostile_host|svsm/sev/sev_status.c|s/ .. unknown != 0//|no unknown feature
svsm_hostile_host|svsm/sev/sev_status.c|s/(status & REQUIRED) != REQUIRED/false/|SNP is on
svsm_hostile_host|svsm/console/log.c|s/bool printable = .*/bool printable = true;/|a service's words cannot colour the console
svsm_hostile_host|svsm/process/random.c|s/if (same == PROBES)/if (false)/|a stuck generator ends the VM
svsm_boot|svsm/sev/secrets.c|s/unsigned key = svsm->guest_vmpl/unsigned key = 0/|VMPCK0 is not the guest's
svsm_services|svsm/sev/secrets.c|/wipe(secrets->vmpck/d|VMPCK0 leaves its page
svsm_boot|svsm/main.c|s/if ((features.ebx & required) != required)/if (false)/|SMEP and SMAP are required
svsm_boot|svsm/main.c|s/!sev_status_restricts_injection()/false/|restricted injection is required
svsm_boot|svsm/main.c|/^    secrets_wipe();/d|the secrets page is wiped before the guest runs
svsm_memory_map|svsm/params/memory_map.c|s/ .. range.start < last_end//|ranges do not overlap
svsm_boot|svsm/params/host_params.c|s/if (!memory_map_covers.*/if (false)/|the map covers the SVSM
svsm_disk|svsm/virtio/block.c|s/if (sectors > SIZE_MAX_BYTES . BLOCK_SIZE)/if (false)/|capacities are bounded
svsm_disk|svsm/virtio/block.c|s/if (device->failed)/if (false)/|a disk that timed out is not used again
svsm_disk|svsm/virtio/block.c|s/page->status == REQUEST_STATUS_OK/true/|a disk's errors are errors
svsm_syscalls|svsm/process/files.c|s/offset <= device->size \&\&/true \&\&/|inside the volume
svsm_services|svsm/process/files.c|s/if (relay->full .. from.size/if (from.size/|the state key is taken once
svsm_services|svsm/process/files.c|/wipe(relay->grant/d|the relay is wiped
svsm_services|svsm/requests/vtpm.c|/uart_quiet(guest->proxy);/d|the proxy's line does not interrupt the guest
svsm_services|svsm/process/amd_sp.c|s/ .. pages > AMD_SP_CERTIFICATE_PAGES//|certificate pages are bounded
svsm_services|svsm/process/channel.c|s/if (!channel->answer_due)/if (false)/|one response for each request
svsm_services|svsm/process/tpm_service.c|s/response_size <= room/true/|a response fits in the guest's page
svsm_services|svsm/process/tpm_service.c|s/if (unconfirmed \&\& code != 0)/if (false)/|no guest before CONFIRM
svsm_services|svsm/process/tpm_service.c|/^        tpm_service_pass_on(service, attest);$/d|a refused disk is told of
svsm_services|svsm/process/process.c|/wipe(&process->registers/d|the registers of an ended service
svsm_services|svsm/mm/page_allocator.c|/zero_pages(page, PAGE_SIZE);/d|freed pages are zero
svsm_syscalls|svsm/mm/address_space.c|s/if (owned . protection.execute : protection.write)/if (false)/|written pages never execute
svsm_syscalls|svsm/mm/address_space.c|s/ .. protection.execute)$/)/|new pages never execute
svsm_syscalls|svsm/mm/address_space.c|s/(\*entry & needed) != needed/false/|the kernel writes where the service may
svsm_syscalls|svsm/mm/address_space.c|s/space->pages == space->pages_max/false/|a service's memory has a limit
svsm_syscalls|svsm/process/syscall_memory.c|s/start - ARENA_START > ARENA_SIZE - size/false/|munmap stays in the arena
svsm_syscalls|svsm/process/syscall_system.c|s/if (address >= USER_END)/if (false)/|FS stays in user space
svsm_elf|svsm/process/elf.c|s/(header->p_flags & PF_X) \&\&/false \&\&/|no writable code in a program
attest_attestation_protocol|services/attest/attestation_protocol.c|s/return ATTEST_ERR_CHALLENGE_SIZE;/(void)0;/|a challenge has its size
attest_release|services/attest/release_terms.c|s/if (memcmp(terms->pins\[i\].kid/if (true || memcmp(terms->pins[i].kid/|the pin that signed
attest_release|services/attest/release_reply.c|s/CRYPTO_memcmp(record->random.* == 0 \&\&/true \&\&/|a release is for this challenge
attest_release|services/attest/release_reply.c|s/CRYPTO_memcmp(record->report_digest.* == 0 \&\&/true \&\&/|a release is for this report
attest_release|services/attest/release_reply.c|s/CRYPTO_memcmp(record->key_digest.* == 0;/true;/|a release is for this key
attest_release|services/attest/release_reply.c|s/return CRYPTO_memcmp(commit, .*/return true/|the content key is the one committed to
attest_guest_request|services/attest/guest_request.c|s/ .. fields.vmpl != 0 ..$/ ||/|a report is of VMPL0
attest_guest_request|services/attest/guest_request.c|s/memcmp(fields.report_data, report_data, REPORT_DATA_SIZE) != 0/false/|a report is about what was asked
attest_fetch_key|services/attest/release_reply.c|s/ \&\& reply->size != size/ \&\& false/|a key has 64 bytes
attest_lease|services/attest/lease.c|s/    return can_keep(.*) ? /    return true ? /|a policy that cannot be kept
attest_lease|services/attest/lease.c|s/!record->has_epoch .. record->epoch == 0 ../false ||/|a lease has an epoch
attest_lease|services/attest/lease.c|s/    if (wait->left == 0)/    if (false)/|a wait ends
attest_lease|services/attest/lease.c|s/sequence = ++lease->sequence/sequence = lease->sequence/|sequence numbers rise
attest_lease|services/attest/lease.c|s/record->epoch != lease->terms.epoch ../false ||/|an answer is about this lease
attest_lease|services/attest/lease.c|s/if (!lease->in_doubt ../if (true ||/|what is in doubt is asked about first
attest_lease|services/attest/lease.c|/lease->stage = LEASE_STAGE_LOST;/d|a lost lease is lost for ever
attest_lease|services/attest/lease.c|s/return third < KEEP_TIMEOUT_MAX ? .*/return KEEP_TIMEOUT_MAX;/|a short lease outlasts a lost answer
tpm_leased|services/tpm/state.c|s/grant->flags \& STATE_GRANT_COMMITTED ? .anchor : NULL/NULL/|the committed state opens, and no other
tpm_leased|services/tpm/engine.c|s/!(flags \& STATE_GRANT_MANUFACTURE)/false/|a blank volume gets no TPM without permission
tpm_leased|services/tpm/engine.c|s/status == VOLUME_OK \&\& !(flags/false \&\& !(flags/|a state is adopted with permission only
tpm_leased|services/tpm/leased.c|s/if (leased->phase == LEASED_UNCONFIRMED)/if (false)/|no answer before CONFIRM
tpm_leased|services/tpm/leased.c|/^    engine_close(engine);$/d|a VM that was overtaken forgets its keys
tpm_leased|services/tpm/leased.c|s/if (leased->phase == LEASED_LOST)/if (false)/|a VM that was overtaken fails its commands
tpm_leased|services/tpm/leased.c|s/        return true; .. the lease may be .*/        return false;/|a lease that was given back is taken up first
tpm_leased|services/tpm/leased.c|s/if (change == CHANGE_MAJOR ../if (/|what matters is anchored
tpm_leased|services/tpm/leased.c|s/ leased->mode == LEASED_ANCHORS_ALL ../ /|strictly each change is anchored
tpm_leased|services/tpm/leased.c|s/leased->in_doubt \&\& !is_harmless(command, size)/false/|in doubt nothing is changed
tpm_leased|services/tpm/leased.c|s/LEASED_KEPT .. leased->in_doubt)/LEASED_KEPT)/|in doubt nothing is written
tpm_leased|services/tpm/leased.c|s/engine->shut_down .. leased->asked == ATTEST_ANCHOR ../engine->shut_down ||/|what may be committed stays on the disk
tpm_leased|services/tpm/state.c|s/if (state->ephemeral .. state->held)/if (state->ephemeral)/|one state before CONFIRM
tpm_leased|lib/volume/commit.c|s/        current->base != 0 .. current->epoch == 0)/        current->epoch == 0)/|a TPM that was confirmed is not made anew
attest_lease|services/attest/lease.c|s/(record->has_committed_epoch \&\& !record->has_committed)/false/|an epoch that may go on needs a committed state
attest_lease|services/attest/lease.c|s/    if (lease->stage != LEASE_STAGE_GRANTED)/    if (false)/|without a lease nothing is confirmed
attest_lease|services/attest/lease.c|s/^    lease->stage = LEASE_STAGE_NONE;$/    lease->stage = LEASE_STAGE_GRANTED;/|one CONFIRM for each lease
attest_lease|services/attest/attest_service.c|s/if (!error \&\& !io_write_all/if (!io_write_all/|a key goes on to the TPM only with a lease that is accepted
attest_lease|services/attest/lease.c|s/\.has_from = record->has_committed,/.has_from = false,/|CONFIRM names the state that it follows
attest_lease|services/attest/lease.c|s/if (!is_no_answer(error) ../if (/|a CONFIRM that was refused is not repeated
tpm_leased|services/tpm/engine.c|s/status == VOLUME_WRONG_KEY \&\& !(flags & STATE_GRANT_EPHEMERAL)/false/|another volume's key starts no TPM without permission
tpm_leased|services/tpm/engine.c|s/status = state_begin(&engine->state);/status = VOLUME_OK;/|a boot's first state is on the volume before CONFIRM
attest_lease|services/attest/lease.c|s/ .. !record->has_volume ..$/ ||/|a lease is of a volume
tpm_manifests|services/tpm/manifests.c|s/ \&\& version == manifests\[i\].version//|a manifest has its version
tpm_manifests|services/tpm/manifests.c|s/memcmp(guid, manifests\[i\].guid, GUID_SIZE) == 0/true/|a manifest is of its service
tpm_manifests|services/tpm/service.c|s/^    if (is_unconfirmed(service)) {/    if (false) {/|nothing is attested before CONFIRM
tpm_manifests|services/tpm/volume_manifest.c|s/return lease->held \&\& /return /|without a lease there is no epoch
tpm_manifests|services/tpm/nv_index.c|s/ ? lock(engine, index) : code;/ ? TPM_RC_SUCCESS : code;/|an index is locked
tpm_manifests|services/tpm/nv_index.c|s/ .. !(attributes & TPMA_NV_PLATFORMCREATE)//|an index of the owner's stays
tpm_manifests|services/tpm/nv_index.c|s/attributes == (ATTRIBUTES .* \&\&$/true \&\&/|an index that can be written is none
svsm_services|svsm/process/tpm_service.c|s/code == SERVICE_MALFORMED ?/true ?/|a TPM that fails is no mistake of the guest's
tpm_leased|services/tpm/leased.c|s/if (asked == 0 .. !reader_le32/if (!reader_le32/|what was not asked has no answer
tpm_leased|services/tpm/service.c|s/^    if (is_unconfirmed(service)) {/    if (false) {/|no reset before CONFIRM
tpm_leased|services/tpm/state.c|/^    volume_acknowledge(&state->volume);$/d|the state counts from CONFIRM on
attest_rekey|services/attest/release_reply.c|s/    if (!error \&\& reply->size != size)/    if (false)/|rekey: as many keys come as the record says
attest_rekey|services/attest/lease.c|s/(record->flags & RELEASE_FLAG_REKEY \&\& !record->has_key_version)/false/|rekey: a second key comes with its version
attest_rekey|services/attest/lease.c|s/    request.has_key_version &= op == RELEASE_OP_CONFIRM;/    request.has_key_version = false;/|rekey: CONFIRM says which key the state is under
tpm_rekey|services/tpm/state.c|s/    state->rekeys = true;/    state->rekeys = false;/|rekey: the boot's first state is under the newer key
kbs_lease|kbs/lease/lease.c|s/    if (!knows_key(record, request))/    if (false)/|rekey: no state is committed under a key that nobody is given
kbs_lease|kbs/lease/lease.c|s/    record->last_version = record->key_version;/    record->last_version = 0;/|rekey: the older key lasts until the next CONFIRM
kbs_lease|kbs/lease/lease.c|/^bool lease_rekey/,/^}/s/record->next_version != 0/false/|rekey: one change at a time
kbs_lease|kbs/lease/lease.c|/^bool lease_cancel_rekey/,/^}/s/record->phase == LEASE_PENDING/false/|rekey: who was given a key that is cancelled loses the lease
kbs_lease|kbs/lease/lease.c|/^bool lease_cancel_rekey/,/^}/s/record->next_version == 0/false/|rekey: what is cancelled is there
kbs_lease|kbs/lease/lease.c|/^bool lease_forget/,/^}/s/^    record->next_version = 0;//|rekey: a key that is set ends a change
kbs_lease|kbs/lease/lease.c|/^        flags |= RELEASE_FLAG_REKEY;/s/.*/        ;/|rekey: the VM is told of it
kbs_lease|kbs/lease/lease.c|s/    if (policy->same_epoch || !record->has_committed)/    if (policy->same_epoch)/|the first state may have any count
volume_anchor|lib/volume/slots.c|s/    return superblock->counter == anchor->counter \&\&/    return/|the committed state has its counter
volume_anchor|lib/volume/slots.c|s/CRYPTO_memcmp(superblock->root, anchor->root, VOLUME_DIGEST_SIZE) == 0/true/|the committed state has its digest
volume_anchor|lib/volume/slots.c|s/    if (!anchor->same_epoch .. /    if (/|a newer state of the same lease only where the KBS permits it
volume_anchor|lib/volume/slots.c|s/found->epoch == anchor->epoch \&\&$/true \&\&/|the newer state is of the lease that is named
volume_anchor|lib/volume/slots.c|s/        !is_anchor(&slots->places\[SLOTS - 1\].superblock, anchor))/        false)/|the committed state is where commits leave it
svsm_hostile_host|svsm/console/uart.c|s/room = size - \*got >= FIFO_LEVEL/room = true/|a FIFO is read into room for it only
svsm_hostile_host|svsm/console/uart.c|s/(id & ID_MASK) == ID_FIFO_LEVEL/true/|a FIFO is read when the UART says that it is full
svsm_hostile_host|svsm/console/uart.c|s/ line != STATUS_NO_UART \&\&//|an absent UART has no data
svsm_hostile_host|svsm/console/uart.c|s/size < FIFO_BYTES ? size : FIFO_BYTES/size/|no more is written than a FIFO takes
svsm_hostile_host|svsm/console/uart.c|s/    if (line & STATUS_TRANSMIT_EMPTY)/    if (true)/|nothing is written to a FIFO that is full
file|lib/file/whole_file.c|s/if (regular \&\& !file_mode_keeps(status.st_mode, secrecy))/if (false)/|a secret that others may read is no secret
file|lib/file/whole_file.c|s/if (room == max)/if (false)/|a file has a limit
file|lib/file/whole_file.c|s/S_ISREG(status.st_mode) ? file_read_descriptor(fd, secrecy, max, file)/true ? file_read_descriptor(fd, secrecy, max, file)/|only a file is read by its name
file|lib/file/io.c|s/return moved < 0 \&\& errno == EINTR;/return false;/|a signal ends no transfer
file|lib/file/io.c|s/else if (errno != EINTR)/else/|a signal ends no reading to the end
file|lib/file/io.c|s/    if (read_it \&\& io_read_exactly/    if (false \&\& io_read_exactly/|a secret has its size
file|lib/file/io.c|s/        explicit_bzero(secret, size);/        ;/|half a secret is wiped
file|lib/file/credential.c|s/ \&\& !strchr(own, '.')//|a credential is no path
file|lib/file/durable.c|s/io_write_all(fd, bytes, size) \&\& fsync(fd) == 0/io_write_all(fd, bytes, size)/|a file is on the disk before it has its name
file|lib/file/durable.c|s/        return file_sync_folder_of(path);/        return true;/|a file's new name is on the disk
file|lib/file/durable.c|s/    if (file_sync_folder_of(path))/    if (true)/|a new file's name is on the disk
file|lib/file/durable.c|s/O_CREAT | O_EXCL/O_CREAT | O_TRUNC/|a new file takes no other's place
file|lib/file/durable.c|s/    if (!written)/    if (false)/|what was not written whole is removed
file|lib/file/durable.c|s/fchmod(fd, mode) == 0/true/|a file's mode is what was asked for
tpm_rekey|services/tpm/state.c|s/    if (status != VOLUME_OK \&\& status != VOLUME_BLANK) {/    if (false) {/|rekey: either key may open the volume
tpm_rekey|services/tpm/state.c|s/        return rank(a_status) > rank(b_status);/        return false;/|rekey: the key that shows the volume counts
tpm_rekey_cut|services/tpm/state.c|s/open_at(state, storage, grant->key, anchor)/open_at(state, storage, grant->next_key, anchor)/;s/open_at(\&newer, storage, grant->next_key, anchor)/open_at(\&newer, storage, grant->key, anchor)/|rekey: what nobody confirmed stays under the older key
tpm_rekey_cut|lib/volume/commit.c|s/((other_key || object->content.version_1)/((object->content.version_1)/|rekey: all objects go under the newer key
tpm_rekey_cut|lib/volume/commit.c|s/    return volume->pending \&\& volume->slot == FIRST_SLOT ? MIDDLE_SLOT : FIRST_SLOT;/    return FIRST_SLOT;/|rekey: the state that was opened keeps its slot
protocol_leases|kbs/lease/lease.c|s/    if (reason != LEASE_REASON_OK || again)/    if (reason != LEASE_REASON_OK)/|rekey: a CONFIRM that is repeated destroys no key
protocol_leases|kbs/lease/lease.c|s/^        request->key_version != record->next_version)/        false)/|rekey: the key changes with a CONFIRM under it
protocol_leases|kbs/protocol/attest_volume.c|s/    if (status != STORE_OK || next == 0)/    if (true)/|rekey: both keys are given
protocol_leases|kbs/protocol/attest_volume.c|s/        turn->record.next_version ? turn->record.next_version : turn->record.key_version;/        turn->record.key_version;/|rekey: the VM learns the version of the newer key
protocol_leases|kbs/protocol/attest_lease.c|s/           x->next_version == y->next_version \&\& /           /|rekey: an answer that was sealed before is made anew
protocol_leases|kbs/protocol/attest_lease.c|s/        status = volume_promote_key(unit, volume, output->promoted);/        ;/|rekey: the volume's key becomes the newer one
protocol_leases|kbs/protocol/attest_lease.c|s/        status = volume_destroy_key(unit, volume, output->destroyed);/        ;/|rekey: the older key is destroyed
admin_leases|kbs/admin/volumes.c|s/    if (found.record.next_version != 0)/    if (false)/|rekey: a change that waits for its VM is named
admin_leases|kbs/admin/volumes.c|/find_to_rekey/,/^}/s/    if (found->volume.retired)/    if (false)/|rekey: a retired volume gets no key
admin_leases|kbs/admin/volumes.c|/find_to_rekey/,/^}/s/found->policy.mode != LEASE_OFF/true/|rekey: without leases nobody tells of the newer state
admin_leases|kbs/admin/volumes.c|s/    if (cancel \&\& key_text)/    if (false)/|rekey: no key is given where one is cancelled
authorities|kbs/admin/routes.c|s/authorities_rotate, keys_changed)}/authorities_rotate, keys_changed), .role = ROLE_AUDITOR}/|role: only owners make an authority
authorities|kbs/admin/routes.c|s/authorities_revoke, NULL)}/authorities_revoke, NULL), .role = ROLE_AUDITOR}/|role: only owners revoke certificates
authorities|kbs/admin/routes.c|s/{LOOK(API "ca", authorities_show)}/{LOOK(API "ca", authorities_show), .role = ROLE_OWNER}/|role: auditors see the authorities
admin_evidence|kbs/admin/routes.c|s/volumes_evidence)}/volumes_evidence), .role = ROLE_OWNER}/|role: auditors get a statement of a volume
admin_evidence|kbs/admin/routes.c|/^#define STATE/,/ROLE_AUDITOR/s/ROUTE_CHANGE/ROUTE_QUESTION/|each statement of a volume is in the audit log
END
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
git -C "$ROOT" ls-files -z | (cd "$ROOT" && xargs -0 cp -d --parents -t "$work")
build=$work/build-mutants
meson setup "$build" "$work" -Dwerror=false -Doptimization=0 -Ddebug=false >"$work/setup.log" || { cat "$work/setup.log"; exit 1; }

program() { find "$build/tests/unit" -type f -name "test_$1"; }
target() { ninja -C "$build" -t targets all | sed -n "s|^\(tests/unit/[^:]*/test_$1\): .*|\1|p"; }

mapfile -t lines < <(mutants | grep -F -- "${1-}")
mapfile -t tests < <(printf '%s\n' "${lines[@]}" | cut -d '|' -f 1 | sort -u)
for test in "${tests[@]}"; do
    ninja -C "$build" "$(target "$test")" >"$work/build.log" || { cat "$work/build.log"; exit 1; }
    "$(program "$test")" >"$work/run.log" 2>&1 || { cat "$work/run.log"; exit 1; }
done

for line in "${lines[@]}"; do
    test=${line%%|*} what=${line##*|}
    rest=${line#*|} file=${rest%%|*}
    expression=${rest#*|} expression=${expression%|*}
    cp "$work/$file" "$work/original"
    sed -i -e "$expression" "$work/$file"
    name="without \"$what\" test_$test fails"
    if cmp -s "$work/original" "$work/$file"; then
        fail "$name" "there is nothing to take out in $file"
    elif ! ninja -C "$build" "$(target "$test")" >"$work/build.log" 2>&1; then
        fail "$name" "it does not compile" "$(grep -m 1 error: "$work/build.log" || true)"
    elif timeout 60 "$(program "$test")" >"$work/run.log" 2>&1; then
        fail "$name"
    else
        pass "$name"
    fi
    cp "$work/original" "$work/$file"
done
finish
