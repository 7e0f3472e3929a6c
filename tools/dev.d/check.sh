# tools/dev check and fuzz: what should be clean before a change is handed on. Sourced, not run.

# Our C++ files, formatted and analysed.
sources() { git ls-files --cached --others --exclude-standard '*.cc' '*.h'; }

check_format() { sources | xargs clang-format-19 --dry-run --Werror; }

# A file whose text, with that of all headers, was clean before is not analysed again.
check_tidy() {
  quietly cmake --preset fuzz
  local stamps=$ROOT/build/tidy-clean headers file stamp
  mkdir -p "$stamps"
  [ -z "${LONG:-}" ] || rm -f "$stamps"/*
  headers=$(sources | grep '\.h$' | xargs cat .clang-tidy | sha256sum)
  # Only files that the build knows: the others have no compile command.
  while read -r file; do
    grep -qF "\"$ROOT/$file\"" build/fuzz/compile_commands.json || continue
    stamp=$stamps/$({ cat "$file"; echo "$headers"; } | sha256sum | cut -d' ' -f1)
    [ -e "$stamp" ] || printf '%s %s\n' "$file" "$stamp"
  done < <(sources | grep '\.cc$') > build/tidy-files
  note "$(wc -l < build/tidy-files) files to analyse"
  xargs -r -P"$(jobs_count)" -L1 bash -c \
    'clang-tidy-19 --quiet -p build/fuzz "$0" 2>/dev/null && touch "$1"' < build/tidy-files
}

check_sanitized() {
  local preset=$1
  cmd_build "$preset"
  # Left to the release build: what kills the daemon in the middle, needs the speed, looks through its memory or counts it; another
  # kernel; the rules of the tree.
  run_tests "build/$preset" -j"$(jobs_count)" \
    --exclude-regex 'e2e_test_crash|e2e_test_body|e2e_test_memory|e2e_test_smuggling|reactor_on_kernel_floor|tidy'
}

check_tidiness() {
  cmd_build release
  ctest --test-dir build/release --output-on-failure -R tidy
}

check_simulation() {
  local seeds=100
  [ -z "${LONG:-}" ] || seeds=1000
  cmd_build release
  build/release/bin/simulate 1 "$seeds"
}

check_fuzz() {
  local seconds=10
  [ -z "${LONG:-}" ] || seconds=600
  cmd_fuzz all "$seconds"
}

# Lines of each parser that its committed corpus runs: at least the share that coverage.py names.
cmd_coverage() {
  build_targets=fuzz_targets cmd_build coverage
  step "line coverage of the corpora"
  /usr/bin/python3 -B tests/fuzz/coverage.py build/coverage "$@"
}

check_coverage() { cmd_coverage; }

# That the targets find bugs: seeded on purpose, in a copy of the tree.
check_seeded_bugs() {
  step "bugs seeded into a copy of the tree: each must be found"
  tests/fuzz/seeded_bugs.sh 600 build/seeded
}

# cmd_fuzz --seeded | [TARGET|all] [SECONDS]
cmd_fuzz() {
  local wanted=${1:-all} seconds=${2:-60} program name found= said
  [ "$wanted" != --seeded ] || { check_seeded_bugs; return; }
  case "$wanted" in ''|*[!0-9]*) ;; *) seconds=$wanted; wanted=all ;; esac
  build_targets=fuzz_targets cmd_build fuzz
  for program in build/fuzz/bin/*_fuzz; do
    name=$(basename "$program" _fuzz)
    [ "$wanted" = all ] || [ "$wanted" = "$name" ] || continue
    found=1
    step "fuzzing $name for $seconds s"
    mkdir -p "build/fuzz/corpus/$name" build/fuzz/artifacts
    # New inputs go to build/; the seeds in the tree are read only.
    said=$("$program" -max_total_time="$seconds" -timeout=60 -rss_limit_mb=2048 -print_final_stats=1 \
      -artifact_prefix="build/fuzz/artifacts/$name-" \
      "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name" 2>&1) || { printf '%s\n' "$said" >&2; return 1; }
    note "clean; runs: $(sed -n 's/^stat::number_of_executed_units: *//p' <<< "$said")"
  done
  [ -n "$found" ] || fail "no fuzz target is called $wanted"
}

cmd_check() {
  LONG=
  [ "${1:-}" != --long ] || LONG=1
  cmd_setup
  local failed=() name
  local checks=(format tidiness tidy "sanitized asan" "sanitized tsan" simulation fuzz)
  [ -z "${LONG:-}" ] || checks+=(coverage seeded_bugs trixie)
  for name in "${checks[@]}"; do
    step "check: $name"
    # In a process of its own, so that it stops at its first failure and the next check still runs.
    if LONG=$LONG tools/dev check-one $name; then note "$name: clean"; else failed+=("$name"); fi
  done
  step "result"
  [ ${#failed[@]} -eq 0 ] || fail "not clean: ${failed[*]}"
  note "all clean"
}

cmd_check-one() { "check_$1" "${@:2}"; }

check_trixie() { tools/trixie; }
