/* hash: prints, or checks, the hashes of signals, one JSON object a line. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/hex.h"
#include "base/json_text.h"
#include "commands/commands.h"
#include "commands/input.h"
#include "format/verify.h"
#include "format/wire.h"

struct hashed {
    const char *signal_id;
    size_t id_len;
    char sha256[DIGEST_HEX_LEN + 1];
    bool match;
    enum canonical_form form;
    struct buf canonical;
};

/* A signal without a hash is one whose hash is asked for. */
static void allow_no_hash(struct signal *signal)
{
    struct value *given = &signal->given[FIELD_SHA256];
    if (given->kind <= VALUE_NULL && signal->alias[FIELD_SHA256].kind <= VALUE_NULL)
        *given = value_text("", 0);
}

static int hash_line(const char *line, size_t len, struct signal *signal, struct hashed *hashed, struct err *err)
{
    struct digest digest;
    if (wire_read(line, len, signal, err))
        return -1;
    allow_no_hash(signal);
    if (signal_check(signal, err))
        return -1;
    hashed->signal_id = signal_text(signal, FIELD_SIGNAL_ID, &hashed->id_len);
    hashed->match = verify_signal(signal, &hashed->form, &hashed->canonical);
    digest_sha256(hashed->canonical.data, hashed->canonical.len, &digest);
    hex_encode(digest.bytes, DIGEST_SIZE, hashed->sha256);
    return 0;
}

static void print_json(const struct hashed *hashed)
{
    struct buf line = {0};
    buf_add_char(&line, '{');
    json_text_member_string(&line, "signal_id", hashed->signal_id, hashed->id_len);
    json_text_member_cstring(&line, "sha256", hashed->sha256);
    json_text_member_bool(&line, "match", hashed->match);
    json_text_member_cstring(&line, "form", hashed->match ? canonical_form_name(hashed->form) : NULL);
    json_text_member_string(&line, "canonical", hashed->canonical.data, hashed->canonical.len);
    buf_add_text(&line, "}\n");
    (void)fwrite(line.data, 1, line.len, stdout);
    buf_clear(&line);
}

/* As sha256sum prints it, and what it was compared with. */
static void print_text(const struct hashed *hashed)
{
    struct buf id = {0};
    json_text_string(&id, hashed->signal_id, hashed->id_len);
    (void)printf("%s  %s  %s\n", hashed->sha256, id.data,
                 hashed->match ? canonical_form_name(hashed->form) : "MISMATCH");
    buf_clear(&id);
}

static void print_error(const struct err *err, long number, bool json)
{
    struct buf line = {0};
    if (!json) {
        (void)printf("line %ld: %s\n", number, err->message);
        return;
    }
    buf_add_char(&line, '{');
    json_text_member_cstring(&line, "error", err->message);
    buf_add_text(&line, "}\n");
    (void)fwrite(line.data, 1, line.len, stdout);
    buf_clear(&line);
}

static bool do_line(const char *line, size_t len, long number, bool json)
{
    struct signal signal = {0};
    struct hashed hashed = {0};
    struct err err = {0};
    bool good = !hash_line(line, len, &signal, &hashed, &err);
    if (!good)
        print_error(&err, number, json);
    else if (json)
        print_json(&hashed);
    else
        print_text(&hashed);
    good = good && hashed.match;
    buf_clear(&hashed.canonical);
    signal_clear(&signal);
    return good;
}

int command_hash(struct invocation *invocation)
{
    bool json = command_has_flag(invocation, "--json");
    int code = EXIT_DONE;
    char *line = NULL;
    size_t size = 0;
    long number = 0;
    ssize_t len;
    FILE *file = input_open(invocation);
    if (!file)
        return EXIT_FAILED;
    while ((len = getline(&line, &size, file)) >= 0) {
        number++;
        if (!line[strspn(line, " \t\r\n")] && strlen(line) == (size_t)len)
            continue;
        if (!do_line(line, (size_t)len, number, json))
            code = EXIT_ATTENTION;
    }
    if (ferror(file)) {
        log_write(invocation->log, LOG_ERROR, LOG_PLAIN, "Cannot read the input beyond line %ld: %s", number,
                  strerror(errno));
        code = EXIT_FAILED;
    }
    free(line);
    input_close(file);
    return code;
}
