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

# wait_for SECONDS WHAT COMMAND...: until the command succeeds.
wait_for() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    [ $SECONDS -lt $deadline ] || { printf 'tools/dev: no %s in time\n' "$what" >&2; return 1; }
    sleep 0.1
  done
}
