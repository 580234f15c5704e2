# After help.awk: fills the tables of a program's manual page (-v template=FILE -v version=VERSION -v date=DATE).

function escaped(text) {
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    if (text ~ /^[.']/) text = "\\&" text
    return text
}

function print_command(name,   list, count, i, parts, line) {
    line = "\\fB" escaped(name) "\\fR"
    if (arguments[name]) line = line " " escaped(arguments[name])
    count = split(flags[name], list, ",")
    for (i = 1; i <= count; i++) {
        split(list[i], parts, " ")
        line = line " [\\fB" escaped(parts[1]) "\\fR" (parts[2] ? " \\fI" parts[2] "\\fR" : "") "]"
    }
    print ".TP\n" line "\n" escaped(summary[name])
}

function print_setting(name,   line) {
    line = ".TP\n\\fB" escaped(name) "\\fR"
    if (name in secret) line = line ", \\fB" escaped(secret[name]) "\\fR"
    if (name in option) line = line ", \\fB" escaped(option[name]) "\\fR \\fI" (is_file(name) ? "FILE" : "VALUE") "\\fR"
    print line "\n" escaped(meaning[name]) (name in choices ? " (" escaped(choices[name]) ")" : "") "."
    if (name in secret) print "Secret: it is never printed, and not taken from the command line."
    if (name in aws) print "In AWS Secrets Manager: " escaped(aws[name]) "."
    if (name in reloads) print "A reload (SIGHUP) applies it."
    if (name in fallback) print "Default: " escaped(fallback[name]) "."
}

END {
    while ((got = (getline line < template)) > 0) {
        gsub(/@VERSION@/, version, line)
        gsub(/@DATE@/, date, line)
        gsub(/@PURPOSE@/, escaped(purpose), line)
        if (line == "@COMMANDS@") for (i = 1; i <= commands; i++) print_command(command[i])
        else if (line == "@SETTINGS@") for (i = 1; i <= settings; i++) print_setting(setting[i])
        else print line
    }
    if (got < 0) { print "man.awk: cannot read " template > "/dev/stderr"; exit 1 }
}
