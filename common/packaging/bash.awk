# After help.awk: bash's completion of the program.

function words_of(list) { gsub(/\|/, " ", list); return list }

function flag_names(name,   list, count, i, parts, found) {
    count = split(flags[name], list, ",")
    for (i = 1; i <= count; i++) { split(list[i], parts, " "); found = found (found ? " " : "") parts[1] }
    return found
}

# Patterns of the options whose value is a file, or is one that nobody can guess.
function print_values(   i, name, count, list, parts, k, files, others) {
    for (i = 1; i <= settings; i++) {
        name = setting[i]
        if (!(name in option)) continue
        if (name in choices)
            print "        " option[name] ") mapfile -t COMPREPLY < <(compgen -W \"" words_of(choices[name]) "\" -- \"$current\"); return ;;"
        else if (is_file(name)) files = files (files ? " | " : "") option[name]
        else others = others (others ? " | " : "") option[name]
    }
    for (i = 1; i <= commands; i++) {
        count = split(flags[command[i]], list, ",")
        for (k = 1; k <= count; k++)
            if (split(list[k], parts, " ") == 2) others = others (others ? " | " : "") parts[1]
    }
    print "        " files ") compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$current\"); return ;;"
    print "        " others ") return ;;"
}

function print_command(name,   first) {
    print "        " name ")"
    print "            words=\"" flag_names(name) "\""
    split(arguments[name], first, " ")
    if (first[1] ~ /^[a-z]/) print "            [ \"$given\" -gt 0 ] || words+=\" " words_of(first[1]) "\""
    if (first[1] ~ /FILE/) print "            files=yes"
    print "            ;;"
}

END {
    call = "_" program
    gsub(/-/, "_", call)
    print "# bash completion of " program ". Made from `" program " help`.\n"
    print call "()\n{"
    print "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}"
    print "    local command='' words='' files='' given=0 i"
    print "    COMPREPLY=()"
    print "    # --option=value arrives in three words."
    print "    if [ \"$current\" = = ]; then"
    print "        current=''"
    print "    elif [ \"$previous\" = = ]; then"
    print "        previous=${COMP_WORDS[COMP_CWORD - 2]}"
    print "    fi"
    print "    case $previous in"
    print_values()
    print "    esac"
    print "    for ((i = 1; i < COMP_CWORD; i++)); do"
    printf "        case ${COMP_WORDS[i]} in\n            "
    for (i = 1; i <= commands; i++) printf "%s%s", (i > 1 ? " | " : ""), command[i]
    print ")\n                if [ -z \"$command\" ]; then command=${COMP_WORDS[i]}; else given=$((given + 1)); fi ;;"
    print "            -* | =) ;;"
    print "            *) [ -z \"$command\" ] || given=$((given + 1)) ;;"
    print "        esac"
    print "    done"
    print "    case $command in"
    printf "        '') words=\""
    for (i = 1; i <= commands; i++) printf "%s%s", (i > 1 ? " " : ""), command[i]
    print "\" ;;"
    for (i = 1; i <= commands; i++) print_command(command[i])
    print "    esac"
    print "    if [[ $current == -* ]]; then"
    printf "        words+=\" --help --version"
    for (i = 1; i <= settings; i++) if (setting[i] in option) printf " %s", option[setting[i]]
    print "\""
    print "    elif [ -n \"$files\" ]; then"
    print "        compopt -o filenames"
    print "        mapfile -t COMPREPLY < <(compgen -f -- \"$current\")"
    print "        return"
    print "    fi"
    print "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")"
    print "}"
    print "complete -F " call " " program
}
