#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The README shows what the command connmark really prints; a line of dots stands for any lines that were left out.

: "${CONNMARK_COMMAND:?must name the command connmark to test}"
: "${CONNMARK_OWNERS:?must name the list of known software}"
: "${CONNMARK_RULESETS:?must name the folder of rules of known software}"

source "$(dirname "$0")/../kernel/lib.sh"
source "$(dirname "$0")/lib.sh"

# The examples' word for it. It need not be installed, and its list is not.
connmark() {
    case $1 in
    audit | flows) set -- "$@" --owners "$CONNMARK_OWNERS" ;;
    esac
    "$CONNMARK_COMMAND" "$@"
}

# assert_shows COMMAND EXPECTED: what the command prints is EXPECTED, with lines where EXPECTED has dots.
assert_shows() {
    local printed pattern
    printed=$(eval "$1" 2>&1) || true
    pattern=$(sed -E -e 's/^ *\.\.\.$/*/;t' -e 's/[^[:alnum:]]/\\&/g' <<<"$2")
    # shellcheck disable=SC2053 # a pattern
    [[ $printed == $pattern ]] || fail "$1 does not print what the README shows, but"$'\n'"$printed"
}

# What the example of live connections counts.
make_connections() {
    local port
    echo 1 >/proc/sys/net/netfilter/nf_conntrack_acct
    silence_answers
    "$front_end" -t mangle -A OUTPUT -p udp --dport 9001:9003 -j CONNMARK --set-mark 0x80002
    "$front_end" -t mangle -A OUTPUT -p udp --dport 9004:9005 -j CONNMARK --set-mark 1
    for port in 9001 9002 9003 9004 9005 9006; do send_packet "$port"; done
}

check() {
    local line command='' expected='' shown=0
    cp "$CONNMARK_RULESETS"/{calico,tailscale}.rules "$scratch"
    # What Calico writes when its bits begin at 0x1000000.
    sed -E 's,0x([0-9a-f])0000\b,0x\1000000,g' "$scratch/calico.rules" >"$scratch/calico-at-0xff000000.rules"
    cd "$scratch"
    make_connections
    # An example is a block that begins with a prompt.
    while IFS= read -r line; do
        case $line in
        '$ '*) command=${line#'$ '} expected='' ;;
        '```')
            if [[ -n $command ]]; then
                assert_shows "$command" "${expected%$'\n'}"
                ((++shown))
            fi
            command=''
            ;;
        *) expected+=$line$'\n' ;;
        esac
    done < <(sed -n '/^## For someone whose/,/^## For a packager/p' "$CONNMARK_README")
    assert_equal "examples in the README" 5 "$shown"
}

for_each_front_end check iptables-legacy iptables-nft
