/* SPDX-License-Identifier: MIT */
/*
 * What the verifier found. Each way to fail has its own value; the first failure in the order of
 * the checks is reported. The code is all a client learns; the detail is for the owner's log.
 */
#ifndef SNPVTPM_KBS_EVIDENCE_VERDICT_H
#define SNPVTPM_KBS_EVIDENCE_VERDICT_H

#include <stddef.h>

#include "lib/base/reader.h"

/* code, meaning: one list, so that no value lacks its words */
#define VERDICTS(V)                                                                                \
    V(OK, "ok", "every check passed")                                                              \
    V(REPORT_SIZE, "report-size", "the report has the wrong size")                                 \
    V(SIGNATURE_ALGORITHM, "signature-algorithm", "the report is not signed with ECDSA P-384")     \
    V(UNSIGNED_BYTES, "unsigned-bytes", "bytes outside the signed part are not zero")              \
    V(SIGNATURE_RANGE, "signature-range", "r or s of the signature is out of range")               \
    V(REPORT_VERSION, "report-version", "the report's version is not supported")                   \
    V(CHIP_KEY_MASKED, "chip-key-masked", "the chip's key is masked, the report is unsigned")      \
    V(SIGNING_KEY, "signing-key", "the report is not signed with a VCEK")                          \
    V(PRODUCT_UNKNOWN, "product-unknown", "the processor generation is not known")                 \
    V(CERTIFICATE_TABLE, "certificate-table", "the certificate table is malformed")                \
    V(CERTIFICATE_MISSING, "certificate-missing", "a certificate of the chain is missing")         \
    V(EMULATED_UNTRUSTED, "emulated-untrusted", "the report is from an emulated platform")         \
    V(ROOT_UNTRUSTED, "root-untrusted", "the root certificate is not the pinned one")              \
    V(CHAIN_SIGNATURE, "chain-signature", "a certificate is not signed by its issuer")             \
    V(CHAIN_ALGORITHM, "chain-algorithm", "a certificate has an unexpected key or signature kind") \
    V(CHAIN_VALIDITY, "chain-validity", "a certificate is not valid now")                          \
    V(CHAIN_NAME, "chain-name", "a certificate has an unexpected common name")                     \
    V(CHAIN_CONSTRAINTS, "chain-constraints", "a certificate may not stand at its place")          \
    V(VCEK_KEY, "vcek-key", "the VCEK is not a P-384 key")                                         \
    V(REPORT_SIGNATURE, "report-signature", "the VCEK did not sign this report")                   \
    V(VCEK_EXTENSION, "vcek-extension", "an AMD extension of the VCEK is missing or malformed")    \
    V(TCB_MISMATCH, "tcb-mismatch", "the VCEK is for another REPORTED_TCB")                        \
    V(CHIP_ID_MISMATCH, "chip-id-mismatch", "the VCEK is for another chip")                        \
    V(VMPL, "vmpl", "the report was not requested at VMPL 0")                                      \
    V(POLICY_RESERVED, "policy-reserved", "policy bit 17 is not set")                              \
    V(POLICY_DEBUG, "policy-debug", "the policy allows debugging")                                 \
    V(POLICY_MIGRATION, "policy-migration", "the policy allows migration")                         \
    V(MEASUREMENT_UNKNOWN, "measurement-unknown", "the launch measurement is not registered")      \
    V(REPORT_DATA, "report-data", "REPORT_DATA does not bind this key and challenge")              \
    V(INTERNAL, "internal", "the verifier itself failed")

enum verdict {
#define V(name, code, words) VERDICT_##name,
    VERDICTS(V)
#undef V
};

#define VERDICT_DETAIL_MAX 320

/* The outcome of a verification. */
struct finding {
    enum verdict verdict;
    char detail[VERDICT_DETAIL_MAX]; /* expected and found values, or empty */
};

/* The code, e.g. "report-signature". */
const char *verdict_code(enum verdict verdict);

/* The reason in words, without a full stop. */
const char *verdict_text(enum verdict verdict);

/* Sets the verdict with details as of printf; returns false, so that a check can return it. */
__attribute__((format(printf, 3, 4))) bool
finding_fail(struct finding *finding, enum verdict verdict, const char *format, ...);

#endif
