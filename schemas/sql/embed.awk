# embed.awk - SQL files into C.
#
#   awk -v mode=queries    -f embed.awk *.sql            SQL(name, "text") for each "-- name: x" block
#   awk -v mode=migrations -f embed.awk NNNN_what.sql... MIGRATION(NNNN, "what", "text") for each file
#
# Comment lines are left out; a query's final semicolon too.

function quote(line) {
    gsub(/\\/, "\\\\", line)
    gsub(/"/, "\\\"", line)
    return "    \"" line "\\n\"\n"
}

function flush() {
    if (name == "")
        return
    if (mode == "migrations") {
        printf "MIGRATION(%d, \"%s\",\n%s)\n", number, name, text
    } else {
        sub(/;\\n"\n$/, "\\n\"\n", text)
        printf "SQL(%s,\n%s)\n", name, text
    }
    name = ""
    text = ""
}

FNR == 1 && mode == "migrations" {
    flush()
    file = FILENAME
    sub(/.*\//, "", file)
    sub(/\.sql$/, "", file)
    number = file + 0
    name = file
    sub(/^[0-9]+_/, "", name)
}

mode == "queries" && /^-- name: / {
    flush()
    name = $3
    next
}

/^[ \t]*--/ || /^[ \t]*$/ { next }

name != "" { text = text quote($0) }

END { flush() }
