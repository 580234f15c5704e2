/* setting: what a setting is. A program's settings are one table of these; config.h looks them up. */
#ifndef ALPINE_BASE_SETTING_H
#define ALPINE_BASE_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum setting_type {
    SETTING_TEXT,    /* const char * */
    SETTING_BOOL,    /* bool */
    SETTING_INTEGER, /* int64_t */
    SETTING_SECONDS, /* int64_t nanoseconds; written as seconds, "0.5" is fine */
    SETTING_CHOICE,  /* const char *, one of choices */
    SETTING_FILE,    /* struct setting_file: the value is a path, and the file is read with it */
};

/* What a SETTING_FILE gives. check gets the content; both are NULL if the setting has no value. */
struct setting_file {
    const char *path;
    const char *content; /* len bytes without a NUL among them, and one behind */
    size_t len;
};

/* One row is one setting. What is not named is zero: no default, not secret, never required.
 * Numbers need both bounds. */
struct setting {
    const char *name; /* of the environment variable; the option is the same in lower case with dashes */
    enum setting_type type;
    size_t offset;            /* of the value in the program's struct of values */
    const char *fallback;     /* the default, as somebody would write it; NULL: none */
    const char *fallback_env; /* an environment variable whose first path (up to ':') is the default, if set */
    const char *config_path;  /* where config.json has it: "alpine.api_url"; alternatives after a '|' */
    const char *aws_secret;   /* its name in AWS Secrets Manager; NULL: it is not looked up there */
    const char *choices;      /* "text|json" */
    int64_t least, most;      /* bounds of SETTING_INTEGER, and of SETTING_SECONDS in milliseconds */
    unsigned needed_by;       /* bits of the program's own: a command with one of them must find a value */
    bool quiet;               /* errors do not repeat the value: somebody may have put a password into it */
    bool secret;              /* NAME_FILE works, and no value is ever shown */
    bool is_config_file;      /* this setting names config.json itself */
    bool reloads;             /* a reload applies it; else a change waits for a restart */
    int (*check)(const char *value, struct err *err); /* a further rule for text; may be NULL */
    const char *help;                                 /* one line for people */
};

/* What the command line said for a setting; borrowed from argv. */
struct config_option {
    const char *name;
    const char *value;
};

#endif
