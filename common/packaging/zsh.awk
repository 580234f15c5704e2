# After help.awk: zsh's completion of the program.

function quoted(text) {
    gsub(/\\/, "\\\\", text)
    gsub(/\[/, "\\[", text); gsub(/\]/, "\\]", text); gsub(/:/, "\\:", text)
    gsub(/'/, "'\\''", text)
    return text
}

function words_of(list) { gsub(/\|/, " ", list); return list }

function value_of(name) {
    if (name in choices) return ":value:(" words_of(choices[name]) ")"
    return is_file(name) ? ":file:_files" : ":value: "
}

function print_command(name,   list, count, i, parts, words) {
    printf "            %s) _arguments $settings", name
    count = split(flags[name], list, ",")
    for (i = 1; i <= count; i++) {
        if (split(list[i], parts, " ") == 2) printf " '%s=:%s: '", parts[1], parts[2]
        else printf " %s", parts[1]
    }
    count = split(arguments[name], words, " ")
    for (i = 1; i <= count; i++) {
        if (words[i] ~ /^[a-z]/) printf " '%d:what:(%s)'", i, words_of(words[i])
        else if (words[i] ~ /FILE/) printf " '%d:file:_files'", i
        else printf " '%d:%s: '", i, words[i]
    }
    print " ;;"
}

END {
    print "#compdef " program
    print "# zsh completion of " program ". Made from `" program " help`.\n"
    print "local curcontext=$curcontext state line"
    print "typeset -A opt_args"
    print "local -a subcommands settings\n"
    print "subcommands=("
    for (i = 1; i <= commands; i++) print "    '" quoted(command[i]) ":" quoted(summary[command[i]]) "'"
    print ")"
    print "settings=("
    for (i = 1; i <= settings; i++)
        if (setting[i] in option)
            print "    '" option[setting[i]] "=[" quoted(meaning[setting[i]]) "]" value_of(setting[i]) "'"
    print ")\n"
    print "_arguments -C $settings '(- *)--help[print the help]' '(- *)--version[print the version]' \\"
    print "    '1:command:->command' '*::argument:->argument' && return"
    print "case $state in"
    print "    command) _describe command subcommands ;;"
    print "    argument)"
    print "        case $words[1] in"
    for (i = 1; i <= commands; i++) print_command(command[i])
    print "        esac ;;"
    print "esac"
}
