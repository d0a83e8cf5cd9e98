/* SPDX-License-Identifier: MIT */
/*
 * A VM on the fake, as main.c leaves it before the guest runs: memory, GHCB, console, clock, and on
 * demand the disk and services whose program is a C function.
 */
#ifndef SNPVTPM_TESTS_UNIT_SVSM_FAKE_VM_H
#define SNPVTPM_TESTS_UNIT_SVSM_FAKE_VM_H

#include "lib/boot/boot_params.h"
#include "lib/snp/vmsa.h"
#include "svsm/process/files.h"
#include "svsm/requests/call.h"
#include "tests/unit/svsm/fake/fake.h"
#include "tests/unit/svsm/fake/host.h"

#define FAKE_LOADED_END   (FAKE_REGION + 0x40000)
#define FAKE_CPUID_PAGE   (FAKE_REGION + 0x3000)
#define FAKE_SECRETS_PAGE (FAKE_REGION + 0x4000)
#define FAKE_GENERAL_PAGE (FAKE_REGION + 0x5000)
#define FAKE_MAP_PAGE     (FAKE_REGION + 0x6000)
#define FAKE_PARAMS_PAGE  (FAKE_REGION + 0x7000)
#define FAKE_SERVICE_ELF  (FAKE_REGION + 0x8000) /* and its second page */
#define FAKE_SERVICE_SIZE 0x1800
#define FAKE_FIRMWARE     0xFFFF0000ull
#define FAKE_CAA          0x80000ull
#define FAKE_VMPL         2

struct fake_vm {
    struct cpu cpus[CPUS_MAX];
    struct uart console, proxy;
    struct block_device volume;
    struct amd_sp amd_sp;
    struct key_relay state_key;
    struct constant kbs;
    struct boot_params params;
    struct guest guest;
    struct service attest, tpm;
    struct vmsa *vmsa; /* the guest's, as the SVSM sees it */
};

extern struct fake_vm vm;

/* The launch: image pages with parameters, CPUID page, secrets page and service programs. */
void vm_launch(void);

/* vm_launch() and everything up to the console. */
void vm_start(void);

/* And a guest at VMPL2 with a calling area, whose VMSA waits at a VMGEXIT. */
void vm_start_guest(void);

/* A process of a service's own, with standard descriptors; STATUS of its start. */
enum status vm_start_service(struct service *service);

/* Makes a page the guest's: validated, all permissions, zero. */
void vm_give_guest(gpa_t page);

/* The guest's call, served as requests_run() serves it: RAX afterwards. */
uint64_t vm_call(uint32_t protocol, uint32_t call, uint64_t rcx, uint64_t rdx, uint64_t r8);

/* The same on another vCPU, which this thread has to be (fake_become()). */
uint64_t vm_call_on(unsigned index, uint32_t protocol, uint32_t call, uint64_t rcx, uint64_t rdx,
                    uint64_t r8);

/* The save area of the guest's vCPU that is served there, or NULL. */
struct vmsa *vm_vmsa(unsigned index);

/* What the console shows so far, ended by a NUL. */
const char *vm_console(void);

/* Ring 3 makes one system call: RAX afterwards, INT64_MIN when it did not return. */
int64_t vm_syscall(struct service *service, uint64_t number, uint64_t a, uint64_t b, uint64_t c,
                   uint64_t d);

/*
 * From here on fake.service is a program that answers each request by a handler: it gets the
 * request and gives the size of its response (0: the program crashes).
 */
typedef size_t vm_handler(const uint8_t *request, size_t size, uint8_t *response);
void vm_serve(vm_handler *handler);

#endif
