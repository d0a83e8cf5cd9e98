/* SPDX-License-Identifier: MIT */
/* What of the machine the guest's port and MMIO requests reach, and what is kept from them. */
#include "lib/base/bytes.h"
#include "tests/emulator/runtime/ghcb.h"
#include "tests/emulator/runtime/memory.h"
#include "tests/emulator/runtime/port.h"
#include "tests/emulator/runtime/tap.h"
#include "tests/emulator/runtime/vmpl.h"

/* The SVSM's disk: a virtio-mmio slot, behind which is a PCI function of QEMU's. */
#define SLOT               0xFEF00000ull
#define SLOT_DEVICE_ID     0x008
#define SLOT_STATUS        0x070
#define VIRTIO_MAGIC       0x74726976u
#define VIRTIO_BLOCK       2u
#define DISK_DEVICE        30u
#define DISK_REGISTERS     0xFEB00000ull
#define STATUS_ACKNOWLEDGE 1u

#define PCI_ADDRESS  0xCF8
#define PCI_DATA     0xCFC
#define PCI_ENABLE   0x80000000u
#define PCIEXBAR     0x60
#define ECAM         0xE0000000ull
#define OTHER_ECAM   0xC0000000ull
#define HOST_BRIDGE  0x29C08086u
#define NOBODY       0xFFFFFFFFu
#define SHARED_BYTES offsetof(struct ghcb, shared_buffer)

/* run-guest.sh gives the guest 64 MiB; the hypervisor's memory is above, and begins with the launch
 * image. */
#define HYPERVISOR_MEMORY 0x4000000ull

static uint32_t mmio_in(uint64_t gpa)
{
    put_le32(ghcb->shared_buffer, 0);
    ghcb_begin(GHCB_EXIT_MMIO_READ, gpa, 4);
    ghcb_set_scratch(SHARED_BYTES);
    ghcb_exit();
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_OK);
    return get_le32(ghcb->shared_buffer);
}

static void mmio_out(uint64_t gpa, uint32_t value)
{
    put_le32(ghcb->shared_buffer, value);
    ghcb_begin(GHCB_EXIT_MMIO_WRITE, gpa, 4);
    ghcb_set_scratch(SHARED_BYTES);
    ghcb_exit();
    CHECK_EQUAL(ghcb->sw_exitinfo1, GHCB_RESULT_OK);
}

TEST("The SVSM's disk answers VMPL0 at its virtio-mmio slot")
{
    CHECK_EQUAL(mmio_in(SLOT), VIRTIO_MAGIC);
    CHECK_EQUAL(mmio_in(SLOT + SLOT_DEVICE_ID), VIRTIO_BLOCK);
    mmio_out(SLOT + SLOT_STATUS, STATUS_ACKNOWLEDGE);
    CHECK_EQUAL(mmio_in(SLOT + SLOT_STATUS), STATUS_ACKNOWLEDGE);
}

static struct ghcb *their_ghcb;

static void drive_the_disk(void)
{
    ghcb_use(their_ghcb, true);
    CHECK_EQUAL(mmio_in(SLOT), NOBODY);
    CHECK_EQUAL(mmio_in(SLOT + SLOT_DEVICE_ID), NOBODY);
    mmio_out(SLOT + SLOT_STATUS, 0);
}

TEST("Another VMPL finds nothing at that slot, and cannot reset the device")
{
    struct ghcb *mine = ghcb;

    their_ghcb = host_page();
    vmpl_call(2, drive_the_disk);
    ghcb_use(mine, false);
    CHECK_EQUAL(mmio_in(SLOT + SLOT_STATUS), STATUS_ACKNOWLEDGE);
}

TEST("The registers of the PCI function behind it are nobody's")
{
    CHECK_EQUAL(mmio_in(DISK_REGISTERS), NOBODY);
    mmio_out(DISK_REGISTERS + 0x14, 0);
    CHECK_EQUAL(mmio_in(SLOT + SLOT_STATUS), STATUS_ACKNOWLEDGE);
}

static uint32_t config_in(unsigned device)
{
    port_out(PCI_ADDRESS, 4, PCI_ENABLE | device << 11);
    return port_in(PCI_DATA, 4);
}

TEST("Its configuration space is hidden from the ports")
{
    CHECK_EQUAL(config_in(0), HOST_BRIDGE);
    CHECK_EQUAL(config_in(DISK_DEVICE), NOBODY);
}

TEST("Its configuration space is hidden from the memory window, wherever the guest puts that")
{
    port_out(PCI_ADDRESS, 4, PCI_ENABLE | PCIEXBAR);
    port_out(PCI_DATA, 4, (uint32_t)ECAM | 1);
    CHECK_EQUAL(mmio_in(ECAM), HOST_BRIDGE);
    CHECK_EQUAL(mmio_in(ECAM + (DISK_DEVICE << 15)), NOBODY);
    mmio_out(ECAM + PCIEXBAR, (uint32_t)OTHER_ECAM | 1);
    CHECK_EQUAL(mmio_in(OTHER_ECAM), HOST_BRIDGE);
    CHECK_EQUAL(mmio_in(OTHER_ECAM + (DISK_DEVICE << 15)), NOBODY);
}

TEST("At the GPAs of the hypervisor's own memory nobody answers")
{
    CHECK_EQUAL(mmio_in(HYPERVISOR_MEMORY), NOBODY);
    mmio_out(HYPERVISOR_MEMORY, 0);
}

TEST("MMIO of the guest's own memory is malformed: invalid input")
{
    ghcb_begin(GHCB_EXIT_MMIO_READ, HOST_MEMORY, 4);
    ghcb_set_scratch(SHARED_BYTES);
    ghcb_exit();
    CHECK_MALFORMED(GHCB_ERR_INVALID_INPUT);
}

/* The AMD-SP's doorbell, a UART: its line status says that it would send. */
#define HIDDEN_PORT      0x408
#define UART_LINE_STATUS 5
#define UART_IDLE        0x60
#define COM4             0x2E8

TEST("An access that covers a port of the hypervisor's reaches none of its ports")
{
    CHECK_EQUAL(port_in(HIDDEN_PORT + UART_LINE_STATUS, 1), 0xFF);
    CHECK_EQUAL(port_in(HIDDEN_PORT - 2, 4), NOBODY);
}

TEST("All four serial ports of a PC are the guest's")
{
    CHECK_EQUAL(port_in(COM4 + UART_LINE_STATUS, 1), UART_IDLE);
}

/* QEMU's firmware configuration: item 0 begins with "QEMU". */
#define FW_CFG_DMA  0x514
#define DMA_ERROR   0x01u
#define DMA_READ    0x02u
#define DMA_SELECT  0x08u
#define FW_CFG_WORD 0x554D4551u

struct dma_descriptor {
    uint8_t control[4], length[4], address[8];
};

static void start_dma(struct dma_descriptor *descriptor, const void *to)
{
    put_be32(descriptor->control, DMA_SELECT | DMA_READ);
    put_be32(descriptor->length, 4);
    put_be64(descriptor->address, gpa_of(to));
    port_out(FW_CFG_DMA, 4, 0);
    port_out(FW_CFG_DMA + 4, 4, __builtin_bswap32((uint32_t)gpa_of(descriptor)));
}

TEST("The DMA of the configuration device reaches what is shared")
{
    struct dma_descriptor *descriptor = host_page();
    uint8_t *to = host_page();

    start_dma(descriptor, to);
    CHECK_EQUAL(get_be32(descriptor->control), 0);
    CHECK_EQUAL(get_le32(to), FW_CFG_WORD);
}

TEST("It reaches no private page: an error, and the page is as it was")
{
    struct dma_descriptor *descriptor = host_page();
    uint8_t *to = valid_page();

    put_le32(to, 0x11111111);
    start_dma(descriptor, to);
    CHECK_EQUAL(get_be32(descriptor->control), DMA_ERROR);
    CHECK_EQUAL(get_le32(to), 0x11111111);
}

TEST("It reaches nothing of the hypervisor's, nor anything past the end of memory")
{
    struct dma_descriptor *descriptor = host_page();

    start_dma(descriptor, (const void *)HYPERVISOR_MEMORY);
    CHECK_EQUAL(get_be32(descriptor->control), DMA_ERROR);
}

TEST("A descriptor in a private page starts nothing")
{
    struct dma_descriptor *descriptor = valid_page();
    uint8_t *to = host_page();

    put_le32(to, 0x22222222);
    start_dma(descriptor, to);
    CHECK_EQUAL(get_be32(descriptor->control), DMA_SELECT | DMA_READ);
    CHECK_EQUAL(get_le32(to), 0x22222222);
}
