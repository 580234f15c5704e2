/* outgoing: the sender's own verification, before anything leaves. */
#include "engine/outgoing.h"

#include <ctype.h>

#include "format/verify.h"
#include "format/wire.h"

bool outgoing_is_neutral(const struct signal *signal)
{
    return signal->given[FIELD_ACTION].kind == VALUE_NULL;
}

char *outgoing_hash(const struct signal *signal, char hash[DIGEST_HEX_LEN + 1])
{
    size_t len;
    const char *text = signal_text(signal, FIELD_SHA256, &len);
    size_t kept = len < DIGEST_HEX_LEN ? len : DIGEST_HEX_LEN;
    for (size_t i = 0; i < kept; i++)
        hash[i] = (char)tolower((unsigned char)text[i]);
    hash[kept] = '\0';
    return hash;
}

enum fault outgoing_prepare(struct signal *signal, struct buf *json, struct buf *scratch, struct err *err)
{
    enum canonical_form form;
    enum fault fault = signal_check(signal, err);
    if (!fault && !verify_find_kinds(signal, &form, scratch)) {
        fault = FAULT_HASH_MISMATCH;
        err_set_about(err, "sha256", "the hash is that of no form of this signal: the row was changed, or damaged");
    }
    buf_reset(json);
    wire_write(signal, json);
    return fault;
}
