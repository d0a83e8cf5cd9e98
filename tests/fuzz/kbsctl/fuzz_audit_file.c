/* SPDX-License-Identifier: MIT */
/* Archived segments of the audit log as kbsctl reads them. What is accepted has lines, a head of
 * theirs, and a key that signed it. */
#include <stdlib.h>
#include <string.h>

#include "kbs/cli/audit_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FILE *file = size > 0 ? fmemopen((void *)data, size, "r") : NULL;
    struct audit_chain chain = {0};
    struct audit_file_seal seal;

    if (!file)
        return -1;
    if (audit_file_verify(file, NULL, &chain, &seal)) {
        if (chain.problem || chain.seq <= chain.base || seal.statement.last != chain.seq ||
            seal.statement.first != chain.base + 1 ||
            memcmp(seal.statement.head, chain.head, sizeof(chain.head)) != 0 ||
            strlen(seal.key_id) != 2 * SIGNING_KEY_ID_SIZE)
            abort();
    } else if (!chain.problem) {
        abort();
    }
    fclose(file);
    return 0;
}
