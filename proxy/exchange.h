/* SPDX-License-Identifier: MIT */
/* The conversation with one VM, over as many boots as the VM makes. */
#ifndef SNPVTPM_PROXY_EXCHANGE_H
#define SNPVTPM_PROXY_EXCHANGE_H

#include "proxy/http_client.h"
#include "proxy/line.h"
#include "proxy/log.h"
#include "proxy/peers.h"

#define RESOURCE_DEFAULT "default/sample/test" /* what every aproxy asks for */

struct exchange_options {
    struct http_target kbs;
    const char *resource; /* "repository/type/tag", the secret to fetch */
    long timeout_s;       /* for all that the KBS is asked because of one message of the VM */
    unsigned at_once;     /* connections to the KBS, of all conversations */
};

/* Whom it is with; account is the peer's in peers. The KBS is asked by turns. */
struct exchange_peer {
    struct log_source source;
    struct peers *peers;
    struct peer_account *account;
    struct turns *turns;
};

/*
 * Answers the VM on the line until it is gone, or until line->stop tells to end: then a
 * conversation in progress is still brought to its end. The caller closes line->fd. SIGPIPE must be
 * ignored.
 */
void exchange_serve(const struct line *line, const struct exchange_options *options,
                    const struct exchange_peer *peer);

#endif
