# Sourced by `demo` and `test`: installs what is missing, once. Usage: prepare EXTRAS
# Needs Debian 12 or newer (or a relative with apt), python3 >= 3.11, and root or sudo for missing system packages.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

PACKAGES=(nftables iptables ipset conntrack iproute2 libnftables1 python3-nftables python3-venv util-linux)
# For tests alone: sshds in namespaces, repositories with signed commits, systemd's judgement of the units, steps of CI.
DEV_PACKAGES=(git curl openssh-client openssh-server systemd)

say() { printf '== %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 3; }

missing_packages() {
    local package
    for package in "${PACKAGES[@]}"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || echo "$package"
    done
}

install_packages() {
    command -v dpkg-query >/dev/null || die "this script installs Debian packages; elsewhere install the like of: ${PACKAGES[*]}"
    local missing become=()
    mapfile -t missing < <(missing_packages)
    [ "${#missing[@]}" -eq 0 ] && return
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null && sudo -n true 2>/dev/null && become=(sudo -n) ||
            die "not root, and these packages are missing: run 'apt-get install ${missing[*]}' as root, then this again"
    fi
    say "installing ${missing[*]}"
    "${become[@]}" apt-get update -qq
    # In runlevel 1 nothing that is installed is started (invoke-rc.d(8)).
    "${become[@]}" env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

find_python() {
    # The distribution's interpreter first: it is the one that can import python3-nftables.
    local candidate
    for candidate in /usr/bin/python3 python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    die "python3 3.11 or newer with its venv module is needed"
}

# A virtual environment with polc and the given extras, made anew only when pyproject.toml or the interpreter changed.
install_polc() {
    local extras=$1 python wanted
    python=$(find_python) || exit 3
    wanted="$("$python" -V) $(sha256sum <pyproject.toml) $extras"
    [ "$(cat ".venv/installed-$extras" 2>/dev/null)" = "$wanted" ] && return
    say "installing polc[$extras] into .venv"
    [ -x .venv/bin/python ] || "$python" -m venv --system-site-packages .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -e ".[$extras]"
    .venv/bin/python -c 'import nftables' 2>/dev/null ||
        .venv/bin/python -m pip install --quiet --disable-pip-version-check -e ".[$extras,nftables]"
    printf '%s' "$wanted" >".venv/installed-$extras"
}

prepare() {
    # Debian keeps nft and the iptables variants where only root's PATH looks.
    export PATH="$PATH:/usr/sbin:/sbin"
    [ "$1" = dev ] && PACKAGES+=("${DEV_PACKAGES[@]}")
    install_packages
    install_polc "$1"
}
