#!/usr/bin/env bash
# The batteries that show promises P1 to P14, and one table of what they found.
#
#   tests/battery.sh quick               some minutes, with the build of `cargo test`
#   tests/battery.sh full                all of it, within the hour on two quiet cores
#   tests/battery.sh full walk matrix    only these
#
# `full` builds with the profile `proof`, which plays half as many histories again in the same time. A size given from outside counts
# (SEEDS=10000 tests/battery.sh full histories is half an hour). A failing case prints the line that replays it;
# all that was said lies below target/battery. Ends 0 if nothing was violated, 1 if something was, 64 for a wrong command line.
set -uo pipefail
cd "$(dirname "$0")/.."

# The planted bugs that are found within half a minute each; `tests/mutants/run --seeds` tries all.
bugs="recovery-dropped jumped-clock-ignored unknown-create-repeated same-request-twice answers-not-fenced accepted-is-proven
closed-on-an-old-look one-empty-look-is-enough later-steps-run-ahead parked-systems-ignored identity-over-parked
inventory-skipped confirmation-skipped open-locks-ignored read-back-skipped nobody-is-success no-lock joiner-does-not-yield
absent-once-is-enough no-witness shared-is-ours merged-is-the-same changed-row-is-duplicate refused-key-is-a-refusal
throttling-is-a-refusal gate-stays-open moved-file-not-noticed bare-404-is-gone retry-after-ignored page-forgotten
absence-anywhere phones-of-the-survivor"
bugs=$(paste -sd " " - <<<"$bugs" | tr " " ,)

# battery | what runs | sizes of quick (-: what `cargo test` runs is enough there) | sizes of full
batteries="
histories | sim seeded_histories | SEEDS=200 FROM=300 | SEEDS=4000
walk      | sim walk::           | STRIDE=41 PAIRS=40 | STRIDE=1 PAIRS=5000
matrix    | sim matrix::         | CELLS=9            | CELLS=1
planted   | planted              | -                  | BUGS=$bugs
kill      | kill                 | KILLS=30           | KILLS=1000
storm     | storm --skip soak::  | -                  | FULL_DISKS=20 READ_ONLY_DISKS=10 DISK_FAULTS=200 DAMAGED=200 RESTORES=20 CLOCKS=40 TWINS=200 STOPS=20 PROXIED=240
soak      | storm soak::         | -                  | JOBS=10000
input     | input                | PARSER_CASES=1000  | PARSER_CASES=20000
"

usage() {
    echo "usage: tests/battery.sh quick|full [$(names | paste -sd'|' -)]…" >&2
    exit 64
}

names() {
    awk -F'|' 'NF > 1 { gsub(/ /, "", $1); print $1 }' <<<"$batteries"
}

# field NAME NUMBER: of the battery's line.
field() {
    awk -F'|' -v name="$1" -v at="$2" '{ key = $1; gsub(/ /, "", key) } key == name { print $at }' <<<"$batteries"
}

# run NAME: with its sizes, unless they were given from outside.
run() {
    local target filter
    read -r target filter <<<"$(field "$1" 2)"
    for size in $(field "$1" "$column"); do
        local name=${size%%=*}
        [ -n "${!name+given}" ] || export "$size"
    done
    case $target in
        # shellcheck disable=SC2086
        planted) tests/mutants/run --seeds ${BUGS//,/ } ;;
        # shellcheck disable=SC2086
        *) cargo test --locked --profile "$profile" --test "$target" -- --nocapture ${filter:-} ;;
    esac
}

case ${1:-} in
    quick) column=3 profile=test ;;
    full) column=4 profile=proof ;;
    *) usage ;;
esac
shift
for name in "$@"; do
    names | grep -qx -- "$name" || usage
done

said=${CARGO_TARGET_DIR:-target}/battery
mkdir -p "$said"
table=$(printf '%-24s %10s %10s %8s' battery cases violations seconds)
bad=0
for name in $(if [ $# -gt 0 ]; then printf '%s\n' "$@"; else names; fi); do
    [ "$(field "$name" "$column" | tr -d ' ')" != - ] || continue
    echo "== $name"
    begun=$SECONDS
    (run "$name") >"$said/$name.log" 2>&1
    code=$?
    took=$((SECONDS - begun))
    found=$(sed -n 's/^.*BATTERY \([^ ]*\) cases=\([0-9]*\) violations=\([0-9]*\).*$/\1 \2 \3/p' "$said/$name.log")
    if [ "$code" -ne 0 ] || [ -z "$found" ]; then
        bad=1
        grep -E "replay|BATTERY|panicked|error|FAILED|NOT FOUND" "$said/$name.log" | tail -n 20
        found=${found:-"$name 0 1"}
        echo "   $name failed (exit code $code); see $said/$name.log"
    fi
    while read -r what cases violations; do
        [ "$violations" -eq 0 ] || bad=1
        table+=$'\n'$(printf '%-24s %10s %10s %8s' "$what" "$cases" "$violations" "$took")
        took=""
    done <<<"$found"
done
echo
echo "$table"
exit $bad
