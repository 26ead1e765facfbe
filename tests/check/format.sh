#!/bin/sh
# format.sh - every C file stands as clang-format would write it.
set -eu
cd "$(dirname "$0")/../.."
git ls-files -co --exclude-standard -- '*.c' '*.h' | xargs clang-format --dry-run -Werror
echo "format: clean"
