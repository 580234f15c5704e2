# Reads `PROGRAM help`, which prints the tables of commands and settings, for man.awk, bash.awk and zsh.awk: what they
# write cannot say anything else than the program. Use: PROGRAM help | awk -f help.awk -f bash.awk

function trimmed(text) { sub(/^ +/, "", text); sub(/ +$/, "", text); return text }

# The words of a command's arguments stand between its name and its summary, and no summary begins like one of them.
function take_arguments(line,   word, taken) {
    while (match(line, /^ *(\[[^ ]*|[A-Z]+|[a-z-]+\|[^ ]*)( |$)/)) {
        word = trimmed(substr(line, 1, RLENGTH))
        taken = taken (taken ? " " : "") word
        line = substr(line, RLENGTH + 1)
    }
    rest = trimmed(line)
    return taken
}

# The options of a command's own stand in its summary; one that takes a value is followed by a word in capitals.
function take_flags(summary,   found) {
    while (match(summary, /--[a-z][a-z-]*( [A-Z]+)?/)) {
        found = found (found ? "," : "") substr(summary, RSTART, RLENGTH)
        summary = substr(summary, RSTART + RLENGTH)
    }
    return found
}

function take_setting(line,   name) {
    match(line, /^ *[A-Z0-9_]+/)
    name = trimmed(substr(line, 1, RLENGTH))
    line = trimmed(substr(line, RLENGTH + 1))
    setting[++settings] = name
    if (sub(/; SIGHUP$/, "", line)) reloads[name] = 1
    if (match(line, /; AWS secret [^ ]+$/)) {
        aws[name] = substr(line, RSTART + 13)
        line = substr(line, 1, RSTART - 1)
    }
    if (match(line, /; or [A-Z0-9_]+_FILE/)) {
        secret[name] = substr(line, RSTART + 5, RLENGTH - 5)
        option[name] = "--" tolower(secret[name])
        gsub(/_/, "-", option[name])
    } else if (match(line, /; --[a-z0-9-]+$/)) {
        option[name] = substr(line, RSTART + 2)
    }
    line = substr(line, 1, RSTART - 1)
    if (match(line, / \[[^]]*\]$/)) {
        fallback[name] = substr(line, RSTART + 2, RLENGTH - 3)
        line = substr(line, 1, RSTART - 1)
    }
    if (match(line, / \([a-z]+(\|[a-z]+)+\)$/)) {
        choices[name] = substr(line, RSTART + 2, RLENGTH - 3)
        line = substr(line, 1, RSTART - 1)
    }
    meaning[name] = line
}

# What a value is, for whoever completes it.
function is_file(name) { return name in secret || name ~ /_(FILE|DB|LOG|DIR|CONFIG)$/ }

NR == 1 { program = $1; sub(/:$/, "", program); purpose = trimmed(substr($0, length($1) + 1)) }
/^[A-Z]/ { section = $1 }
/^Exit codes: / { exit_codes = $0 }
section ~ /^Commands/ && /^  [a-z]/ {
    command[++commands] = $1
    arguments[$1] = take_arguments(substr($0, 3 + length($1)) " ")
    summary[$1] = rest
    flags[$1] = take_flags(rest)
}
section == "Settings" && /^  [A-Z]/ { take_setting($0) }
END { if (!commands || !settings) { print "help.awk: no commands or no settings" > "/dev/stderr"; exit 1 } }
