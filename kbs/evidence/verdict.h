/* SPDX-License-Identifier: MIT */
/*
 * What the verifier found. Each way to fail has its own value; the first failure in the order of
 * the checks is reported. The code is all a client learns; the detail is for the owner's log.
 */
#ifndef SNPVTPM_KBS_EVIDENCE_VERDICT_H
#define SNPVTPM_KBS_EVIDENCE_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

/* A component of one of the report's four TCBs is below the owner's floor. In the order of struct
 * tcb's members. */
#define TCB_VERDICTS(V, TCB, tcb)                                                                  \
    V(TCB##_FMC, "tcb-" tcb "-fmc", "the FMC of the " tcb " TCB is too old")                       \
    V(TCB##_BOOTLOADER, "tcb-" tcb "-bootloader", "the boot loader of the " tcb " TCB is too old") \
    V(TCB##_TEE, "tcb-" tcb "-tee", "the TEE of the " tcb " TCB is too old")                       \
    V(TCB##_SNP, "tcb-" tcb "-snp", "the SNP firmware of the " tcb " TCB is too old")              \
    V(TCB##_MICROCODE, "tcb-" tcb "-microcode", "the microcode of the " tcb " TCB is too old")

/* Value, code, meaning, in the order of the checks: one list, so that no value lacks its words. */
#define VERDICTS(V)                                                                                \
    V(OK, "ok", "every check passed")                                                              \
    /* V1: the form of the report */                                                               \
    V(REPORT_SIZE, "report-size", "the report has the wrong size")                                 \
    V(SIGNATURE_ALGORITHM, "signature-algorithm", "the report is not signed with ECDSA P-384")     \
    V(UNSIGNED_BYTES, "unsigned-bytes", "bytes outside the signed part are not zero")              \
    V(SIGNATURE_RANGE, "signature-range", "r or s of the signature is out of range")               \
    /* V2: its version and processor */                                                            \
    V(REPORT_VERSION, "report-version", "the report's version is not admitted")                    \
    V(PRODUCT_UNKNOWN, "product-unknown", "the processor generation is not known")                 \
    V(PRODUCT_REFUSED, "product-refused", "the processor generation is not admitted")              \
    /* V3: the kind of key that signed it */                                                       \
    V(CHIP_KEY_MASKED, "chip-key-masked", "the chip's key is masked, the report is unsigned")      \
    V(SIGNING_KEY, "signing-key", "the report is signed with neither a VCEK nor a VLEK")           \
    V(VCEK_REFUSED, "vcek-refused", "reports signed with a VCEK are not admitted")                 \
    V(VLEK_REFUSED, "vlek-refused", "reports signed with a VLEK are not admitted")                 \
    /* V4: the certificates up to a trusted root */                                                \
    V(CERTIFICATE_TABLE, "certificate-table", "the certificate table is malformed")                \
    V(CERTIFICATE_MISSING, "certificate-missing", "a certificate of the chain is missing")         \
    V(EMULATED_UNTRUSTED, "emulated-untrusted", "the report is from an emulated platform")         \
    V(ROOT_UNTRUSTED, "root-untrusted", "the root certificate is not the pinned one")              \
    V(CHAIN_NAME, "chain-name", "a certificate has an unexpected name")                            \
    V(CHAIN_ALGORITHM, "chain-algorithm", "a certificate has an unexpected key or signature kind") \
    V(CHAIN_CONSTRAINTS, "chain-constraints", "a certificate may not stand at its place")          \
    V(CHAIN_VALIDITY, "chain-validity", "a certificate is not valid now")                          \
    V(CHAIN_SIGNATURE, "chain-signature", "a certificate is not signed by its issuer")             \
    /* V5: revocation */                                                                           \
    V(CRL_MISSING, "crl-missing", "there is no CRL")                                               \
    V(CRL_ISSUER, "crl-issuer", "the CRL is not the root's")                                       \
    V(CRL_EXTENSION, "crl-extension", "the CRL has a critical extension that is not known")        \
    V(CRL_EXPIRED, "crl-expired", "the CRL is not valid now")                                      \
    V(CRL_SIGNATURE, "crl-signature", "the CRL is not signed by the root")                         \
    V(CERTIFICATE_REVOKED, "certificate-revoked", "a certificate of the chain is revoked")         \
    /* V6: the report's signature */                                                               \
    V(LEAF_KEY, "leaf-key", "the VCEK or VLEK is not a P-384 key")                                 \
    V(REPORT_SIGNATURE, "report-signature", "the VCEK or VLEK did not sign this report")           \
    /* V7, V8: what the VCEK or VLEK was issued for */                                             \
    V(LEAF_EXTENSION, "leaf-extension", "an AMD extension of the VCEK or VLEK is not as it must")  \
    V(TCB_MISMATCH, "tcb-mismatch", "the VCEK or VLEK is for another REPORTED_TCB")                \
    V(CHIP_ID_MASKED, "chip-id-masked", "the report does not tell its chip")                       \
    V(CHIP_ID_MISMATCH, "chip-id-mismatch", "the VCEK is for another chip")                        \
    V(CSP_ID_REFUSED, "csp-id-refused", "the VLEK's cloud service provider is not admitted")       \
    V(CHIP_REFUSED, "chip-refused", "the chip is not admitted")                                    \
    /* V9, V10: how the guest was launched */                                                      \
    V(VMPL, "vmpl", "the report was not requested at VMPL 0")                                      \
    V(POLICY_RESERVED, "policy-reserved", "policy bit 17 is not set")                              \
    V(POLICY_DEBUG, "policy-debug", "the policy allows debugging")                                 \
    V(POLICY_MIGRATION, "policy-migration", "the policy allows migration")                         \
    V(POLICY_BITS, "policy-bits", "a bit of the guest's policy is not as required")                \
    V(POLICY_ABI, "policy-abi", "the guest's policy allows too old an ABI")                        \
    /* V11: TCB floors */                                                                          \
    TCB_VERDICTS(V, TCB_REPORTED, "reported")                                                      \
    TCB_VERDICTS(V, TCB_COMMITTED, "committed")                                                    \
    TCB_VERDICTS(V, TCB_LAUNCH, "launch")                                                          \
    TCB_VERDICTS(V, TCB_CURRENT, "current")                                                        \
    V(PROVISIONAL_FIRMWARE, "provisional-firmware", "the host can still roll its firmware back")   \
    /* V12: the platform */                                                                        \
    V(PLATFORM_INFO, "platform-info", "a bit of PLATFORM_INFO is not as required")                 \
    V(MITIGATIONS, "mitigations", "a bit of a mitigation vector is not as required")               \
    /* V13: the guest's identity */                                                                \
    V(MEASUREMENT_UNKNOWN, "measurement-unknown", "the launch measurement is not registered")      \
    V(MEASUREMENT_RETIRED, "measurement-retired", "the image was retired")                         \
    V(MEASUREMENT_REFUSED, "measurement-refused", "the image is not admitted to this")             \
    V(GUEST_SVN, "guest-svn", "GUEST_SVN is too old")                                              \
    V(HOST_DATA, "host-data", "HOST_DATA is not the required one")                                 \
    V(FAMILY_ID, "family-id", "FAMILY_ID is not the required one")                                 \
    V(IMAGE_ID, "image-id", "IMAGE_ID is not the required one")                                    \
    V(ID_KEY_DIGEST, "id-key-digest", "ID_KEY_DIGEST is not the required one")                     \
    V(AUTHOR_KEY_DIGEST, "author-key-digest", "AUTHOR_KEY_DIGEST is not the required one")         \
    /* V14: whom it is for */                                                                      \
    V(REPORT_DATA, "report-data", "REPORT_DATA does not bind this key and challenge")              \
    V(INTERNAL, "internal", "the verifier itself failed")

enum verdict {
#define V(name, code, words) VERDICT_##name,
    VERDICTS(V)
#undef V
        VERDICT_COUNT
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
