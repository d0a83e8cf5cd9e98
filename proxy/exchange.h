/* SPDX-License-Identifier: MIT */
/* The conversation with one VM, over as many boots as the VM makes. */
#ifndef SNPVTPM_PROXY_EXCHANGE_H
#define SNPVTPM_PROXY_EXCHANGE_H

struct exchange_options {
    const char *url; /* of the KBS, without a final slash */
    long timeout_s;  /* for each request to the KBS */
    unsigned number; /* of the connection, for the log */
};

/* Answers the peer on fd until it is gone. The caller closes fd. */
void exchange_serve(int fd, const struct exchange_options *options);

#endif
