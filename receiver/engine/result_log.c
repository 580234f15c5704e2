/* result_log: the phrases that operators search for. */
#include "engine/result_log.h"

void result_log(struct log *log, const char *request_id, const struct submission_entry *entry)
{
    const char *id = signal_text(&entry->signal, FIELD_SIGNAL_ID, NULL);
    if (entry->fault == FAULT_HASH_MISMATCH) {
        log_write_limited(log, LOG_WARN, LOG_WITH(LOG_STR("request_id", request_id)),
                          "Hash verification failed for signal %s", id);
    } else if (entry->fault) {
        log_write_limited(log, LOG_WARN,
                          LOG_WITH(LOG_STR("signal_id", id), LOG_STR("code", fault_code(entry->fault)),
                                   LOG_STR("field", entry->field), LOG_STR("request_id", request_id)),
                          "Signal rejected: %s", entry->detail ? entry->detail : "");
    } else if (entry->row.verdict == STORE_STORED) {
        struct value action = signal_stored(&entry->signal, FIELD_ACTION);
        log_write(log, LOG_INFO,
                  LOG_WITH(LOG_INT("alpine_signal_id", entry->row.id), LOG_STR("request_id", request_id)),
                  "Signal synced from external provider: %s %s (%s)", entry->signal.symbol.as.text.data,
                  action.as.text.data, id);
    } else if (entry->row.verdict == STORE_CONFLICT) {
        log_write_limited(log, LOG_ERROR,
                          LOG_WITH(LOG_INT("alpine_signal_id", entry->row.id), LOG_STR("request_id", request_id)),
                          "Conflict: signal %s is stored with another hash", id);
    } else if (entry->row.verdict == STORE_REFUSED) {
        log_write_limited(log, LOG_WARN, LOG_WITH(LOG_STR("signal_id", id), LOG_STR("request_id", request_id)),
                          "The database refused a signal: %s", entry->row.refusal ? entry->row.refusal : "");
    } else if (entry->row.verdict == STORE_DUPLICATE) {
        log_write(log, LOG_DEBUG,
                  LOG_WITH(LOG_INT("alpine_signal_id", entry->row.id), LOG_STR("request_id", request_id)),
                  "Duplicate signal %s", id);
    }
}
