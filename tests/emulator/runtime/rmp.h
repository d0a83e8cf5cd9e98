/* SPDX-License-Identifier: MIT */
/*
 * The RMP instructions, each as an attempt: look at last_trap before the result. page is the
 * address in the private view.
 */
#ifndef SNPVTPM_TESTS_EMULATOR_RUNTIME_RMP_H
#define SNPVTPM_TESTS_EMULATOR_RUNTIME_RMP_H

#include "lib/snp/page.h"
#include "tests/emulator/runtime/tap.h"

#define SIZE_4K 0ull
#define SIZE_2M 1ull

struct rmp_result {
    uint32_t code; /* enum rmp_status */
    bool carry, zero;
};

static inline struct rmp_result pvalidate(const void *page, uint64_t size, uint64_t validate)
{
    struct rmp_result r;

    /* clang-format off */
    ATTEMPT(".byte 0xF2, 0x0F, 0x01, 0xFF",
            : "=a"(r.code), "=@ccc"(r.carry), "=@ccz"(r.zero)
            : "a"(page), "c"(size), "d"(validate)
            : "memory");
    /* clang-format on */
    return r;
}

#define CHECK_PVALIDATE(result, wanted_code, wanted_carry)                                         \
    do {                                                                                           \
        struct rmp_result got_ = (result);                                                         \
                                                                                                   \
        CHECK_NO_TRAP();                                                                           \
        CHECK_EQUAL(got_.code, wanted_code);                                                       \
        CHECK_EQUAL(got_.carry, wanted_carry);                                                     \
    } while (0)

static inline uint32_t rmpadjust(const void *page, uint64_t size, uint64_t rdx)
{
    uint32_t code;

    /* clang-format off */
    ATTEMPT(".byte 0xF3, 0x0F, 0x01, 0xFE",
            : "=a"(code)
            : "a"(page), "c"(size), "d"(rdx)
            : "memory", "cc");
    /* clang-format on */
    return code;
}

#define CHECK_RMPADJUST(result, wanted_code)                                                       \
    do {                                                                                           \
        uint32_t got_ = (result);                                                                  \
                                                                                                   \
        CHECK_NO_TRAP();                                                                           \
        CHECK_EQUAL(got_, wanted_code);                                                            \
    } while (0)

/* The RDX of an RMPADJUST that gives a VMPL these permissions (enum rmp_permission). */
static inline uint64_t grant(unsigned vmpl, uint64_t permissions)
{
    return vmpl | permissions << RMPADJUST_PERMISSIONS_SHIFT;
}

struct rmp_view {
    uint32_t code;
    uint64_t size; /* SIZE_4K, SIZE_2M */
    uint64_t rdx;  /* as RMPADJUST takes it */
};

static inline struct rmp_view rmpquery(const void *page, unsigned vmpl)
{
    struct rmp_view r = {.size = 0, .rdx = vmpl};

    /* clang-format off */
    ATTEMPT(".byte 0xF3, 0x0F, 0x01, 0xFD",
            : "=a"(r.code), "+c"(r.size), "+d"(r.rdx)
            : "a"(page)
            : "memory", "cc");
    /* clang-format on */
    return r;
}

#endif
