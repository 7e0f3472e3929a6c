#!/usr/bin/env bash
# Whether the fuzz targets find bugs: each patch of seeded_bugs/ (named as the target that must find it) goes into a
# copy of the tree, the target is built there, and libFuzzer must find the bug from the committed corpus.
#
# usage: seeded_bugs.sh SECONDS_EACH FOLDER_OF_THE_COPY
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
seconds=$1 copy=$2

# The tree as it stands, at the same place each time, so that only what a patch touches is built anew. What a patch
# was taken out of again is newer there, and stays so: its object is older.
mkdir -p "$copy"
git ls-files --cached --others --exclude-standard | grep -v '^tests/fuzz/corpus/' |
  tar --create --files-from=- | tar --extract --keep-newer-files --warning=no-ignore-newer --directory "$copy"
cmake -S "$copy" -B "$copy/build" --preset fuzz -DCMAKE_EXPORT_COMPILE_COMMANDS=OFF > /dev/null
failed=0
for patch in tests/fuzz/seeded_bugs/*.patch; do
  target=$(basename "$patch" .patch)
  patch --quiet --directory "$copy" --strip 1 < "$patch"
  status=0
  cmake --build "$copy/build" --target "${target}_fuzz" -j"$(nproc)" > "$copy/build/log" || status=$?
  patch --quiet --directory "$copy" --strip 1 --reverse < "$patch"
  [ $status = 0 ] || { cat "$copy/build/log" >&2; exit 1; }
  begun=$SECONDS
  mkdir -p "$copy/build/new" && rm -f "$copy/build/new"/*
  if "$copy/build/bin/${target}_fuzz" -max_total_time="$seconds" -print_final_stats=1 \
      -artifact_prefix="$copy/build/" "$copy/build/new" "tests/fuzz/corpus/$target" > "$copy/build/log" 2>&1; then
    echo "   $target: NOT found in $seconds s: $(head -1 "$patch")"
    failed=1
  else
    grep -q -E "AddressSanitizer|broken invariant|runtime error" "$copy/build/log" || { cat "$copy/build/log"; exit 1; }
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$copy/build/log")
    echo "   $target: found after $((SECONDS - begun)) s and $runs runs: $(head -1 "$patch")"
  fi
done
exit $failed
