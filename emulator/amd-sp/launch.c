/* SPDX-License-Identifier: MIT */
#include "emulator/amd-sp/launch.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "emulator/amd-sp/cpuid_page_check.h"
#include "emulator/amd-sp/platform.h"

/* Version of the secrets page that firmware with this ABI writes. */
#define SECRETS_PAGE_VERSION 3

/* GUEST_POLICY: minimum ABI version in [15:0]; features in [25:16]; the rest must be zero. */
#define POLICY_ABI_MASK               0xFFFFull
#define POLICY_MEM_AES_256_XTS        (1ull << 22)
#define POLICY_RAPL_DIS               (1ull << 23)
#define POLICY_CIPHERTEXT_HIDING_DRAM (1ull << 24)
#define POLICY_RESERVED               (~0ull << 26)
/* What a policy may demand and this platform does not have. */
#define POLICY_UNAVAILABLE                                                                         \
    (POLICY_MEM_AES_256_XTS | POLICY_RAPL_DIS | POLICY_CIPHERTEXT_HIDING_DRAM)

MUST_CHECK static bool policy_allows_platform(uint64_t policy)
{
    /* NOLINTNEXTLINE(misc-redundant-expression): today SMT_EN is all that PLATFORM_INFO has */
    bool smt_on = (EMULATED_PLATFORM_INFO & PLATFORM_INFO_SMT_EN) != 0;

    return (policy & SNP_POLICY_RESERVED_ONE) != 0 &&
           (policy & (POLICY_RESERVED | POLICY_UNAVAILABLE)) == 0 &&
           (policy & POLICY_ABI_MASK) <= (PLATFORM_API_MAJOR << 8 | PLATFORM_API_MINOR) &&
           (!smt_on || (policy & SNP_POLICY_SMT) != 0);
}

enum snp_status launch_start(struct guest_context *guest, uint64_t policy, uint32_t fms)
{
    if (guest->state != GUEST_INIT)
        return SNP_INVALID_GUEST_STATE;
    if (!policy_allows_platform(policy))
        return SNP_POLICY_FAILURE;
    if (RAND_priv_bytes((uint8_t *)guest->vmpck, sizeof(guest->vmpck)) != 1 ||
        RAND_priv_bytes(guest->vmrk, sizeof(guest->vmrk)) != 1 ||
        RAND_bytes(guest->report_id, sizeof(guest->report_id)) != 1)
        return SNP_INVALID_PLATFORM_STATE;
    guest->policy = policy;
    guest->fms = fms;
    guest->state = GUEST_LAUNCH;
    return SNP_SUCCESS;
}

static void write_secrets_page(const struct guest_context *guest, uint8_t *page)
{
    struct secrets_page secrets = {.version = SECRETS_PAGE_VERSION, .fms = guest->fms};

    memcpy(secrets.vmpck, guest->vmpck, sizeof(secrets.vmpck));
    memcpy(page, &secrets, sizeof(secrets));
    OPENSSL_cleanse(&secrets, sizeof(secrets));
}

static enum snp_status check_cpuid_page(uint8_t *page, uint32_t cbit)
{
    struct cpuid_page copy;
    enum snp_status status;

    memcpy(&copy, page, sizeof(copy));
    status = cpuid_page_check(&copy, cbit);
    memcpy(page, &copy, sizeof(copy));
    return status;
}

/* Makes one page what the guest will find. */
static enum snp_status load_page(const struct guest_context *guest, enum snp_page_type type,
                                 uint8_t *page, uint32_t cbit)
{
    switch (type) {
    case SNP_PAGE_NORMAL:
    case SNP_PAGE_VMSA:
    case SNP_PAGE_UNMEASURED:
        return SNP_SUCCESS;
    case SNP_PAGE_ZERO:
        memset(page, 0, PAGE_SIZE);
        return SNP_SUCCESS;
    case SNP_PAGE_SECRETS:
        write_secrets_page(guest, page);
        return SNP_SUCCESS;
    case SNP_PAGE_CPUID:
        return check_cpuid_page(page, cbit);
    }
    return SNP_INVALID_PARAM;
}

/* Pages that one command may load only one of. */
static bool is_single_page_type(enum snp_page_type type)
{
    return type == SNP_PAGE_VMSA || type == SNP_PAGE_SECRETS || type == SNP_PAGE_CPUID;
}

static enum snp_status check_update(const struct guest_context *guest,
                                    const struct launch_pages *pages)
{
    uint64_t room = (UINT64_MAX - pages->gpa) / PAGE_SIZE;

    if (pages->vmpl_permissions >> 24 != 0 || pages->count == 0 || pages->count > room)
        return SNP_INVALID_PARAM;
    if ((pages->gpa & ~PAGE_MASK) != 0)
        return SNP_INVALID_ADDRESS;
    if (pages->type < SNP_PAGE_NORMAL || pages->type > SNP_PAGE_CPUID ||
        (is_single_page_type((enum snp_page_type)pages->type) && pages->count != 1))
        return SNP_INVALID_PARAM;
    return guest->state == GUEST_LAUNCH ? SNP_SUCCESS : SNP_INVALID_GUEST_STATE;
}

enum snp_status launch_update(struct guest_context *guest, const struct launch_pages *pages,
                              uint32_t cbit)
{
    struct launch_digest digest = guest->digest;
    enum snp_status status = check_update(guest, pages);
    enum snp_page_type type = (enum snp_page_type)pages->type;

    for (uint64_t i = 0; status == SNP_SUCCESS && i < pages->count; i++) {
        uint8_t *page = pages->bytes + i * PAGE_SIZE;

        status = load_page(guest, type, page, cbit);
        if (status == SNP_SUCCESS &&
            !launch_digest_update(&digest, type, pages->gpa + i * PAGE_SIZE, page,
                                  (uint32_t)pages->vmpl_permissions))
            status = SNP_INVALID_PLATFORM_STATE;
    }
    if (status == SNP_SUCCESS)
        guest->digest = digest;
    return status;
}

enum snp_status launch_finish(struct guest_context *guest, const struct launch_finish *finish)
{
    enum snp_status status;

    if (guest->state != GUEST_LAUNCH)
        return SNP_INVALID_GUEST_STATE;
    if (finish->id_block) {
        status = id_block_check(finish->id_block, finish->id_auth, finish->author_key_en, guest,
                                &guest->identity);
        if (status != SNP_SUCCESS)
            return status;
    }
    if (finish->host_data)
        memcpy(guest->host_data, finish->host_data, sizeof(guest->host_data));
    guest->state = GUEST_RUNNING;
    return SNP_SUCCESS;
}
