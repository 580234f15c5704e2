/* ca_pem: whether a text holds certificates that can be trusted. */
#ifndef ALPINE_SENDER_CA_PEM_H
#define ALPINE_SENDER_CA_PEM_H

#include "base/err.h"

/* A rule for a SETTING_FILE (base/setting.h): at least one certificate in PEM, and nothing in PEM that is broken.
 */
int ca_pem_check(const char *content, struct err *err);

#endif
