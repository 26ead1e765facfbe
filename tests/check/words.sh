#!/bin/sh
# words.sh - words that may not stand in our C: unsafe calls, SQL in strings, left-over markers,
# a dialect's state words or HTTP codes outside their room, naps, and files or functions that grew
# too long.
set -eu
cd "$(dirname "$0")/../.."
bad=0

# say WHAT PATTERN FILES...: any hit is a failure.
say() {
    what=$1
    pattern=$2
    shift 2
    hits=$(git ls-files -co --exclude-standard -- "$@" | xargs -r grep -nE "$pattern" /dev/null || true)
    if [ -n "$hits" ]; then
        printf '%s:\n%s\n' "$what" "$hits"
        bad=1
    fi
}

code="common/*.c common/*.h api/*.c api/*.h broker/*.c broker/*.h executor/*.c executor/*.h cli/*.c cli/*.h"

# shellcheck disable=SC2086
{
    say 'unsafe call' '\b(strcpy|strcat|sprintf|vsprintf|strtok|gets|atoi|atol|system|popen|alloca)\(' $code
    say 'a nap' '\b(sleep|usleep|nanosleep|zclock_sleep)\(' $code
    say 'left-over marker' '\b(TO''DO|FIX''ME|XX''X|HA''CK)\b' $code 'tests/*' 'compose/*' 'schemas/*'
    say 'SQL in a string' '"[^"]*\b(INSERT INTO|UPDATE [a-z]+ SET|DELETE FROM|SELECT .* FROM (live|job|page|node|kept))' $code
    say 'a state word of a dialect outside its room' '"(PENDING|RUNNING|PARTIAL|COMPLETED|FAILED)"' \
        'common/*.c' 'broker/*.c' 'executor/*.c' 'api/*.c' ':!api/dialects/*'
    say 'a path of this machine' '/wor''k/|/ro''ot/' $code 'tests/*' 'compose/*' 'schemas/*' README.md CHANGELOG.md
}

for file in $(git ls-files -co --exclude-standard -- '*.c' '*.h'); do
    lines=$(wc -l <"$file")
    if [ "$lines" -gt 500 ]; then
        echo "$file: $lines lines, over 500: where does it split?"
        bad=1
    fi
done

# A function is as long as from the line "{" to the line "}", both at column 0.
git ls-files -co --exclude-standard -- '*.c' | while read -r file; do
    awk -v file="$file" '/^{/ { start = NR } /^}/ { if (start && NR - start > 70) {
        printf "%s:%d: a function of %d lines, over 70\n", file, start, NR - start; long = 1 } start = 0 }
        END { exit long }' "$file" || touch "${TMPDIR:-/tmp}/words.$$"
done
if [ -e "${TMPDIR:-/tmp}/words.$$" ]; then
    rm -f "${TMPDIR:-/tmp}/words.$$"
    bad=1
fi

if [ "$bad" -eq 0 ]; then
    echo "words: clean"
fi
exit "$bad"
