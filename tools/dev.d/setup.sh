# tools/dev setup: packages from tools/packages.txt, npm modules from tests/e2e. Sourced, not run.

# The package names of the list that apply to release $1 on this machine, one a line.
packages_for() {
  local release=$1 line
  while read -r line; do
    line=${line%%#*}
    case "$line" in
      "") continue ;;
      "?"*)
        local command=${line%% *}
        command -v "${command#\?}" >/dev/null && [ "$release" = "$(release_here)" ] && continue
        line=${line#* } ;;
      *:*)
        [ "${line%%:*}" = "$release" ] || continue
        line=${line#*:} ;;
    esac
    echo $line
  done < "$ROOT/tools/packages.txt"
}

release_here() { . /etc/os-release; echo "${VERSION_CODENAME:-unknown}"; }

missing_packages() {
  comm -23 <(packages_for "$(release_here)" | sort -u) \
    <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' | sort -u)
}

install_packages() {
  [ "$(id -u)" = 0 ] || command -v sudo >/dev/null ||
    fail "these packages are missing and need root or sudo: $*"
  # The tests start Postfix with configurations of their own: none for the system's, so none is started.
  command -v debconf-set-selections >/dev/null &&
    echo 'postfix postfix/main_mailer_type select No configuration' | as_root debconf-set-selections
  as_root apt-get -qq update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 \
    install --no-install-recommends "$@"
}

cmd_setup() {
  step "setting up"
  [ -f /etc/debian_version ] || fail "the packages are Debian's (12 or 13); this is not Debian"
  case "$(release_here)" in
    bookworm|trixie) ;;
    *) note "not Debian 12 or 13 but $(release_here): trying anyway" ;;
  esac
  local missing
  missing=$(missing_packages)
  if [ -n "$missing" ]; then
    note "installing:" $missing
    install_packages $missing
  fi
  note "$(packages_for "$(release_here)" | wc -l) packages are installed"
  local modules=tests/e2e/node_modules
  if [ ! "$modules/.package-lock.json" -nt tests/e2e/package-lock.json ]; then
    note "installing npm modules for the tests"
    quietly npm --prefix tests/e2e ci --no-audit --no-fund
    touch "$modules/.package-lock.json"
  fi
  note "npm modules are installed"
}
