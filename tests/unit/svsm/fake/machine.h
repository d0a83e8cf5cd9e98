/* SPDX-License-Identifier: MIT */
/* What the parts of the fake tell each other. */
#ifndef SNPVTPM_TESTS_UNIT_SVSM_FAKE_MACHINE_H
#define SNPVTPM_TESTS_UNIT_SVSM_FAKE_MACHINE_H

#include "tests/unit/svsm/fake/fake.h"

#define FAKE_C_BIT (1ull << 47)

/* Pages of the image, in the region. */
#define FAKE_IMAGE_PAGE      (FAKE_REGION + 0x1000) /* what image_gpa() says of all objects */
#define FAKE_DIRECT_MAP_PAGE (FAKE_REGION + 0x2000)

void fake_memory_reset(void);
void fake_host_reset(void);

#endif
