/* SPDX-License-Identifier: MIT */
#include "kbs/protocol/snp_json.h"

#include <stdlib.h>
#include <string.h>

#include "kbs/evidence/product.h"
#include "lib/base/bytes.h"
#include "lib/jose/strict_json.h"

/* The report */

static bool read_number(const json_t *json, const char *name, uint64_t max, uint64_t *value)
{
    const json_t *number = json_object_get(json, name);

    if (!json_is_integer(number) || json_integer_value(number) < 0)
        return false;
    *value = (uint64_t)json_integer_value(number);
    return *value <= max;
}

/* For fields that reports of older versions lack, or have as null. */
static bool read_optional_number(const json_t *json, const char *name, uint64_t max,
                                 uint64_t *value)
{
    const json_t *number = json_object_get(json, name);

    *value = 0;
    return !number || json_is_null(number) || read_number(json, name, max, value);
}

static bool read_u8(const json_t *json, const char *name, uint8_t *value)
{
    uint64_t number;

    if (!read_number(json, name, UINT8_MAX, &number))
        return false;
    *value = (uint8_t)number;
    return true;
}

static bool read_u32(const json_t *json, const char *name, uint32_t *value)
{
    uint64_t number;

    if (!read_number(json, name, UINT32_MAX, &number))
        return false;
    put_le32(value, (uint32_t)number);
    return true;
}

static bool read_u64(const json_t *json, const char *name, uint64_t *value)
{
    uint64_t number;

    if (!read_number(json, name, UINT64_MAX, &number))
        return false;
    put_le64(value, number);
    return true;
}

/* A TCB_VERSION, whose layout depends on the processor: that of Turin has an FMC. */
static bool read_tcb(const json_t *json, const char *name, bool with_fmc, uint64_t *value)
{
    const json_t *tcb = json_object_get(json, name);
    uint64_t fmc, bootloader, tee, snp, microcode;

    if (!read_optional_number(tcb, "fmc", UINT8_MAX, &fmc) ||
        !read_number(tcb, "bootloader", UINT8_MAX, &bootloader) ||
        !read_number(tcb, "tee", UINT8_MAX, &tee) || !read_number(tcb, "snp", UINT8_MAX, &snp) ||
        !read_number(tcb, "microcode", UINT8_MAX, &microcode))
        return false;
    if (with_fmc)
        put_le64(value, fmc | bootloader << 8 | tee << 16 | snp << 24 | microcode << 56);
    else
        put_le64(value, bootloader | tee << 8 | snp << 48 | microcode << 56);
    return with_fmc || fmc == 0;
}

static bool read_tcbs(const json_t *json, bool with_fmc, struct snp_report *report)
{
    return read_tcb(json, "current_tcb", with_fmc, &report->current_tcb) &&
           read_tcb(json, "reported_tcb", with_fmc, &report->reported_tcb) &&
           read_tcb(json, "committed_tcb", with_fmc, &report->committed_tcb) &&
           read_tcb(json, "launch_tcb", with_fmc, &report->launch_tcb);
}

static bool read_cpuid(const json_t *json, struct snp_report *report)
{
    uint64_t family, model, stepping;

    if (!read_optional_number(json, "cpuid_fam_id", UINT8_MAX, &family) ||
        !read_optional_number(json, "cpuid_mod_id", UINT8_MAX, &model) ||
        !read_optional_number(json, "cpuid_step", UINT8_MAX, &stepping))
        return false;
    report->cpuid_fam_id = (uint8_t)family;
    report->cpuid_mod_id = (uint8_t)model;
    report->cpuid_step = (uint8_t)stepping;
    return true;
}

static bool read_firmware(const json_t *json, struct snp_report *report)
{
    const json_t *current = json_object_get(json, "current");
    const json_t *committed = json_object_get(json, "committed");

    return read_u8(current, "build", &report->current_build) &&
           read_u8(current, "minor", &report->current_minor) &&
           read_u8(current, "major", &report->current_major) &&
           read_u8(committed, "build", &report->committed_build) &&
           read_u8(committed, "minor", &report->committed_minor) &&
           read_u8(committed, "major", &report->committed_major);
}

static bool read_mitigations(const json_t *json, struct snp_report *report)
{
    uint64_t launch, current;

    if (!read_optional_number(json, "launch_mit_vector", UINT64_MAX, &launch) ||
        !read_optional_number(json, "current_mit_vector", UINT64_MAX, &current))
        return false;
    put_le64(&report->launch_mit_vector, launch);
    put_le64(&report->current_mit_vector, current);
    return true;
}

static bool read_arrays(const json_t *json, struct snp_report *report)
{
    const json_t *signature = json_object_get(json, "signature");
    const struct {
        const json_t *array;
        void *out;
        size_t size;
    } arrays[] = {
#define ARRAY(object, name, field)                                                                 \
    {json_object_get(object, name), report->field, sizeof(report->field)}
        ARRAY(json, "family_id", family_id),
        ARRAY(json, "image_id", image_id),
        ARRAY(json, "report_data", report_data),
        ARRAY(json, "measurement", measurement),
        ARRAY(json, "host_data", host_data),
        ARRAY(json, "id_key_digest", id_key_digest),
        ARRAY(json, "author_key_digest", author_key_digest),
        ARRAY(json, "report_id", report_id),
        ARRAY(json, "report_id_ma", report_id_ma),
        ARRAY(json, "chip_id", chip_id),
        ARRAY(signature, "r", signature_r),
        ARRAY(signature, "s", signature_s),
#undef ARRAY
    };

    for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
        if (!strict_json_bytes(arrays[i].array, arrays[i].out, arrays[i].size))
            return false;
    return true;
}

/* Reports without CPUID, of version 2, are from processors before Turin. */
static bool has_fmc(const struct snp_report *report)
{
    enum product product;

    return product_of_cpuid(report->cpuid_fam_id, report->cpuid_mod_id, &product) &&
           product == PRODUCT_TURIN;
}

bool snp_json_report(const json_t *json, struct snp_report *report)
{
    size_t size;

    *report = (struct snp_report){0};
    if (json_is_string(json))
        return strict_json_decode(BASE64_STANDARD, json, report, sizeof(*report), &size) &&
               size == sizeof(*report);
    return read_u32(json, "version", &report->version) &&
           read_u32(json, "guest_svn", &report->guest_svn) &&
           read_u64(json, "policy", &report->policy) && read_u32(json, "vmpl", &report->vmpl) &&
           read_u32(json, "sig_algo", &report->signature_algo) &&
           read_u64(json, "plat_info", &report->platform_info) &&
           read_u32(json, "key_info", &report->key_info) && read_cpuid(json, report) &&
           read_tcbs(json, has_fmc(report), report) && read_firmware(json, report) &&
           read_mitigations(json, report) && read_arrays(json, report);
}

/* The certificates */

/* Where a certificate of a kind belongs; NULL for kinds that are passed over. */
static X509 **place_of(const json_t *kind, struct certificates *out)
{
    const struct {
        const char *kind;
        X509 **place;
    } places[] = {
        {"ARK", &out->ark}, {"ASK", &out->ask}, {"VCEK", &out->vcek}, {"VLEK", &out->vlek}};

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (strict_json_is(kind, places[i].kind))
            return places[i].place;
    return NULL;
}

static bool read_bytes(const json_t *data, uint8_t **bytes, size_t *size)
{
    if (json_is_string(data))
        return strict_json_decode_new(BASE64_STANDARD, data, bytes, size);
    *size = json_array_size(data);
    *bytes = *size > 0 && *size <= SNP_JSON_CERTIFICATE_SIZE_MAX ? malloc(*size) : NULL;
    if (*bytes && strict_json_bytes(data, *bytes, *size))
        return true;
    free(*bytes);
    *bytes = NULL;
    return false;
}

/* Puts it where it belongs, if that is anywhere. */
static bool place(const json_t *kind, const uint8_t *bytes, size_t size, struct chain_cache *known,
                  struct certificates *out)
{
    X509 **slot = place_of(kind, out);

    if (slot && !*slot) {
        *slot = chain_cache_certificate(known, bytes, size);
        return *slot != NULL;
    }
    if (!slot && strict_json_is(kind, "CRL") && !out->crl) {
        out->crl = crl_parse(bytes, size);
        return out->crl != NULL;
    }
    /* A second one of a kind would leave open which counts. */
    return !slot && !strict_json_is(kind, "CRL");
}

static bool read_certificate(const json_t *entry, struct chain_cache *known,
                             struct certificates *out)
{
    const json_t *kind = json_object_get(entry, "cert_type");
    uint8_t *bytes;
    size_t size;
    bool valid;

    if (!kind)
        return false;
    if (strict_json_is(kind, "Empty"))
        return true;
    if (!read_bytes(json_object_get(entry, "data"), &bytes, &size))
        return false;
    valid = place(kind, bytes, size, known, out);
    free(bytes);
    return valid;
}

bool snp_json_certificates(const json_t *json, struct chain_cache *known, struct certificates *out)
{
    bool valid = true;

    *out = (struct certificates){0};
    if (!json || json_is_null(json))
        return true;
    if (!json_is_array(json) || json_array_size(json) > SNP_JSON_CERTIFICATES_MAX)
        return false;
    for (size_t i = 0; valid && i < json_array_size(json); i++)
        valid = read_certificate(json_array_get(json, i), known, out);
    if (!valid)
        certificates_free(out);
    return valid;
}
