/* SPDX-License-Identifier: MIT */
/* Inputs that several tests of the IGVM tools need, made from scratch. */
#ifndef SNPVTPM_TESTS_UNIT_IGVM_SAMPLES_H
#define SNPVTPM_TESTS_UNIT_IGVM_SAMPLES_H

#include "igvm/launch.h"
#include "igvm/svsm_image.h"
#include "lib/boot/boot_params.h"
#include "lib/igvm/image.h"
#include "lib/snp/page.h"

/* A page whose byte i is 7 i + 3. */
const uint8_t *sample_page(void);

/*
 * Adds every kind of header that our images have: required memory, a parameter page with the vCPU
 * count, a page each of contents, CPUID, secrets, zeros, unmeasured zeros, and a VMSA.
 */
void sample_image(struct image *image);

/* The sample image as a file. The caller frees file.bytes. */
struct file_bytes sample_file(void);

/*
 * The same memory as another SVSM's build lays it out, as a file of format 2: platforms SEV-SNP,
 * VSM and native, masks that also name TDX, a MADT and a device tree, contexts of all three
 * platforms. The registers of the VSM context end the file.
 */
struct file_bytes sample_foreign_file(void);

#define SAMPLE_EVERYONE 0x17u /* its mask for all platforms, of which 4 is not declared */

/* What a loader for SEV-SNP learns of the first size bytes of a file, which may be damaged. */
enum igvm_error sample_read(const struct file_bytes *file, size_t size);

/* Puts bytes before the byte at `at` of the headers, and moves what file offsets point to. */
void sample_insert(struct file_bytes *file, size_t at, const void *bytes, size_t size);

/* Makes a file of format 1 one of format 2. */
void sample_to_format_2(struct file_bytes *file);

/* The launch digest of an image and, unless listing is NULL, a line for each page. */
void sample_measure(const struct image *image, const struct launch_options *options, FILE *listing,
                    struct launch_digest *digest);

/* Recomputes the checksum after a change to the headers. */
void sample_fix_checksum(struct file_bytes *file);

/* A section as firmware metadata state it. */
struct sample_section {
    uint32_t base, size, type;
};

#define SAMPLE_FIRMWARE_SIZE 0x4000u

/* The sections of Debian's OVMF.fd 2026.08: seven SEV ones, four IGVM ones. */
extern const struct sample_section SAMPLE_SEV_SECTIONS[7];
extern const struct sample_section SAMPLE_IGVM_SECTIONS[4];

/* A firmware image of SAMPLE_FIRMWARE_SIZE with these metadata; igvm NULL: none of that kind. */
void sample_firmware(uint8_t *image, const struct sample_section *sev, size_t sev_count,
                     const struct sample_section *igvm, size_t igvm_count);

/* Where sample_firmware() puts things, from the image's end. */
#define SAMPLE_SEV_DESCRIPTOR  0x800u
#define SAMPLE_IGVM_DESCRIPTOR 0x400u

/* Segments of sample_elf(). */
struct sample_segment {
    uint64_t paddr, contents_size, memory_size;
};

#define SAMPLE_ELF_SIZE 0x6000u

/*
 * A static x86-64 ELF file; segment contents are taken from file offset 0x1000 on, one after the
 * other, and are those of the sample page.
 */
void sample_elf(uint8_t *file, uint64_t entry, const struct sample_segment *segments, size_t count);

#define SAMPLE_REGION       0x8000000ull
#define SAMPLE_SERVICE_SIZE 0x1234u /* of service "attest"; "tpm" has SAMPLE_ELF_SIZE */

/* Everything that a plan of an image with an SVSM refers to. */
struct sample_svsm {
    uint8_t kernel[SAMPLE_ELF_SIZE];
    uint8_t service[SAMPLE_ELF_SIZE];
    uint8_t firmware_bytes[SAMPLE_FIRMWARE_SIZE];
    struct firmware firmware;
    struct svsm_plan plan;
};

/*
 * A kernel with code of 0x1800 bytes, a page left out, and data with 0x10 bytes and 0x2000 of
 * zeros; two services; the sample firmware. Made anew by each call, in the same place.
 */
struct sample_svsm *sample_svsm_inputs(void);

/* The image of the plan after a round trip through its file, whose bytes *file keeps. */
struct image sample_svsm_image(const struct sample_svsm *inputs, struct file_bytes *file);

#endif
