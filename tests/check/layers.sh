#!/bin/sh
# layers.sh - hold the arrows of tests/check/layers.txt: who may include whom, one door a library.
set -eu
cd "$(dirname "$0")/../.."
rules=tests/check/layers.txt
{ git ls-files -co --exclude-standard -- '*.c' '*.h' | xargs grep -n '^#include' /dev/null; } |
awk -v rules="$rules" '
function pattern(glob) {
    gsub(/\./, "\\.", glob)
    gsub(/\*/, ".*", glob)
    return "^" glob "$"
}
BEGIN {
    while ((getline line < rules) > 0) {
        if (line ~ /^#/ || line ~ /^[ \t]*$/)
            continue
        n = split(line, word, /[ \t]+/)
        if (word[1] == "door") {
            doors++
            door[doors] = word[2]
            door_files[doors] = ""
            for (i = 3; i <= n; i++)
                door_files[doors] = door_files[doors] " " word[i]
        } else {
            layers++
            layer[layers] = pattern(word[1])
            allowed[layers] = ""
            for (i = 2; i <= n; i++)
                allowed[layers] = allowed[layers] " " word[i]
        }
    }
}
function any(list, name,    part, i, n) {
    n = split(list, part, " ")
    for (i = 1; i <= n; i++)
        if (name ~ pattern(part[i]))
            return 1
    return 0
}
{
    split($0, at, ":")
    file = at[1]
    text = $0
    sub(/^[^:]*:[0-9]*:#include[ \t]*/, "", text)
    header = text
    sub(/^["<]/, "", header)
    sub(/[">].*$/, "", header)
    for (d = 1; d <= doors; d++)
        if (header == door[d] && file !~ /^tests\// && !any(door_files[d], file)) {
            printf "%s:%s may not include <%s>: its door is%s\n", file, at[2], header, door_files[d]
            bad++
        }
    if (text !~ /^"/)
        next
    for (l = 1; l <= layers; l++)
        if (file ~ layer[l])
            break
    if (l > layers) {
        printf "%s: no line of %s speaks of this file\n", file, rules
        bad++
        next
    }
    name = header
    if (name !~ /\//)
        name = "gen:" name
    if (!any(allowed[l], name)) {
        printf "%s:%s may not include \"%s\"\n", file, at[2], header
        bad++
    }
}
END {
    printf "layers: %d includes looked at, %d broken\n", NR, bad
    exit bad > 0 || NR == 0
}'
