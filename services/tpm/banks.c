/* SPDX-License-Identifier: MIT */
#include "services/tpm/banks.h"

#include "lib/boot/boot_params.h"
#include "services/common/log.h"
#include "services/tpm/command.h"
#include "services/tpm/library.h"

#define BANKS_MAX       16 /* of a TPML_PCR_SELECTION: HASH_COUNT of libtpms is less */
#define SELECT_MAX      4  /* bytes: 32 PCRs */
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    uint16_t algorithm;
    uint32_t bank;
} KNOWN[] = {
    {TPM_ALG_SHA1, BOOT_PCR_BANK_SHA1},
    {TPM_ALG_SHA256, BOOT_PCR_BANK_SHA256},
    {TPM_ALG_SHA384, BOOT_PCR_BANK_SHA384},
    {TPM_ALG_SHA512, BOOT_PCR_BANK_SHA512},
};

/* What is read of the TPM's allocation, and what it is to be. */
struct allocation {
    struct writer wanted; /* TPMS_PCR_SELECTIONs, part 2, 10.6.2 */
    uint32_t missing;     /* banks that the image wants and the TPM's list has not */
    bool differs;
};

bool banks_are_valid(uint32_t banks)
{
    return (banks & ~BOOT_PCR_BANKS_ALL) == 0;
}

static uint32_t bank_of(uint16_t algorithm)
{
    for (size_t i = 0; i < COUNT_OF(KNOWN); i++) {
        if (KNOWN[i].algorithm == algorithm)
            return KNOWN[i].bank;
    }
    return 0;
}

/* One TPMS_PCR_SELECTION: a bank has all of its PCRs or none. */
MUST_CHECK static bool take_selection(struct reader *reply, uint32_t banks,
                                      struct allocation *allocation)
{
    uint16_t algorithm;
    uint8_t size, select[SELECT_MAX];
    uint8_t all;

    if (!reader_be16(reply, &algorithm) || !reader_u8(reply, &size) || size > sizeof(select) ||
        !reader_copy(reply, select, size))
        return false;
    all = banks & bank_of(algorithm) ? 0xFF : 0;
    allocation->missing &= ~bank_of(algorithm);
    if (!writer_be16(&allocation->wanted, algorithm) || !writer_u8(&allocation->wanted, size))
        return false;
    for (uint8_t i = 0; i < size; i++) {
        allocation->differs |= select[i] != all;
        if (!writer_u8(&allocation->wanted, all))
            return false;
    }
    return true;
}

/* Reads the TPM's banks (TPM_CAP_PCRS), and writes the list that it is to have. */
MUST_CHECK static bool read_banks(struct engine *engine, struct allocation *allocation)
{
    uint8_t command[TPM_HEADER_SIZE + 12];
    uint8_t response[TPM_RESPONSE_MAX];
    struct writer w = writer_over(command, sizeof(command));
    struct reader reply;
    uint32_t count;

    if (!command_begin(&w, TPM_ST_NO_SESSIONS, TPM_CC_GetCapability) ||
        !writer_be32(&w, TPM_CAP_PCRS) || !writer_be32(&w, 0) || !writer_be32(&w, 1) ||
        library_run(engine, &w, response, &reply) != TPM_RC_SUCCESS ||
        !reader_skip(&reply, 1 + 4) /* moreData, the capability again */ ||
        !reader_be32(&reply, &count) || count > BANKS_MAX ||
        !writer_be32(&allocation->wanted, count))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!take_selection(&reply, engine->banks, allocation))
            return false;
    }
    return true;
}

/* As the platform, whose authorization is empty after TPM2_Startup(CLEAR). */
MUST_CHECK static bool allocate(struct engine *engine, const struct writer *wanted)
{
    uint8_t command[TPM_COMMAND_MAX];
    uint8_t response[TPM_RESPONSE_MAX];
    struct writer w = writer_over(command, sizeof(command));
    struct reader reply;
    uint8_t done;

    return command_begin(&w, TPM_ST_SESSIONS, TPM_CC_PCR_Allocate) &&
           writer_be32(&w, TPM_RH_PLATFORM) && command_empty_password(&w) &&
           writer_put(&w, wanted->start, wanted->used) &&
           library_run(engine, &w, response, &reply) == TPM_RC_SUCCESS &&
           reader_skip(&reply, 4) /* the parameters' size */ && reader_u8(&reply, &done) &&
           done != 0;
}

enum banks_outcome banks_apply(struct engine *engine)
{
    uint8_t list[4 + BANKS_MAX * (3 + SELECT_MAX)];
    struct allocation allocation = {.wanted = writer_over(list, sizeof(list)),
                                    .missing = engine->banks};

    if (engine->banks == 0)
        return BANKS_AS_WANTED;
    if (!read_banks(engine, &allocation)) {
        log_error("the TPM does not tell its PCR banks");
        return BANKS_FAILED;
    }
    if (allocation.missing != 0) {
        log_error("the launch image asks for PCR banks that this TPM cannot have (0x%x)",
                  (unsigned)allocation.missing);
        return BANKS_FAILED;
    }
    if (!allocation.differs)
        return BANKS_AS_WANTED;
    if (!allocate(engine, &allocation.wanted)) {
        log_error("the TPM does not take the PCR banks that the launch image asks for");
        return BANKS_FAILED;
    }
    return BANKS_ALLOCATED;
}
