/* SPDX-License-Identifier: MIT */
/* More constants of the TPM 2.0 Library specification, part 2, than the service needs
 * (services/tpm/tpm_abi.h). */
#ifndef SNPVTPM_TESTS_UNIT_SERVICES_TPM_CODES_H
#define SNPVTPM_TESTS_UNIT_SERVICES_TPM_CODES_H

#include "services/tpm/tpm_abi.h"

#define TPM_CC_ChangePPS                  0x00000125
#define TPM_CC_HierarchyChangeAuth        0x00000129
#define TPM_CC_PP_Commands                0x0000012d
#define TPM_CC_SetPrimaryPolicy           0x0000012e
#define TPM_CC_ClockRateAdjust            0x00000130
#define TPM_CC_NV_Increment               0x00000134
#define TPM_CC_NV_SetBits                 0x00000135
#define TPM_CC_NV_Extend                  0x00000136
#define TPM_CC_DictionaryAttackLockReset  0x00000139
#define TPM_CC_DictionaryAttackParameters 0x0000013a
#define TPM_CC_SetAlgorithmSet            0x0000013f
#define TPM_CC_SetCommandCodeAuditStatus  0x00000140
#define TPM_CC_SelfTest                   0x00000143
#define TPM_CC_StirRandom                 0x00000146
#define TPM_CC_PolicyNV                   0x00000149
#define TPM_CC_ContextSave                0x00000162
#define TPM_CC_PolicyCounterTimer         0x0000016d
#define TPM_CC_ReadPublic                 0x00000173
#define TPM_CC_StartAuthSession           0x00000176
#define TPM_CC_PCR_Read                   0x0000017e
#define TPM_CC_TestParms                  0x0000018a

#define TPM_RC_POLICY          0x126
#define TPM_RC_OBJECT_MEMORY   0x902
#define TPM_RC_SESSION_HANDLES 0x905
#define TPM_RC_RETRY           0x922
#define TPM_RC_LOCKOUT         0x921

#define TPM_RH_OWNER   0x40000001
#define TPM_RH_NULL    0x40000007
#define TPM_RH_LOCKOUT 0x4000000a

#define TPM_HR_NV_INDEX   0x01000000
#define TPM_HR_PERSISTENT 0x81000000

#define TPM_SE_POLICY 0x01

#define TPM_ALG_HMAC      0x0005
#define TPM_ALG_KEYEDHASH 0x0008
#define TPM_ALG_SYMCIPHER 0x0025

#define TPM_CAP_HANDLES          0x00000001
#define TPM_PT_MAX_COMMAND_SIZE  0x0000011e
#define TPM_PT_MAX_RESPONSE_SIZE 0x0000011f
#define TPM_PT_HR_ACTIVE_AVAIL   0x00000206
#define TPM_PT_LOCKOUT_COUNTER   0x0000020e

#define TPM_EO_SIGNED_GT   0x0002
#define TPM_EO_UNSIGNED_GT 0x0003
#define TPM_EO_SIGNED_LT   0x0004
#define TPM_EO_UNSIGNED_LT 0x0005
#define TPM_EO_SIGNED_GE   0x0006
#define TPM_EO_UNSIGNED_GE 0x0007
#define TPM_EO_SIGNED_LE   0x0008
#define TPM_EO_UNSIGNED_LE 0x0009

#define TPMA_OBJECT_sign (1u << 18)

#define TPMA_NV_OWNERWRITE (1u << 1)
#define TPMA_NV_COUNTER    (1u << 4) /* TPM_NT_COUNTER */
#define TPMA_NV_BITS       (2u << 4)
#define TPMA_NV_EXTEND     (4u << 4)
#define TPMA_NV_ORDERLY    (1u << 26)

#endif
