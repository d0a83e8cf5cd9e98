/* SPDX-License-Identifier: MIT */
#include "lib/snp/launch_digest.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include <openssl/evp.h>

#include "lib/base/bytes.h"

struct page_info {
    uint8_t digest_cur[LAUNCH_DIGEST_SIZE];
    uint8_t contents[LAUNCH_DIGEST_SIZE];
    uint8_t length[2];
    uint8_t page_type;
    uint8_t imi_page;
    uint8_t reserved_64;
    uint8_t vmpl_permissions[VMPL_COUNT - 1]; /* VMPL1 first */
    uint8_t gpa[8];
};

static_assert(offsetof(struct page_info, page_type) == 0x62, "PAGE_INFO");
static_assert(offsetof(struct page_info, vmpl_permissions) == 0x65, "PAGE_INFO");
static_assert(offsetof(struct page_info, gpa) == 0x68, "PAGE_INFO");
static_assert(sizeof(struct page_info) == 0x70, "PAGE_INFO");

MUST_CHECK static bool sha384(const void *bytes, size_t size, uint8_t out[LAUNCH_DIGEST_SIZE])
{
    return EVP_Digest(bytes, size, out, NULL, EVP_sha384(), NULL) == 1;
}

/* Only what the host provides *and* the guest relies on is hashed. */
bool launch_digest_contents(enum snp_page_type type, const uint8_t *page,
                            uint8_t contents[LAUNCH_DIGEST_SIZE])
{
    switch (type) {
    case SNP_PAGE_NORMAL:
    case SNP_PAGE_VMSA:
        return page && sha384(page, PAGE_SIZE, contents);
    case SNP_PAGE_ZERO:
    case SNP_PAGE_UNMEASURED:
    case SNP_PAGE_SECRETS:
    case SNP_PAGE_CPUID:
        memset(contents, 0, LAUNCH_DIGEST_SIZE);
        return true;
    }
    return false;
}

bool launch_digest_extend(struct launch_digest *digest, enum snp_page_type type, uint64_t gpa,
                          const uint8_t contents[LAUNCH_DIGEST_SIZE], uint32_t vmpl_permissions)
{
    struct page_info info = {.page_type = (uint8_t)type};

    if ((gpa & ~PAGE_MASK) != 0 || vmpl_permissions >> 24 != 0)
        return false;
    memcpy(info.digest_cur, digest->ld, sizeof(info.digest_cur));
    memcpy(info.contents, contents, sizeof(info.contents));
    put_le16(info.length, sizeof(info));
    for (unsigned i = 0; i < VMPL_COUNT - 1; i++)
        info.vmpl_permissions[i] = (uint8_t)(vmpl_permissions >> (8 * i));
    put_le64(info.gpa, gpa);
    return sha384(&info, sizeof(info), digest->ld);
}

bool launch_digest_update(struct launch_digest *digest, enum snp_page_type type, uint64_t gpa,
                          const uint8_t *page, uint32_t vmpl_permissions)
{
    uint8_t contents[LAUNCH_DIGEST_SIZE];

    return launch_digest_contents(type, page, contents) &&
           launch_digest_extend(digest, type, gpa, contents, vmpl_permissions);
}
