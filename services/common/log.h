/* SPDX-License-Identifier: MIT */
/*
 * The log of a service: one line for each call, in one write to descriptor 2.
 *
 * Inside the SVSM a write to descriptor 2 is one line on the console. Never give a secret to it:
 * the console is read by the host.
 */
#ifndef SNPVTPM_SERVICES_COMMON_LOG_H
#define SNPVTPM_SERVICES_COMMON_LOG_H

enum log_level {
    LOG_LEVEL_ERROR,   /* what was asked for is not done */
    LOG_LEVEL_WARNING, /* done, but the owner should look at it */
    LOG_LEVEL_INFO,
};

/*
 * Writes "level: text\n" with printf's formatting. A longer line than the console takes (240 bytes)
 * is cut. errno is preserved, so that a caller may log first and decide afterwards.
 */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)

#endif
