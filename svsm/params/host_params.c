/* SPDX-License-Identifier: MIT */
#include "svsm/params/host_params.h"

#include "lib/base/bytes.h"
#include "lib/freestanding/string.h"
#include "svsm/arch/cpu_area.h"
#include "svsm/arch/memory.h"
#include "svsm/base/panic.h"
#include "svsm/console/log.h"

/* General page: u32 VP_COUNT, u32 ENVIRONMENT_INFO (bit 0: memory is shared until accepted). */
#define VP_COUNT_OFFSET         0
#define ENVIRONMENT_INFO_OFFSET 4
#define MEMORY_IS_SHARED        1u

static void read_general(struct host_params *host, const struct boot_params *params)
{
    const uint8_t *page = gpa_pointer(gpa(params->general_params_gpa));

    host->vp_count = get_le32(page + VP_COUNT_OFFSET);
    host->memory_is_shared = (get_le32(page + ENVIRONMENT_INFO_OFFSET) & MEMORY_IS_SHARED) != 0;
    if (host->vp_count == 0 || host->vp_count > CPUS_MAX) {
        log_warning("the host says that the VM has %u vCPUs: the guest is told of %u",
                    host->vp_count, host->vp_count == 0 ? 1 : CPUS_MAX);
        host->vp_count = host->vp_count == 0 ? 1 : CPUS_MAX;
    }
}

static void read_memory_map(struct host_params *host, const struct boot_params *params)
{
    uint8_t page[MEMORY_MAP_PAGE_SIZE];
    enum status status;

    memcpy(page, gpa_pointer(gpa(params->memory_map_gpa)), sizeof(page));
    status = memory_map_parse(&host->memory, page, DIRECT_MAP_MAX);
    if (status != STATUS_OK)
        panic("the host's memory map is unusable: %s", status_text(status));
    if (!memory_map_covers(&host->memory, params->region_gpa, params->region_size))
        panic("the VM's memory is too small: the SVSM needs %lx..%lx; give the VM more",
              params->region_gpa, params->region_gpa + params->region_size);
}

void host_params_read(struct host_params *host, const struct boot_params *params)
{
    read_general(host, params);
    read_memory_map(host, params);
}
