#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced by the tests in this folder, behind tests/kernel/lib.sh and tests/manual/lib.sh. A recipe is played word for
# word, in a network of real namespaces; the test's own is the router:
#
#                                      +-- isp1 ---- wan1 --+
#     client 203.0.113.10 -- internet -+                    +-- router --- lan --- server 198.51.100.130
#                                      +-- isp2 ---- wan2 --+
#
# The router's default route is wan1. The internet reaches wan2's address and the lan through isp2 alone, and drops what
# comes from these by isp1, as providers do (BCP 38). So an answer arrives if it left by the uplink of the question.

# shellcheck disable=SC2154 # tests/kernel/lib.sh sets scratch and conntrack_family, tests/manual/lib.sh family

needs ip nft ncat nsenter ss conntrack

# address WHO: in the family of this turn.
address() {
    case $1-$family in
    client-4) echo 203.0.113.10 ;; client-6) echo 2001:db8:f::10 ;;
    visitors-4) echo 203.0.113.1 ;; visitors-6) echo 2001:db8:f::1 ;;
    isp1-4) echo 192.0.2.1 ;; isp1-6) echo 2001:db8:1::1 ;;
    wan1-4) echo 192.0.2.2 ;; wan1-6) echo 2001:db8:1::2 ;;
    isp2-4) echo 198.51.100.1 ;; isp2-6) echo 2001:db8:2::1 ;;
    wan2-4) echo 198.51.100.2 ;; wan2-6) echo 2001:db8:2::2 ;;
    lan-4) echo 198.51.100.129 ;; lan-6) echo 2001:db8:3::1 ;;
    server-4) echo 198.51.100.130 ;; server-6) echo 2001:db8:3::2 ;;
    esac
}

lan_network() {
    if [[ $family == 4 ]]; then echo 198.51.100.128/25; else echo 2001:db8:3::/64; fi
}

prefix_length() {
    if [[ $family == 4 ]]; then echo 25; else echo 64; fi
}

# in_ns NAME COMMAND...: NAME is client, internet, server or router, which is here.
in_ns() {
    (exec_in_ns "$@")
}

exec_in_ns() {
    local process=${1}_process
    shift
    if [[ $process == router_process ]]; then exec "$@"; else exec nsenter --net --target "${!process}" -- "$@"; fi
}

# Whatever happens to this test, what it has started ends.
readonly at_most=(timeout 300)

# A namespace lives as long as a process in it.
add_namespace() { # NAME
    unshare --net "${at_most[@]}" sleep infinity &
    printf -v "$1_process" %s "$!"
    await "the namespace $1" has_left "$!"
    in_ns "$1" ip link set lo up
    settings_of "$1"
}

has_left() { # PROCESS
    [[ $(readlink "/proc/$1/ns/net") != "$(readlink /proc/self/ns/net)" ]]
}

settings_of() { # NAME
    # shellcheck disable=SC2016 # expanded by the inner shell
    in_ns "$1" sh -c '
        for setting in ipv4/conf/all/rp_filter ipv4/conf/default/rp_filter \
            ipv6/conf/all/accept_dad ipv6/conf/default/accept_dad; do
            echo 0 >"/proc/sys/net/$setting"
        done
        echo 1 >/proc/sys/net/ipv4/ip_forward
        echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
}

# link NAMESPACE DEVICE NAMESPACE DEVICE, each device named as its address is.
link() {
    local process=${3}_process
    in_ns "$1" ip link add "$2" type veth peer name "$4" netns "${!process}"
    set_up "$1" "$2"
    set_up "$3" "$4"
}

set_up() { # NAMESPACE DEVICE
    local at_once=()
    # An IPv6 address that is still looked up for duplicates cannot be listened on.
    [[ $family == 4 ]] || at_once=(nodad)
    in_ns "$1" ip link set "$2" up
    in_ns "$1" ip addr add "$(address "$2")/$(prefix_length)" dev "$2" "${at_once[@]}"
}

# await WHAT COMMAND...: until it succeeds, for some ten seconds at most.
await() {
    local what=$1 end=$((SECONDS + 10))
    shift
    until "$@" 2>/dev/null; do
        ((SECONDS < end)) || {
            fail "waited in vain for $what"
            exit 1
        }
        sleep 0.05
    done
}

build_network() {
    local name
    set_family
    trap 'kill $(jobs -p) 2>/dev/null || true; if [[ -e $scratch/failed ]]; then exit 1; fi' EXIT
    settings_of router
    for name in client internet server; do add_namespace "$name"; done
    link router wan1 internet isp1
    link router wan2 internet isp2
    link router lan server server
    link internet visitors client client
    in_ns client ip "-$family" route add default via "$(address visitors)"
    in_ns server ip "-$family" route add default via "$(address lan)"
    ip "-$family" route add default via "$(address isp1)"
    in_ns internet ip "-$family" route add "$(lan_network)" via "$(address wan2)"
    drop_foreign_senders
    for name in client server router; do answer_questions "$name"; done
    # Neighbours cannot be looked up before the interfaces have their addresses of the link, up to a second.
    await "the way from the router to the client" answers_to router client 1
    await "the way from the router to the server" answers_to router server 1
}

drop_foreign_senders() {
    local protocol=ip
    [[ $family == 4 ]] || protocol=ip6
    in_ns internet nft -f - <<-EOF
	table inet providers {
	    chain arrivals {
	        type filter hook prerouting priority raw
	        meta l4proto != { tcp, udp } accept
	        iifname isp1 $protocol saddr { $(address wan2), $(lan_network) } drop
	        iifname isp2 $protocol saddr $(address wan1) drop
	    }
	}
	EOF
}

readonly question_port=7

# Whatever is sent to port 7 comes back, from the address that was asked.
answer_questions() { # NAMESPACE
    local own=$1
    [[ $1 != router ]] || own=wan2
    exec_in_ns "$1" "${at_most[@]}" ncat --udp --listen --keep-open --exec /bin/cat "$(address "$own")" \
        "$question_port" 2>/dev/null &
    await "who answers in $1" listens "$1"
}

listens() { # NAMESPACE
    [[ -n $(in_ns "$1" ss --no-header --listening --udp "sport = :$question_port") ]]
}

# answers FROM TO: of three questions of one connection, how many were answered.
answers() {
    # shellcheck disable=SC2016 # expanded by the inner shell
    in_ns "$1" bash -c '
        exec 3<>"/dev/udp/$1/$2"
        count=0 patience=0.4
        for question in 1 2 3; do
            printf %s "$question" >&3
            # One byte, since bash reads one at a time, and the rest of a datagram is lost.
            if read -r -N 1 -t $patience -u 3 answer && [[ $answer == "$question" ]]; then
                ((++count))
            else
                patience=0.1
            fi
        done
        echo "$count"' answers "$(address "$2")" "$question_port" 2>/dev/null
}

answers_to() { # FROM TO AT_LEAST
    (($(answers "$1" "$2") >= $3))
}

assert_answers() { # WHAT EXPECTED FROM TO
    assert_equal "$1: answers to three questions from $3 to $4" "$2" "$(answers "$3" "$4")"
}

# connection_mark_to WHO PROTOCOL PORT: of the one connection there, in hexadecimal.
connection_mark_to() {
    local mark
    mark=$(conntrack -L -f "$conntrack_family" -p "$2" --orig-dst "$(address "$1")" --orig-port-dst "$3" 2>/dev/null |
        sed -nE 's/.* mark=([0-9]+) .*/\1/p')
    if [[ -z $mark ]]; then echo "no connection"; else printf '%#x\n' "$mark"; fi
}
