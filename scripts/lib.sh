# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034 # what stands here is used by those who source it
# What the scripts share: how they speak, which packages they need, how they build.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
EMULATOR=$TOP/tests/emulator
MAIL_PARSER=$TOP/tests/mail-parser

if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
        BOLD=$'\e[1m' DIM=$'\e[2m' RED=$'\e[31m' GREEN=$'\e[32m' PLAIN=$'\e[0m'
else
        BOLD='' DIM='' RED='' GREEN='' PLAIN=''
fi

say() { printf '%s==>%s %s\n' "$GREEN" "$PLAIN" "$*"; }
warn() { printf '%s%s%s\n' "$RED" "$*" "$PLAIN" >&2; }
die() {
        warn "${0##*/}: $*"
        exit 1
}

# What builds and runs it, and what checks it beyond that.
demo_packages=(
        gcc libc6-dev libcjson-dev libcurl4-openssl-dev libidn2-dev libinih-dev libmicrohttpd-dev
        libsmartcols-dev libsodium-dev libsqlite3-dev libssl-dev libsystemd-dev libunistring-dev meson
        ninja-build pkg-config python3 systemd
)
test_packages=(
        "${demo_packages[@]}" chromium chromium-driver clang clang-format clang-tidy cppcheck
        exim4-daemon-light fish fonts-dejavu-core git libclang-rt-14-dev libcmocka-dev
        libtest-json-schema-acceptance-perl mandoc mmdebstrap nginx-light openssl python3-selenium
        shellcheck systemd-container valgrind zsh
)

# The official tests of JSON Schema: a copy beside the checkout, or that of the Perl package.
SCHEMA_SUITE=$TOP/../shared/testdata/json-schema-test-suite
[[ -d $SCHEMA_SUITE ]] || SCHEMA_SUITE=/usr/share/perl5/auto/share/dist/Test-JSON-Schema-Acceptance

missing_packages() {
        local installed name

        installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true)
        for name; do
                [[ $'\n'$installed$'\n' == *$'\n'"installed $name"$'\n'* ]] || printf '%s\n' "$name"
        done
}

install_packages() {
        local root=(env) missing output

        mapfile -t missing < <(missing_packages "$@")
        ((${#missing[@]})) || return 0

        say "installing ${missing[*]}"
        command -v apt-get >/dev/null || die "no apt-get here: install ${missing[*]}"
        if ((EUID)); then
                command -v sudo >/dev/null || die "not root, no sudo: install ${missing[*]}"
                root=(sudo env)
        fi
        output=$("${root[@]}" apt-get -q update 2>&1 &&
                "${root[@]}" DEBIAN_FRONTEND=noninteractive apt-get -qy --no-install-recommends \
                        install "${missing[@]}" 2>&1) || die "apt-get failed:"$'\n'"$output"
}

# install_modules FOLDER WHAT: exactly what its lock file has. npm runs nothing of it.
install_modules() {
        local modules=$1/node_modules

        cmp -s "$1/package-lock.json" "$modules/.installed" && return 0
        command -v npm >/dev/null || install_packages npm
        say "installing $2"
        npm --prefix "$1" ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
        cp "$1/package-lock.json" "$modules/.installed"
}

# The emulator of Google brings its own Node.js as a package; the mail parser uses it as well.
install_emulator() { install_modules "$EMULATOR" 'the Google emulator'; }
install_mail_parser() { install_modules "$MAIL_PARSER" 'the mail parser'; }

# build DIR [MESON OPTION…]: configures once, then compiles what changed.
build() {
        local dir=$TOP/$1 output

        shift
        if [[ ! -f $dir/build.ninja ]]; then
                say "configuring ${dir#"$TOP/"}"
                output=$(rm -rf "$dir" && meson setup "$dir" "$TOP" "$@" 2>&1) ||
                        die "meson could not configure $dir:"$'\n'"$output"
        fi
        say "building in ${dir#"$TOP/"}"
        output=$(ninja -C "$dir" -j "$(nproc)" 2>&1) ||
                die "it does not build:"$'\n'"$(sed -n '/FAILED/,$p' <<<"$output")"
}
