#!/usr/bin/env bash
# config/datasette/metadata.yaml against the real Datasette and the database of a demo: every view is titled and shown, every column that
# it explains exists, every ready question is answered. Half a minute for the demo, and the program's build.
# DATASETTE=path, or `datasette` on the path, or one from PyPI in a venv under target/; without any it ends 77 with the reason.
# DATABASE=backstitch.db asks another database, in which a question may have no answer.
set -euo pipefail
cd "$(dirname "$0")/.."
skip() { echo "datasette test skipped: $1" >&2; exit 77; }
for tool in jq sqlite3; do command -v $tool >/dev/null || skip "$tool is missing"; done
datasette=${DATASETTE:-$(command -v datasette || true)}
if [ -z "$datasette" ]; then
    venv=${CARGO_TARGET_DIR:-target}/datasette
    datasette=$venv/bin/datasette
    [ -x "$datasette" ] || { python3 -m venv "$venv" && "$venv/bin/pip" install -q datasette==0.65.5; } >&2 || skip "it cannot be installed from PyPI"
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ -z "${DATABASE:-}" ]; then
    cargo build --locked --quiet
    # The demo ends 0 only if everything came as it should.
    "${CARGO_TARGET_DIR:-target}/debug/backstitch" demo --keep "$folder" >"$folder/said" 2>&1 || { cat "$folder/said" >&2; exit 1; }
fi
db=${DATABASE:-$folder/backstitch.db}

cases=0 violations=0
check() {
    cases=$((cases + 1))
    if said=$("${@:2}" 2>&1); then echo "ok      $1"; else violations=$((violations + 1)); echo "FAILED  $1: $said"; fi
}
get() { "$datasette" "$db" -m config/datasette/metadata.yaml --get "$1"; }
same() { [ "$1" = "$2" ] || { echo "$1 is not $2"; return 1; }; }
shown() { local page; page=$(get "$1") && grep -qF "$2" <<<"$page" || { echo "not on $1: $2"; return 1; }; }
# answered PATH MAY_BE_EMPTY: rows, and no error in their place.
answered() { get "$1" | jq -e --argjson none "$2" 'if type == "array" then $none or length > 0 else error(.error) end'; }

get /-/metadata.json | jq '.databases.backstitch' >"$folder/metadata"
check "every view is titled" same "$(jq -r '.tables | keys[]' "$folder/metadata" | sort)" "$(sqlite3 -readonly "$db" "select name from sqlite_master where type = 'view'" | sort)"
for view in $(jq -r '.tables | keys[]' "$folder/metadata"); do
    check "$view: its page" shown "/backstitch/$view" "$(jq -r ".tables.$view.title" "$folder/metadata")"
    check "$view: its columns are what is explained" same "" "$(comm -13 <(sqlite3 -readonly "$db" "select name from pragma_table_info('$view')" | sort) <(jq -r ".tables.$view.columns // {} | keys[]" "$folder/metadata" | sort))"
done
job=$(sqlite3 -readonly "$db" "select job_key from jobs_overview where user_identity_key is not null and proven > 0 limit 1")
person=$(sqlite3 -readonly "$db" "select user_identity_key from jobs_overview where job_key = '$job'")
for query in $(jq -r '.queries | keys[]' "$folder/metadata"); do
    # In a demo that went as it should, nobody's doors are open and nothing was done by hand.
    case $query in open_doors | by_hand) none=true ;; *) none=${DATABASE:+true} ;; esac
    check "$query: answered" answered "/backstitch/$query.json?_shape=array&job_key=$job&person=$person" "${none:-false}"
done
check "the front page" shown /backstitch "How fast access ended, by week"
echo "BATTERY datasette cases=$cases violations=$violations"
[ "$violations" -eq 0 ]
