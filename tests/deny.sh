#!/usr/bin/env bash
# The tree of dependencies against .deny.toml: bans, licences and sources, without the network.
#
# Needs cargo-deny: `cargo install cargo-deny@0.20.2 --locked --no-default-features` (three minutes and a half of one processor's
# time, so nothing here does it by itself). Ends 77 where it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v cargo-deny >/dev/null; then
    echo "skipped: cargo-deny is not installed; $0 says how" >&2
    exit 77
fi
# It looks at packages for other processors too, which a build here does not need.
cargo fetch --locked --quiet
exec cargo-deny --offline --config .deny.toml check --hide-inclusion-graph bans licenses sources
