/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "kbs/evidence/appraise.h"
#include "kbs/evidence/bits.h"

#define COMPONENTS 5

/* The components in the order of TCB_VERDICTS. */
struct components {
    uint8_t value[COMPONENTS];
};

static struct components components_of(const struct tcb *tcb)
{
    return (struct components){{tcb->fmc, tcb->bootloader, tcb->tee, tcb->snp, tcb->microcode}};
}

static const char *const component_names[COMPONENTS] = {"FMC", "boot loader", "TEE", "SNP firmware",
                                                        "microcode"};

/* The first component of tcb that is below its floor; COMPONENTS when none is. A TCB is no number:
 * each component counts for itself. */
static unsigned first_below(const struct tcb *tcb, const struct tcb *floor)
{
    struct components found = components_of(tcb), least = components_of(floor);
    unsigned i = 0;

    while (i < COMPONENTS && found.value[i] >= least.value[i])
        i++;
    return i;
}

static_assert(VERDICT_TCB_REPORTED_MICROCODE == VERDICT_TCB_REPORTED_FMC + COMPONENTS - 1, "order");

/* first_verdict: the one for this TCB's FMC; those of the others follow. */
static bool check_floor(const char *name, struct tcb tcb, const struct tcb *floor,
                        enum verdict first_verdict, struct finding *finding)
{
    unsigned at = first_below(&tcb, floor);

    return at == COMPONENTS ||
           finding_fail(finding, (enum verdict)(first_verdict + at),
                        "%s_TCB, %s: at least %u, found %u", name, component_names[at],
                        components_of(floor).value[at], components_of(&tcb).value[at]);
}

/* Until the host commits its firmware, it can go back to an older one. */
static bool check_committed(const struct snp_report *report, enum product product,
                            const struct requirements *requirements, struct finding *finding)
{
    struct tcb committed = product_tcb(product, report->committed_tcb);
    struct tcb current = product_tcb(product, report->current_tcb);
    unsigned at = first_below(&committed, &current);

    if (requirements->provisional_firmware)
        return true;
    if (at != COMPONENTS)
        return finding_fail(finding, VERDICT_PROVISIONAL_FIRMWARE, "%s: committed %u, current %u",
                            component_names[at], components_of(&committed).value[at],
                            components_of(&current).value[at]);
    if (report->committed_major != report->current_major ||
        report->committed_minor != report->current_minor ||
        report->committed_build != report->current_build)
        return finding_fail(
            finding, VERDICT_PROVISIONAL_FIRMWARE, "version: committed %u.%u.%u, current %u.%u.%u",
            report->committed_major, report->committed_minor, report->committed_build,
            report->current_major, report->current_minor, report->current_build);
    return true;
}

bool appraise_tcb(const struct snp_report *report, enum product product,
                  const struct requirements *requirements, struct finding *finding)
{
    const struct tcb *floor = &requirements->tcb_min[product];

    return check_floor("REPORTED", product_tcb(product, report->reported_tcb), floor,
                       VERDICT_TCB_REPORTED_FMC, finding) &&
           check_floor("COMMITTED", product_tcb(product, report->committed_tcb), floor,
                       VERDICT_TCB_COMMITTED_FMC, finding) &&
           check_floor("LAUNCH", product_tcb(product, report->launch_tcb), floor,
                       VERDICT_TCB_LAUNCH_FMC, finding) &&
           check_floor("CURRENT", product_tcb(product, report->current_tcb), floor,
                       VERDICT_TCB_CURRENT_FMC, finding) &&
           check_committed(report, product, requirements, finding);
}

static bool check_mask(const char *field, uint64_t value, const struct mask64 *mask,
                       const struct bit_names *names, enum verdict verdict, struct finding *finding)
{
    uint64_t clear = mask->must_be_set & ~value, set = mask->must_be_clear & value;
    char text[BITS_TEXT_MAX];

    if (clear)
        return finding_fail(finding, verdict, "%s, must be set: %s", field,
                            bits_text(names, clear, text));
    if (set)
        return finding_fail(finding, verdict, "%s, must be clear: %s", field,
                            bits_text(names, set, text));
    return true;
}

/* Before version 5 these bytes are reserved: no mitigation is known to be there. */
static uint64_t mitigations_of(const struct snp_report *report, uint64_t vector)
{
    return report->version >= 5 ? vector : 0;
}

bool appraise_platform(const struct snp_report *report, const struct requirements *requirements,
                       struct finding *finding)
{
    return check_mask("PLATFORM_INFO", report->platform_info, &requirements->platform_info,
                      &platform_info_bits, VERDICT_PLATFORM_INFO, finding) &&
           check_mask("LAUNCH_MIT_VECTOR", mitigations_of(report, report->launch_mit_vector),
                      &requirements->mitigations, NULL, VERDICT_MITIGATIONS, finding) &&
           check_mask("CURRENT_MIT_VECTOR", mitigations_of(report, report->current_mit_vector),
                      &requirements->mitigations, NULL, VERDICT_MITIGATIONS, finding);
}

void appraise_note_tcb_order(const struct snp_report *report, enum product product,
                             struct finding *finding)
{
    struct tcb reported = product_tcb(product, report->reported_tcb);
    struct tcb committed = product_tcb(product, report->committed_tcb);
    struct tcb current = product_tcb(product, report->current_tcb);

    if (first_below(&committed, &reported) != COMPONENTS)
        snprintf(finding->detail, sizeof(finding->detail),
                 "note: REPORTED_TCB %" PRIx64 " is above COMMITTED_TCB %" PRIx64,
                 report->reported_tcb, report->committed_tcb);
    else if (first_below(&current, &committed) != COMPONENTS)
        snprintf(finding->detail, sizeof(finding->detail),
                 "note: COMMITTED_TCB %" PRIx64 " is above CURRENT_TCB %" PRIx64,
                 report->committed_tcb, report->current_tcb);
}
