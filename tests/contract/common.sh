# Sourced by `run` and `fuzz`: what both need, and how they end without it. They have set `here`.

root=$(cd "$here/../.." && pwd)
export CONTRACT_TARGET=$root/target/contract

skip() {
  echo "SKIPPED: $1"
  exit 77
}

# The last of a log; a registry out of reach is no failure of ours.
not_installed() {
  tail -n 20 "$1"
  if grep -qE 'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|network|connection broken|NewConnectionError|ConnectTimeout' "$1"; then
    skip "the registry of $2 cannot be reached"
  fi
  echo "the packages of $2 cannot be installed"
  exit 1
}

# install FOLDER PINS COMMAND: once for these pins; they are the last to be copied.
install() {
  local folder=$CONTRACT_TARGET/$1 pins=$2
  if cmp -s "$here/$pins" "$folder/installed"; then return; fi
  echo "installing $1 …"
  rm -rf "$folder" && mkdir -p "$folder"
  "$3" "$folder" "$pins" >"$folder.log" 2>&1 || not_installed "$folder.log" "$1"
  cp "$here/$pins" "$folder/installed"
}

npm_packages() {
  cp "$here/package.json" "$here/package-lock.json" "$1" &&
    (cd "$1" && timeout -k 10 600 npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1)
}

python_packages() {
  python3 -m venv "$1" &&
    timeout -k 10 600 "$1/bin/pip" install --disable-pip-version-check --retries 1 --no-deps -r "$here/$2"
}

# The tools, and the folder for this run alone. A part of a run has both from the run.
prepare() {
  local tool
  for tool in node npm python3 flock timeout; do
    command -v "$tool" >/dev/null || skip "$tool is not installed"
  done
  [ -n "${BACKSTITCH:-}" ] || command -v cargo >/dev/null || skip "cargo is not installed, and BACKSTITCH names no binary"
  [ "$(node -p 'parseInt(process.versions.node)')" -ge 20 ] || skip "node 20 or newer is needed"
  python3 -c 'import venv, ensurepip' 2>/dev/null || skip "Python's venv is not installed"
  mkdir -p "$CONTRACT_TARGET"
  if [ "${CONTRACT_LOCKED:-}" != "$CONTRACT_TARGET" ]; then
    # Held by whatever this starts, too: as long as one of them lives, it may write there.
    exec 9>"$CONTRACT_TARGET/lock"
    flock -n 9 || skip "another contract run is at work in $CONTRACT_TARGET; let it end first"
    export CONTRACT_LOCKED=$CONTRACT_TARGET
  fi
}

# The binary, where none is given; wherever this machine's builds go else.
build() {
  if [ -z "${BACKSTITCH:-}" ]; then
    (cd "$root" && cargo build --quiet --target-dir "$root/target" 9>&-)
    export BACKSTITCH=$root/target/debug/backstitch
  fi
}
