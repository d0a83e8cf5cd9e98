/* SPDX-License-Identifier: MIT */
/* Input: the RAM of a machine from its first page on, in which the mailbox stands. */
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>

#include "emulator/amd-sp/doorbell.h"
#include "emulator/amd-sp/mailbox.h"
#include "lib/snp/page.h"

#define RAM_PAGES 16

static FILE *log_file;
static struct chip chip;
static uint8_t ram[RAM_PAGES * PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static uint8_t certificate[1500];
    struct chip_certificate any = {certificate, sizeof(certificate)};

    (void)argc;
    (void)argv;
    log_file = fopen("/dev/null", "we");
    chip = (struct chip){.vcek = EVP_EC_gen("P-384"),
                         .vcek_certificate = any,
                         .ask_certificate = any,
                         .ark_certificate = any};
    return !log_file || !chip.vcek;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t rings[] = {SP_DOORBELL_MAILBOX, 0, 0, 0, 0, 0, 0, 0, 0, SP_DOORBELL_GO,
                                    SP_DOORBELL_GO};
    static struct processor processor;
    struct doorbell doorbell = {.processor = &processor};

    processor = (struct processor){
        .chip = &chip, .ram = {.bytes = ram, .size = sizeof(ram)}, .log = log_file};
    memset(ram, 0, sizeof(ram));
    memcpy(ram, data, size < sizeof(ram) ? size : sizeof(ram));
    for (size_t i = 0; i < sizeof(rings); i++) {
        char answer = doorbell_take(&doorbell, rings[i]);

        if (rings[i] == SP_DOORBELL_GO && answer != SP_DOORBELL_DONE &&
            answer != SP_DOORBELL_MALFORMED)
            abort();
    }
    return 0;
}
