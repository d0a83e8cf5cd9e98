/* SPDX-License-Identifier: MIT */
#include "kbs/evidence/asn1_time.h"

#include <openssl/asn1.h>

MUST_CHECK static bool to_time(const ASN1_TIME *asn1, time_t *out)
{
    struct tm tm = {0};

    if (!asn1 || ASN1_TIME_to_tm(asn1, &tm) != 1)
        return false;
    *out = timegm(&tm);
    return true;
}

bool validity_parse(const ASN1_TIME *from, const ASN1_TIME *until, struct validity *validity)
{
    return to_time(from, &validity->from) && to_time(until, &validity->until);
}

bool validity_includes(const struct validity *validity, time_t now)
{
    return validity->from <= now && now < validity->until;
}

void validity_narrow(struct validity *validity, const struct validity *other)
{
    if (other->from > validity->from)
        validity->from = other->from;
    if (other->until < validity->until)
        validity->until = other->until;
}

const char *validity_text(const struct validity *validity, char text[VALIDITY_TEXT_MAX])
{
    struct tm from, until;
    size_t used;

    gmtime_r(&validity->from, &from);
    gmtime_r(&validity->until, &until);
    used = strftime(text, VALIDITY_TEXT_MAX, "%F to ", &from);
    strftime(text + used, VALIDITY_TEXT_MAX - used, "%F", &until);
    return text;
}
