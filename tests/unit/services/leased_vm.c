/* SPDX-License-Identifier: MIT */
#include "tests/unit/services/leased_vm.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/abi/attest_service.h"
#include "services/tpm/command.h"
#include "tests/unit/registered.h"
#include "tests/unit/services/tpm_commands.h"

#define EPOCH 1000 /* of the first boot; each later one has one more */

struct leased_vm vm;

uint32_t operate(uint32_t operation, const void *arguments, size_t size)
{
    uint8_t request[CHANNEL_MESSAGE_MAX];

    put_le32(request, operation);
    memcpy(request + 4, arguments, size);
    vm.response_size = channel_answer(service_handle, &vm.service, request, 4 + size, vm.response);
    return get_le32(vm.response);
}

uint32_t command(const uint8_t *bytes, size_t size)
{
    uint8_t arguments[CHANNEL_MESSAGE_MAX - 4] = {0};
    uint32_t status;

    memcpy(arguments + 1, bytes, size);
    status = operate(SERVICE_COMMAND, arguments, 1 + size);
    if (status == SERVICE_WAITS)
        return WAITS;
    assert_int_equal(status, SERVICE_DONE);
    return get_be32(vm.response + 10);
}

uint32_t about_index(uint32_t code, uint32_t authority, uint32_t index, uint16_t size)
{
    uint8_t bytes[64];
    struct writer w = writer_over(bytes, sizeof(bytes));

    assert_true(command_begin(&w, TPM_ST_SESSIONS, code) && writer_be32(&w, authority) &&
                writer_be32(&w, index) && command_empty_password(&w));
    if (code == TPM_CC_NV_Read)
        assert_true(writer_be16(&w, size) && writer_be16(&w, 0));
    command_end(&w);
    return command(bytes, w.used);
}

/* What the attestation service is to be asked; 0: nothing. */
uint32_t due(void)
{
    assert_int_equal(operate(SERVICE_DUE, "", 0), SERVICE_DONE);
    return vm.response_size == 4 ? 0 : get_le32(vm.response + 4);
}

/* Its answer: the lease lasts for a minute. */
uint32_t tell(uint32_t status)
{
    uint8_t answer[8];

    put_le32(answer, status);
    put_le32(answer + 4, 60);
    return operate(SERVICE_TOLD, answer, status == ATTEST_STATUS_DONE ? 8 : 4);
}

/* The power goes. */
void cut(void)
{
    if (vm.on)
        engine_close(&vm.service.engine);
    vm.on = false;
}

/* Starts the service and has it open the volume; the status. */
uint32_t open_volume(void)
{
    int key[2];
    uint32_t status;

    cut();
    vm.grant.epoch++;
    assert_int_equal(pipe(key), 0);
    assert_int_equal(write(key[1], &vm.grant, sizeof(vm.grant)), sizeof(vm.grant));
    close(key[1]);
    vm.service = (struct service){.disk_fd = vm.disk, .key_fd = key[0]};
    status = operate(SERVICE_OPEN, no_banks, sizeof(no_banks));
    close(key[0]);
    vm.on = status == SERVICE_DONE;
    return status;
}

void opens_unconfirmed(uint32_t how)
{
    assert_int_equal(open_volume(), SERVICE_DONE);
    assert_int_equal(vm.response_size, 8 + sizeof(vm.told));
    assert_int_equal(get_le32(vm.response + 4), how);
    memcpy(&vm.told, vm.response + 8, sizeof(vm.told));
}

/* What the KBS does with CONFIRM. */
void record_committed(void)
{
    vm.grant.flags = STATE_GRANT_LEASED | STATE_GRANT_COMMITTED | STATE_GRANT_SAME_EPOCH;
    vm.grant.committed = vm.told;
    vm.grant.committed_epoch = vm.grant.epoch;
}

/* With certificates, as the KBS's answer brings them. */
void boots_with(uint32_t how, const void *certificates, size_t size)
{
    uint8_t answer[CHANNEL_MESSAGE_MAX];

    opens_unconfirmed(how);
    record_committed();
    assert_int_equal(due(), ATTEST_CONFIRM);
    assert_int_equal(vm.response_size, 8 + sizeof(vm.told) + sizeof(vm.ek));
    memcpy(&vm.ek, vm.response + 8 + sizeof(vm.told), sizeof(vm.ek));
    put_le32(answer, ATTEST_STATUS_DONE);
    put_le32(answer + 4, 60);
    memcpy(answer + 8, certificates, size);
    assert_int_equal(operate(SERVICE_TOLD, answer, 8 + size), SERVICE_DONE);
    assert_int_equal(COMMAND(startup_clear), TPM_RC_SUCCESS);
}

void boots(uint32_t how)
{
    boots_with(how, "", 0);
}

int leased_vm_start(void **state)
{
    (void)state;
    memset(&vm, 0, sizeof(vm));
    vm.disk = memfd_create("volume", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    vm.grant = (struct state_grant){.flags = STATE_GRANT_LEASED | STATE_GRANT_MANUFACTURE,
                                    .epoch = EPOCH,
                                    .generation = LEASED_VM_GENERATION,
                                    .volume_id = LEASED_VM_VOLUME,
                                    .key = {1}};
    return ftruncate(vm.disk, VOLUME_SIZE_MIN);
}

int leased_vm_end(void **state)
{
    (void)state;
    cut();
    return close(vm.disk);
}
