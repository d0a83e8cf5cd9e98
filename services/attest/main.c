/* SPDX-License-Identifier: MIT */
/* The attestation client: the service of the SVSM or, with options, one exchange on a host. */
#include <errno.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/file/io.h"
#include "services/attest/attest_service.h"
#include "services/attest/fetch_key.h"
#include "services/attest/native.h"
#include "services/common/channel.h"
#include "services/common/log.h"

/* Keeps both libraries from looking for files and devices, which the SVSM does not have. */
static bool set_up_libraries(void)
{
    size_t seed;

    if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1 ||
        RAND_bytes((unsigned char *)&seed, sizeof(seed)) != 1)
        return false;
    json_object_seed(seed);
    return true;
}

static bool read_terms(struct release_terms *terms)
{
    struct boot_kbs kbs;

    return io_read_secret(ATTEST_FD_KBS, (uint8_t *)&kbs, sizeof(kbs)) &&
           release_terms_of(&kbs, terms);
}

/* Serves the SVSM until it closes the channel. */
static int serve(void)
{
    struct attest_service *service = calloc(1, sizeof(*service));
    uint8_t vmpck0[VMPCK_SIZE];
    enum channel_end end;

    if (!service || !read_terms(&service->terms)) {
        log_error("attestation: the image's terms for the KBS cannot be read");
        free(service);
        return EXIT_FAILURE;
    }
    if (!io_read_secret(ATTEST_FD_VMPCK0, vmpck0, sizeof(vmpck0))) {
        log_error("attestation: cannot read VMPCK0: %s", strerror(errno));
        free(service);
        return EXIT_FAILURE;
    }
    service->proxy = ATTEST_FD_PROXY;
    service->amd_sp = ATTEST_FD_AMD_SP;
    service->state_key = ATTEST_FD_STATE_KEY;
    service->timeout = FETCH_KEY_TIMEOUT;
    service->lease.pause = lease_pause;
    guest_requester_init(&service->requester, amd_sp_on_descriptor(&service->amd_sp), vmpck0);
    OPENSSL_cleanse(vmpck0, sizeof(vmpck0));

    end = channel_serve(CHANNEL_FD, attest_service_handle, service);
    if (end == CHANNEL_BROKEN)
        log_error("attestation: the channel failed: %s", strerror(errno));
    guest_requester_disable(&service->requester);
    free(service);
    return end == CHANNEL_CLOSED ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    if (!set_up_libraries()) {
        log_error("attestation: OpenSSL cannot be used; is there entropy?");
        return EXIT_FAILURE;
    }
    return argc > 1 ? native_main(argc, argv) : serve();
}
