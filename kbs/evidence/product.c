/* SPDX-License-Identifier: MIT */
#include "kbs/evidence/product.h"

#include <string.h>

#define CHIP_ID_SIZE_MAX   64
#define CHIP_ID_SIZE_TURIN 8

static const struct {
    uint8_t family, first_model, last_model;
    enum product product;
} models[] = {
    {0x19, 0x00, 0x0F, PRODUCT_MILAN},
    {0x19, 0x10, 0x1F, PRODUCT_GENOA},
    {0x19, 0xA0, 0xAF, PRODUCT_GENOA},
    {0x1A, 0x00, 0x11, PRODUCT_TURIN},
};

bool product_of_cpuid(uint8_t family, uint8_t model, enum product *product)
{
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++)
        if (family == models[i].family && model >= models[i].first_model &&
            model <= models[i].last_model) {
            *product = models[i].product;
            return true;
        }
    return false;
}

const char *product_name(enum product product)
{
    static const char *const names[PRODUCT_COUNT] = {"Milan", "Genoa", "Turin"};

    return names[product];
}

bool product_of_name(const char *name, enum product *product)
{
    for (*product = 0; *product < PRODUCT_COUNT; (*product)++)
        if (strcmp(name, product_name(*product)) == 0)
            return true;
    return false;
}

bool product_has_fmc(enum product product)
{
    return product == PRODUCT_TURIN;
}

size_t product_chip_id_size(enum product product)
{
    return product == PRODUCT_TURIN ? CHIP_ID_SIZE_TURIN : CHIP_ID_SIZE_MAX;
}

static uint8_t byte_of(uint64_t value, unsigned index)
{
    return (uint8_t)(value >> (8 * index));
}

struct tcb product_tcb(enum product product, uint64_t tcb_version)
{
    if (product_has_fmc(product))
        return (struct tcb){
            .fmc = byte_of(tcb_version, 0),
            .bootloader = byte_of(tcb_version, 1),
            .tee = byte_of(tcb_version, 2),
            .snp = byte_of(tcb_version, 3),
            .microcode = byte_of(tcb_version, 7),
        };
    return (struct tcb){
        .bootloader = byte_of(tcb_version, 0),
        .tee = byte_of(tcb_version, 1),
        .snp = byte_of(tcb_version, 6),
        .microcode = byte_of(tcb_version, 7),
    };
}
