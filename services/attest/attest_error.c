/* SPDX-License-Identifier: MIT */
#include "services/attest/attest_error.h"

#include <assert.h>

static const struct {
    enum attest_status status;
    const char *words;
} errors[] = {
    [ATTEST_OK] = {ATTEST_STATUS_DONE, "done"},

    [ATTEST_ERR_REQUEST] = {ATTEST_STATUS_MALFORMED_REQUEST, "malformed request on the channel"},
    [ATTEST_ERR_PENDING] = {ATTEST_STATUS_PENDING, "the KBS's answer has not arrived yet"},

    [ATTEST_ERR_PROXY_SILENT] = {ATTEST_STATUS_PROXY_SILENT,
                                 "the proxy does not answer; is it running on the host?"},
    [ATTEST_ERR_PROXY_CLOSED] = {ATTEST_STATUS_PROXY_SILENT,
                                 "the proxy closed the connection; see its log on the host"},
    [ATTEST_ERR_FRAME_SIZE] = {ATTEST_STATUS_PROTOCOL,
                               "the proxy sent a frame that is empty or larger than 65536 bytes"},
    [ATTEST_ERR_JSON] = {ATTEST_STATUS_PROTOCOL, "the proxy sent a frame that is not valid JSON"},
    [ATTEST_ERR_NEGOTIATION] = {ATTEST_STATUS_PROTOCOL,
                                "the proxy's NegotiationResponse is malformed"},
    [ATTEST_ERR_RECIPE] = {ATTEST_STATUS_PROTOCOL,
                           "the proxy asked for another REPORT_DATA than own key, then challenge; "
                           "no report was made"},
    [ATTEST_ERR_CHALLENGE_SIZE] = {ATTEST_STATUS_PROTOCOL,
                                   "the challenge is not 16 to 128 bytes; no report was made"},
    [ATTEST_ERR_ATTESTATION] = {ATTEST_STATUS_PROTOCOL,
                                "the proxy's AttestationResponse is malformed"},
    [ATTEST_ERR_HEADER] = {ATTEST_STATUS_PROTOCOL,
                           "the reply's header does not say ECDH-ES+A256KW, A256GCM and the "
                           "ephemeral key beside it"},
    [ATTEST_ERR_EPK] = {ATTEST_STATUS_PROTOCOL, "the reply's ephemeral key is not on P-521"},

    [ATTEST_ERR_UNSIGNED] = {ATTEST_STATUS_UNSIGNED,
                             "whoever answers as the KBS signs no release, and this image demands "
                             "that; no report was made"},
    [ATTEST_ERR_RELEASE_MISSING] = {ATTEST_STATUS_UNSIGNED,
                                    "the reply has no release record, and this image demands one"},
    [ATTEST_ERR_RELEASE_MALFORMED] = {ATTEST_STATUS_PROTOCOL,
                                      "the reply's release record is malformed"},
    [ATTEST_ERR_RELEASE_UNTRUSTED] = {ATTEST_STATUS_UNSIGNED,
                                      "the reply's release record is signed by no key that this "
                                      "image trusts; was the image built for this KBS?"},
    [ATTEST_ERR_RELEASE_ECHO] = {ATTEST_STATUS_UNSIGNED,
                                 "the reply's release record answers another request"},
    [ATTEST_ERR_RELEASE_EVIDENCE] = {ATTEST_STATUS_UNSIGNED,
                                     "the reply's release record is for another report or key"},
    [ATTEST_ERR_RELEASE_COMMITMENT] = {ATTEST_STATUS_UNSIGNED,
                                       "what the reply holds is not what its release record "
                                       "was signed for"},
    [ATTEST_ERR_RELEASE_DENIED] = {ATTEST_STATUS_KBS_REFUSED,
                                   "the KBS refused to release the key, and signed that it does; "
                                   "its log says why"},
    [ATTEST_ERR_RELEASE_NO_VOLUME] = {ATTEST_STATUS_KBS_REFUSED,
                                      "the KBS refused to release the key: it has no volume, or "
                                      "several, for this launch measurement; is the image "
                                      "registered, with one volume?"},
    [ATTEST_ERR_RELEASE_BUSY] = {ATTEST_STATUS_KBS_REFUSED,
                                 "the KBS refused to release the key: the volume is in use by "
                                 "another VM"},
    [ATTEST_ERR_RELEASE_SUPERSEDED] = {ATTEST_STATUS_KBS_REFUSED,
                                       "the volume's lease is not this VM's any more: another VM "
                                       "took over, or the owner broke it; start the VM anew"},
    [ATTEST_ERR_RELEASE_STALE] = {ATTEST_STATUS_KBS_REFUSED,
                                  "the KBS refused the volume's new state: it does not follow the "
                                  "one that is committed, or is another TPM's; the KBS's log says "
                                  "which"},
    [ATTEST_ERR_RELEASE_RETRY] = {ATTEST_STATUS_KBS_REFUSED,
                                  "the KBS has answered a later request of this VM already; start "
                                  "the VM anew"},
    [ATTEST_ERR_RELEASE_FROZEN] = {ATTEST_STATUS_KBS_REFUSED,
                                   "the KBS refused to release the key: its owner froze the "
                                   "volume"},
    [ATTEST_ERR_RELEASE_NOT_NOW] = {ATTEST_STATUS_KBS_REFUSED,
                                    "the KBS refused to release the key in the volume's present "
                                    "state; its log says why"},

    [ATTEST_ERR_LEASE_HELD] = {ATTEST_STATUS_KBS_REFUSED,
                               "another VM uses the volume and keeps its lease; shut that VM down, "
                               "or have its lease broken at the KBS"},
    [ATTEST_ERR_LEASE_LOST] = {ATTEST_STATUS_LEASE_LOST,
                               "the volume's lease was lost: another VM took over, or the owner "
                               "broke it; start the VM anew"},
    [ATTEST_ERR_LEASE_MALFORMED] = {ATTEST_STATUS_PROTOCOL,
                                    "the KBS's record tells of a lease, but not all of it"},
    [ATTEST_ERR_LEASE_POLICY] = {ATTEST_STATUS_VERSION,
                                 "the volume's policy at the KBS is one that this image cannot "
                                 "keep: modes boot and classed need states of the same epoch, and "
                                 "it changes over to no other key"},

    [ATTEST_ERR_KBS_UNREACHABLE] = {ATTEST_STATUS_KBS_UNREACHABLE,
                                    "the proxy could not reach the KBS; check that it runs and the "
                                    "proxy's URL"},
    [ATTEST_ERR_KBS_REFUSED] = {ATTEST_STATUS_KBS_REFUSED,
                                "the KBS refused to release the key; is this launch measurement "
                                "registered? Its log says why"},
    [ATTEST_ERR_KBS_PROTOCOL] = {ATTEST_STATUS_PROTOCOL,
                                 "what answers the proxy does not speak the KBS's protocol; check "
                                 "the proxy's URL"},
    [ATTEST_ERR_KBS_TLS] = {ATTEST_STATUS_KBS_UNREACHABLE,
                            "the proxy could not reach the KBS: it does not believe the KBS's "
                            "certificate; check the proxy's --ca"},
    [ATTEST_ERR_KBS_BUSY] = {ATTEST_STATUS_KBS_BUSY,
                             "the KBS did not take the request in time: it, or what stands before "
                             "it, is busy; try again"},
    [ATTEST_ERR_KBS_ERROR] = {ATTEST_STATUS_KBS_ERROR,
                              "the KBS failed (HTTP status 5xx) and decided nothing; its log says "
                              "why"},
    [ATTEST_ERR_KBS_GATEWAY] = {ATTEST_STATUS_KBS_GATEWAY,
                                "a gateway between the proxy and the KBS does not reach the KBS "
                                "(HTTP status 502 or 504); is the KBS running?"},
    [ATTEST_ERR_KBS_REDIRECT] = {ATTEST_STATUS_KBS_REDIRECT,
                                 "the KBS's address redirects elsewhere (HTTP status 3xx), where "
                                 "the proxy does not go; check the proxy's URL"},
    [ATTEST_ERR_KBS_VERSION] = {ATTEST_STATUS_VERSION,
                                "the KBS refused to begin an attestation; does it speak the "
                                "proxy's version of the KBS protocol, and attest SEV-SNP VMs?"},
    [ATTEST_ERR_VERSION] = {ATTEST_STATUS_VERSION,
                            "the proxy does not speak version 0.1.0 of the attestation protocol, "
                            "or not for SEV-SNP VMs"},
    [ATTEST_ERR_MESSAGE] = {ATTEST_STATUS_PROTOCOL,
                            "the proxy has no use for our message: it arrived malformed, or too "
                            "late; the proxy's log says which"},
    [ATTEST_ERR_UNEXPLAINED] = {ATTEST_STATUS_UNEXPLAINED,
                                "the proxy brings no key and gives no reason that this image "
                                "knows; its log, or the KBS's, says why"},

    [ATTEST_ERR_AMD_SP_BUSY] = {ATTEST_STATUS_AMD_SP,
                                "the host kept the AMD-SP busy; VMPCK0 was wiped"},
    [ATTEST_ERR_AMD_SP_INVALID_LEN] = {ATTEST_STATUS_AMD_SP,
                                       "the host wants certificate pages for a request without "
                                       "certificates; VMPCK0 was wiped"},
    [ATTEST_ERR_AMD_SP_FAILED] = {ATTEST_STATUS_AMD_SP,
                                  "the guest request to the AMD-SP failed; VMPCK0 was wiped"},
    [ATTEST_ERR_AMD_SP_RESPONSE] = {ATTEST_STATUS_AMD_SP,
                                    "the AMD-SP's response is not the authentic answer to our "
                                    "request; VMPCK0 was wiped"},
    [ATTEST_ERR_AMD_SP_REFUSED] = {ATTEST_STATUS_AMD_SP,
                                   "the AMD-SP refused to make the attestation report"},
    [ATTEST_ERR_AMD_SP_REPORT] = {ATTEST_STATUS_AMD_SP,
                                  "the AMD-SP made another attestation report than asked for"},
    [ATTEST_ERR_AMD_SP_DISABLED] = {ATTEST_STATUS_AMD_SP,
                                    "there is no VMPCK0, or it was wiped after an earlier failure; "
                                    "restart the VM"},

    [ATTEST_ERR_DECRYPT] = {ATTEST_STATUS_DECRYPT, "the reply does not decrypt with our key"},
    [ATTEST_ERR_SECRET_SIZE] = {ATTEST_STATUS_SECRET_SIZE,
                                "the released secret is not a 64-byte state key; register the "
                                "right one in the KBS"},

    [ATTEST_ERR_INTERNAL] = {ATTEST_STATUS_INTERNAL, "out of memory or no entropy"},
    [ATTEST_ERR_KEY_NOT_TAKEN] = {ATTEST_STATUS_INTERNAL,
                                  "the released key could not be handed over"},
};

static_assert(sizeof(errors) / sizeof(errors[0]) == ATTEST_ERROR_COUNT, "an error has no words");

const char *attest_error_words(enum attest_error error)
{
    return errors[error].words;
}

enum attest_status attest_error_status(enum attest_error error)
{
    return errors[error].status;
}
