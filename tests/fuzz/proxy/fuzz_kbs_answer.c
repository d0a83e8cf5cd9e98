/* SPDX-License-Identifier: MIT */
/* An answer of any status: it is judged, and what the log says of it is printable and short. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/kbs_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte chooses what was asked, the next two the status; the body follows. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct kbs_problem problem = {""};
    enum kbs_status status;
    json_t *reply;

    if (size < 3)
        return 0;
    status = kbs_answer_judge((enum kbs_step)(data[0] % (KBS_STEP_RESOURCE + 1)),
                              data[1] + 256l * data[2], reader_over(data + 3, size - 3), &reply,
                              &problem);
    if ((status == KBS_OK) != (reply != NULL) || (status == KBS_OK) != (problem.text[0] == '\0') ||
        !kbs_status_reason(status))
        abort();
    for (const char *next = problem.text; *next; next++)
        if (*next < ' ' || *next > '~')
            abort();
    json_decref(reply);
    return 0;
}
