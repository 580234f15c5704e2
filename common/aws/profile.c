/* profile: walks the lines once for each question; the files are small, and read seldom. */
#include "aws/profile.h"

#include <string.h>
#include <strings.h>

struct span {
    const char *start;
    size_t len;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct span trim(struct span span)
{
    while (span.len && is_blank(span.start[0])) {
        span.start++;
        span.len--;
    }
    while (span.len && is_blank(span.start[span.len - 1]))
        span.len--;
    return span;
}

static bool span_is(struct span span, const char *text)
{
    return strlen(text) == span.len && !strncmp(span.start, text, span.len);
}

/* The next line without its end; false after the last one. */
static bool next_line(const char **rest, struct span *line)
{
    if (!**rest)
        return false;
    line->start = *rest;
    line->len = strcspn(*rest, "\n");
    *rest += line->len + ((*rest)[line->len] == '\n');
    return true;
}

static struct span without_comment(struct span line)
{
    for (size_t i = 0; i < line.len; i++)
        if ((line.start[i] == '#' || line.start[i] == ';') && (!i || is_blank(line.start[i - 1])))
            line.len = i;
    return line;
}

/* What stands in the brackets, or false if the line is no section's head. */
static bool section_name(struct span line, struct span *name)
{
    const char *end = line.len && line.start[0] == '[' ? memchr(line.start, ']', line.len) : NULL;
    if (!end)
        return false;
    *name = trim((struct span){line.start + 1, (size_t)(end - line.start) - 1});
    return true;
}

static bool is_section_of(const struct aws_profile_text *text, struct span section, const char *profile)
{
    static const char word[] = "profile";
    const size_t len = sizeof word - 1;
    if (text->file == AWS_PROFILE_CREDENTIALS || (!strcmp(profile, "default") && span_is(section, profile)))
        return span_is(section, profile);
    if (section.len <= len || strncmp(section.start, word, len) != 0 || !is_blank(section.start[len]))
        return false;
    return span_is(trim((struct span){section.start + len, section.len - len}), profile);
}

bool aws_profile_exists(const struct aws_profile_text *text, const char *profile)
{
    const char *rest = text->text;
    struct span line, section;
    while (next_line(&rest, &line))
        if (section_name(without_comment(line), &section) && is_section_of(text, section, profile))
            return true;
    return false;
}

static bool value_of(struct span line, const char *name, struct span *value)
{
    const char *equals = memchr(line.start, '=', line.len);
    if (!equals || is_blank(line.start[0]))
        return false;
    struct span left = trim((struct span){line.start, (size_t)(equals - line.start)});
    if (left.len != strlen(name) || strncasecmp(left.start, name, left.len) != 0)
        return false;
    *value = trim((struct span){equals + 1, line.len - (size_t)(equals - line.start) - 1});
    return true;
}

const char *aws_profile_value(const struct aws_profile_text *text, const char *profile, const char *name,
                              struct arena *arena)
{
    const char *rest = text->text;
    struct span line, section, value = {0};
    bool inside = false;
    while (next_line(&rest, &line)) {
        line = without_comment(line);
        if (section_name(line, &section))
            inside = is_section_of(text, section, profile);
        else if (inside)
            (void)value_of(line, name, &value);
    }
    return value.len ? arena_copy(arena, value.start, value.len) : NULL;
}
