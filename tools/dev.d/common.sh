# Small things the commands of tools/dev share. Sourced, not run.

step() { printf '\n== %s\n' "$*"; }
note() { printf '   %s\n' "$*"; }
fail() { printf 'tools/dev: %s\n' "$*" >&2; exit 1; }

jobs_count() { nproc; }

# Runs a command and shows what it said only when it fails.
quietly() {
  local out
  if ! out=$("$@" 2>&1); then
    printf '%s\n' "$out" >&2
    return 1
  fi
}

# Whether something listens on 127.0.0.1:PORT.
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Runs a command as root; what it writes in FOLDER belongs to the caller afterwards.
as_root_in() {
  local folder=$1 status=0
  shift
  [ "$(id -u)" != 0 ] || { "$@"; return; }
  command -v sudo >/dev/null || fail "this needs root or sudo: $*"
  # sudo has a PATH of its own, without a Node from elsewhere; a user's has no folders of root's programs.
  sudo env "PATH=$PATH:/usr/sbin:/sbin" "$@" || status=$?
  sudo chown -R "$(id -u):$(id -g)" "$folder"
  return $status
}

# run_tests BUILD_FOLDER [CTEST OPTIONS]: those labelled e2e as root. They start Postfix, which only root can,
# mount a disk to fill it, and give a client a user of its own.
run_tests() {
  local folder=$1 status=0
  shift
  local command=(ctest --test-dir "$folder" --output-on-failure)
  if [ "$(id -u)" = 0 ]; then
    "${command[@]}" "$@"
    return
  fi
  "${command[@]}" --label-exclude e2e "$@" || status=$?
  step "testing end to end, as root"
  as_root_in "$folder" "${command[@]}" --label-regex e2e "$@" || status=$?
  return $status
}

# wait_for SECONDS WHAT COMMAND...: until the command succeeds.
wait_for() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    [ $SECONDS -lt $deadline ] || { printf 'tools/dev: no %s in time\n' "$what" >&2; return 1; }
    sleep 0.1
  done
}
