#!/bin/sh
# What `make demo` shows: ingest, search, ask, redact. State stays in .demo/, apart from your own collections.
set -eu
hybridrag=${1:-hybridrag}
for variable in $(env | sed -n 's/^\(HYBRIDRAG_[A-Z_]*\)=.*/\1/p'); do
    unset "$variable"
done
export HYBRIDRAG_HOME="$PWD/.demo"

run() {
    printf '\n$ hybridrag'
    for word in "$@"; do
        case $word in *' '*) printf " '%s'" "$word" ;; *) printf ' %s' "$word" ;; esac
    done
    printf '\n'
    "$hybridrag" "$@"
}

run ingest examples/company
run search 'How much may a hotel cost?' -k 3
run ask 'What is the meal allowance for a full day of travel?'
printf "\n$ sed -n 11,15p examples/company/support/ticket-4821.txt | hybridrag redact\n"
sed -n 11,15p examples/company/support/ticket-4821.txt | "$hybridrag" redact
printf '\nThe database of the demo stays up for the next run; stop it with: HYBRIDRAG_HOME=.demo %s db stop\n' "$hybridrag"
