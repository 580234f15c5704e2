/* support: see support.h. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hex.h"
#include "format/wire.h"

enum { TEXT_SIZE = 8192 };

struct member {
    const char *name;
    const char *json;
};

static const struct member members[] = {
    {"signal_id", "\"68a40f327ea78805\""},
    {"symbol", "\"AAPL\""},
    {"action", "\"BUY\""},
    {"entry_price", "267.44"},
    {"target_price", "280.81"},
    {"stop_price", "259.42"},
    {"confidence", "82.6"},
    {"timestamp", "\"2026-11-01T13:30:02.254258+00:00\""},
    {"sha256", "\"5cde8817b69299ca98f4bd31db45e5bc535c1fbc20c4603d4ee726a59d484e3c\""},
};

static void add_member(char *text, const char *name, const char *json)
{
    size_t used = strlen(text);
    if (json)
        (void)snprintf(text + used, TEXT_SIZE - used, "%s\"%s\": %s", used > 1 ? ", " : "", name, json);
}

const char *signal_json(const char *name, const char *json)
{
    static char text[TEXT_SIZE];
    int found = 0;
    (void)strcpy(text, "{");
    for (size_t i = 0; i < COUNT(members); i++) {
        int same = name && !strcmp(name, members[i].name);
        add_member(text, members[i].name, same ? json : members[i].json);
        found |= same;
    }
    if (name && !found)
        add_member(text, name, json);
    size_t used = strlen(text);
    assert_true(used + 2 < TEXT_SIZE);
    (void)strcpy(text + used, "}");
    return text;
}

void read_signal(struct signal *signal, const char *json)
{
    struct err err = {0};
    *signal = (struct signal){0};
    if (wire_read_checked(json, strlen(json), signal, &err))
        fail_msg("refused: %s (%s)", json, err.message);
}

const char *quoted(const char *text)
{
    static char copy[TEXT_SIZE];
    assert_true(strlen(text) < sizeof copy);
    (void)strcpy(copy, text);
    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
    return copy;
}

void hash_of(const char *text, char digits[DIGEST_HEX_LEN + 1])
{
    struct digest digest;
    digest_sha256(text, strlen(text), &digest);
    hex_encode(digest.bytes, DIGEST_SIZE, digits);
}

void write_file(char *path, const char *content, size_t len)
{
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_true(write(fd, content, len) == (ssize_t)len);
    assert_int_equal(close(fd), 0);
}
