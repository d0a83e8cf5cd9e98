/* SPDX-License-Identifier: MIT */
#include "tests/unit/kbs/report_json.h"

json_t *report_json_bytes(const uint8_t *bytes, size_t size)
{
    json_t *array = json_array();

    for (size_t i = 0; i < size; i++)
        json_array_append_new(array, json_integer(bytes[i]));
    return array;
}

#define NUMBERS(field) report_json_bytes(field, sizeof(field))

/* As laid out before Turin. */
static json_t *tcb(uint64_t value)
{
    return json_pack("{s:n, s:i, s:i, s:i, s:i}", "fmc", "bootloader", (int)(value & 0xff), "tee",
                     (int)(value >> 8 & 0xff), "snp", (int)(value >> 48 & 0xff), "microcode",
                     (int)(value >> 56));
}

static json_t *firmware(uint8_t major, uint8_t minor, uint8_t build)
{
    return json_pack("{s:i, s:i, s:i}", "major", major, "minor", minor, "build", build);
}

static json_t *integers(const struct snp_report *r)
{
    return json_pack(
        "{s:i, s:i, s:I, s:i, s:i, s:I, s:i, s:i, s:i, s:i, s:n, s:n}", "version", (int)r->version,
        "guest_svn", (int)r->guest_svn, "policy", (json_int_t)r->policy, "vmpl", (int)r->vmpl,
        "sig_algo", (int)r->signature_algo, "plat_info", (json_int_t)r->platform_info, "key_info",
        (int)r->key_info, "cpuid_fam_id", r->cpuid_fam_id, "cpuid_mod_id", r->cpuid_mod_id,
        "cpuid_step", r->cpuid_step, "launch_mit_vector", "current_mit_vector");
}

static json_t *arrays(const struct snp_report *r)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "family_id",
                     NUMBERS(r->family_id), "image_id", NUMBERS(r->image_id), "report_data",
                     NUMBERS(r->report_data), "measurement", NUMBERS(r->measurement), "host_data",
                     NUMBERS(r->host_data), "id_key_digest", NUMBERS(r->id_key_digest),
                     "author_key_digest", NUMBERS(r->author_key_digest), "report_id",
                     NUMBERS(r->report_id), "report_id_ma", NUMBERS(r->report_id_ma), "chip_id",
                     NUMBERS(r->chip_id));
}

static json_t *objects(const struct snp_report *r)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:{s:o, s:o}}", "current_tcb",
                     tcb(r->current_tcb), "reported_tcb", tcb(r->reported_tcb), "committed_tcb",
                     tcb(r->committed_tcb), "launch_tcb", tcb(r->launch_tcb), "current",
                     firmware(r->current_major, r->current_minor, r->current_build), "committed",
                     firmware(r->committed_major, r->committed_minor, r->committed_build),
                     "signature", "r", NUMBERS(r->signature_r), "s", NUMBERS(r->signature_s));
}

json_t *report_json(const struct snp_report *report)
{
    json_t *parts[] = {integers(report), arrays(report), objects(report)};
    json_t *all = json_object();

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (!parts[i] || json_object_update(all, parts[i]) != 0) {
            json_decref(all);
            all = NULL;
        }
        json_decref(parts[i]);
    }
    return all;
}
