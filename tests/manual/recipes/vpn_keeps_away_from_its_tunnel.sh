#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The manual's VPN: with strict reverse path checks the packets of the VPN program are answered through wan1, all others
# that have no route of their own go into the tunnel. The VPN's server is the client of the picture.

source "$(dirname "$0")/../../kernel/lib.sh"
source "$(dirname "$0")/../lib.sh"
source "$(dirname "$0")/network.sh"
needs perl

# As `answers router client`, from a socket with the mark 0xca6c. Only the socket's own mark is there when the packet
# gets its first route and its address.
answers_of_vpn() {
    perl -MSocket=:all -e '
        my ($error, $to) = getaddrinfo($ARGV[0], $ARGV[1], {socktype => SOCK_DGRAM, flags => AI_NUMERICHOST});
        socket(my $vpn, $to->{family}, SOCK_DGRAM, 0) or die;
        setsockopt($vpn, SOL_SOCKET, 36, pack("i", 0xca6c)) or die "SO_MARK: $!";
        connect($vpn, $to->{addr}) or die;
        my $count = 0;
        for my $question (1 .. 3) {
            send($vpn, $question, 0);
            my ($ready, $answer) = ("", "");
            vec($ready, fileno($vpn), 1) = 1;
            next unless select($ready, undef, undef, 0.3);
            $count++ if defined recv($vpn, $answer, 1, 0) and $answer eq $question;
        }
        print "$count\n"' "$(address client)" "$question_port"
}

assert_vpn() { # WHAT EXPECTED
    assert_equal "$1: answers to three questions of the VPN" "$2" "$(answers_of_vpn)"
}

# play_strictly [PART...]: plays the example but for these lines, with the reverse path check of the kernel, for IPv4, and
# that of a rule, for both families.
play_strictly() {
    start_afresh
    echo 0 >/proc/sys/net/ipv4/conf/wan1/src_valid_mark
    echo 1 >/proc/sys/net/ipv4/conf/wan1/rp_filter
    manual_example A | play "$@"
    "$front_end" -t mangle -A PREROUTING -i wan1 -m rpfilter --validmark --invert -j DROP
}

check() {
    build_network
    ip link add wg0 type veth peer name tunnel
    ip link set wg0 up
    assert_vpn "without a tunnel" 3

    play_strictly iptables
    assert_vpn "without the rules" 0
    play_strictly --save-mark
    assert_vpn "without the save" 0
    play_strictly suppress_prefixlength
    assert_answers "without the main table first" 0 router server
    if [[ $family == 4 ]]; then
        play_strictly src_valid_mark
        assert_vpn "without the setting" 0
    fi
    play_strictly
    assert_vpn "example" 3
    assert_answers "example, into the tunnel" 0 router client
    assert_answers "example" 3 router server
}

for_each_front_end check
