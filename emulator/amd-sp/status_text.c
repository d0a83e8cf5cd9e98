/* SPDX-License-Identifier: MIT */
#include "emulator/amd-sp/status_text.h"

const char *status_text(enum snp_status status)
{
    switch (status) {
    case SNP_SUCCESS:
        return "SUCCESS";
    case SNP_INVALID_PLATFORM_STATE:
        return "INVALID_PLATFORM_STATE";
    case SNP_INVALID_GUEST_STATE:
        return "INVALID_GUEST_STATE";
    case SNP_POLICY_FAILURE:
        return "POLICY_FAILURE";
    case SNP_INVALID_ADDRESS:
        return "INVALID_ADDRESS";
    case SNP_BAD_SIGNATURE:
        return "BAD_SIGNATURE";
    case SNP_BAD_MEASUREMENT:
        return "BAD_MEASUREMENT";
    case SNP_INVALID_GUEST:
        return "INVALID_GUEST";
    case SNP_INVALID_COMMAND:
        return "INVALID_COMMAND";
    case SNP_UNSUPPORTED:
        return "UNSUPPORTED";
    case SNP_INVALID_PARAM:
        return "INVALID_PARAM";
    case SNP_RESOURCE_LIMIT:
        return "RESOURCE_LIMIT";
    case SNP_INVALID_PAGE_STATE:
        return "INVALID_PAGE_STATE";
    case SNP_AEAD_OFLOW:
        return "AEAD_OFLOW";
    case SNP_INVALID_KEY:
        return "INVALID_KEY";
    }
    return "unknown status";
}
