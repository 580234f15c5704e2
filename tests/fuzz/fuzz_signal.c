/* fuzz_signal: the body of POST /signal. */
#include "format/wire.h"
#include "fuzz.h"
#include "invariants.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct signal signal = {0};
    struct buf text = {0};
    struct err err = {0};
    enum canonical_form form;
    check_scan((const char *)data, size);
    enum fault fault = wire_read_checked((const char *)data, size, &signal, &err);
    MUST_HOLD(fault == FAULT_NONE || fault == FAULT_MALFORMED || fault == FAULT_INVALID_FIELD);
    if (fault) {
        MUST_HOLD(err.message[0] && (fault != FAULT_INVALID_FIELD || err.subject[0]));
    } else {
        check_accepted(&signal);
        (void)verify_signal(&signal, &form, &text);
        check_sealed(&signal, FORM_PRODUCER, &text);
        check_sealed(&signal, FORM_RECEIVER, &text);
    }
    buf_clear(&text);
    signal_clear(&signal);
    return 0;
}
