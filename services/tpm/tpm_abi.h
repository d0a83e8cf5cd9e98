/* SPDX-License-Identifier: MIT */
/*
 * The few constants of the TPM 2.0 Library specification, part 2, that this service needs besides
 * libtpms. TPM integers are big-endian.
 */
#ifndef SNPVTPM_SERVICES_TPM_TPM_ABI_H
#define SNPVTPM_SERVICES_TPM_TPM_ABI_H

#include "lib/abi/tpm_service.h"
#include "lib/ek/tpm_public.h"

#define TPM_COMMAND_MAX  SERVICE_TPM_BUFFER_SIZE
#define TPM_RESPONSE_MAX SERVICE_TPM_BUFFER_SIZE
#define TPM_HEADER_SIZE  10 /* tag, size, command or response code */
#define TPM_LOCALITY_MAX 4

#define TPM_ST_NO_SESSIONS 0x8001
#define TPM_ST_SESSIONS    0x8002

#define TPM_CC_EvictControl     0x00000120
#define TPM_CC_NV_UndefineSpace 0x00000122
#define TPM_CC_ChangeEPS        0x00000124
#define TPM_CC_Clear            0x00000126
#define TPM_CC_ClearControl     0x00000127
#define TPM_CC_ClockSet         0x00000128
#define TPM_CC_NV_DefineSpace   0x0000012a
#define TPM_CC_PCR_Allocate     0x0000012b
#define TPM_CC_CreatePrimary    0x00000131
#define TPM_CC_NV_Write         0x00000137
#define TPM_CC_NV_WriteLock     0x00000138
#define TPM_CC_PCR_Event        0x0000013c
#define TPM_CC_PCR_Reset        0x0000013d
#define TPM_CC_Startup          0x00000144
#define TPM_CC_Shutdown         0x00000145
#define TPM_CC_NV_Read          0x0000014e
#define TPM_CC_FlushContext     0x00000165
#define TPM_CC_NV_ReadPublic    0x00000169
#define TPM_CC_GetCapability    0x0000017a
#define TPM_CC_ReadClock        0x00000181
#define TPM_CC_PCR_Extend       0x00000182

#define TPMA_NV_TPM_NT 0x000000f0 /* which kind of index; 0: ordinary */

#define TPM_SU_CLEAR 0x0000
#define TPM_SU_STATE 0x0001

#define TPM_CAP_PCRS               0x00000005
#define TPM_CAP_TPM_PROPERTIES     0x00000006
#define TPM_PT_MANUFACTURER        0x00000105
#define TPM_PT_FIRMWARE_VERSION_1  0x0000010b
#define TPM_PT_CLOCK_UPDATE        0x00000119 /* milliseconds */
#define TPM_PT_HR_PERSISTENT_AVAIL 0x00000209

#define TPM_RC_SUCCESS      0x000
#define TPM_RC_VALUE        0x084 /* what libtpms says of a state, too */
#define TPM_RC_INITIALIZE   0x100
#define TPM_RC_FAILURE      0x101
#define TPM_RC_DISABLED     0x120
#define TPM_RC_COMMAND_SIZE 0x142
#define TPM_RC_NV_SPACE     0x14b
#define TPM_RC_VALUE_P1     0x1c4 /* TPM_RC_VALUE of the first parameter */
#define TPM_RC_LOCALITY     0x907

#define TPM_RC_NV_UNAVAILABLE 0x923

#define TPM_RS_PW          0x40000009
#define TPM_RH_ENDORSEMENT 0x4000000b
#define TPM_RH_PLATFORM    0x4000000c

#define TPM_HT_PERSISTENT 0x81 /* a handle's highest byte */

#define TPMA_NV_PPWRITE        (1u << 0)
#define TPMA_NV_WRITELOCKED    (1u << 11)
#define TPMA_NV_WRITEDEFINE    (1u << 13)
#define TPMA_NV_PPREAD         (1u << 16)
#define TPMA_NV_OWNERREAD      (1u << 17)
#define TPMA_NV_AUTHREAD       (1u << 18)
#define TPMA_NV_NO_DA          (1u << 25)
#define TPMA_NV_WRITTEN        (1u << 29)
#define TPMA_NV_PLATFORMCREATE (1u << 30)

#endif
