/* SPDX-License-Identifier: MIT */
#include "svsm/sev/secrets.h"

#include <stddef.h>

#include "lib/freestanding/string.h"
#include "svsm/arch/memory.h"

#define SVSM_MAX_VERSION 1

static struct secrets_page *secrets;
static bool vmpck0_taken;

void secrets_init(gpa_t page)
{
    secrets = gpa_pointer(page);
}

bool secrets_take_vmpck0(uint8_t key[VMPCK_SIZE])
{
    if (vmpck0_taken)
        return false;
    memcpy(key, secrets->vmpck[0], VMPCK_SIZE);
    wipe(secrets->vmpck[0], VMPCK_SIZE);
    vmpck0_taken = true;
    return true;
}

void secrets_copy_for_guest(struct secrets_page *copy, const struct secrets_svsm *svsm)
{
    memset(copy, 0, sizeof(*copy));
    copy->version = secrets->version;
    copy->flags = secrets->flags;
    copy->fms = secrets->fms;
    memcpy(copy->gosvw, secrets->gosvw, sizeof(copy->gosvw));
    for (unsigned key = svsm->guest_vmpl; key < VMPCK_COUNT; key++)
        memcpy(copy->vmpck[key], secrets->vmpck[key], VMPCK_SIZE);
    memcpy(copy->vmsa_tweak_bitmap, secrets->vmsa_tweak_bitmap, sizeof(copy->vmsa_tweak_bitmap));
    copy->tsc_factor = secrets->tsc_factor;
    copy->svsm_base = svsm->base;
    copy->svsm_size = svsm->size;
    copy->svsm_caa = svsm->caa;
    copy->svsm_max_version = SVSM_MAX_VERSION;
    copy->svsm_guest_vmpl = svsm->guest_vmpl;
}

void secrets_wipe(void)
{
    if (secrets)
        wipe(secrets, sizeof(*secrets));
}
