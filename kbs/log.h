/* SPDX-License-Identifier: MIT */
/*
 * The owner's log: one JSON object a line on stderr. Never hand it keys, tokens, nonces or session
 * identifiers.
 */
#ifndef SNPVTPM_KBS_LOG_H
#define SNPVTPM_KBS_LOG_H

/*
 * Writes {"time":..,"event":event} and the members that format and the arguments describe, in the
 * language of json_pack: log_event("attest", "{s:s}", "result", "refused").
 */
void log_event(const char *event, const char *format, ...);

#endif
