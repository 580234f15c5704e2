/* driver: what this project makes of numbers and signals, for CPython to compare.
 *
 *   differential_driver numbers   raw doubles on stdin; a line with the text of each
 *   differential_driver signals   a line of JSON for each signal; a line CODE TAB FIELD-OR-FORM TAB TEXT for
 * each, where CODE is "ok" or a fault's, and TEXT is the hashed text of a valid signal */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/number.h"
#include "format/verify.h"
#include "format/wire.h"

static void numbers(void)
{
    double value;
    char text[NUMBER_SIZE];
    while (fread(&value, sizeof value, 1, stdin) == 1) {
        (void)number_format(value, text);
        (void)puts(text);
    }
}

static void judge(const char *line, size_t len)
{
    struct signal signal = {0};
    struct err err = {0};
    struct buf text = {0};
    enum canonical_form form;
    enum fault fault = wire_read_checked(line, len, &signal, &err);
    if (fault)
        (void)printf("%s\t%s\t\n", fault_code(fault), err.subject);
    else if (verify_signal(&signal, &form, &text))
        (void)printf("ok\t%s\t%s\n", canonical_form_name(form), text.data);
    else
        (void)printf("%s\t\t%s\n", fault_code(FAULT_HASH_MISMATCH), text.data);
    buf_clear(&text);
    signal_clear(&signal);
}

static void signals(void)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    while ((len = getline(&line, &size, stdin)) > 0)
        judge(line, (size_t)len - (line[len - 1] == '\n'));
    free(line);
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "numbers"))
        numbers();
    else if (argc == 2 && !strcmp(argv[1], "signals"))
        signals();
    else
        return EXIT_FAILURE;
    return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
