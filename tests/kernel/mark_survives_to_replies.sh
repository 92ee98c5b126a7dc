#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The purpose of the target: a mark put on the packets of a connection is saved, and restored on its replies.

source "$(dirname "$0")/lib.sh"
needs ncat

port=4242

# How many packets the rule with this comment had seen, in what -save -c printed.
packets_counted() { # COMMENT SAVED
    sed -nE "s/^\[([0-9]+):.*--comment $1( .*|$)/\1/p" <<<"$2"
}

check() {
    local server connection attempt saved replies

    "$front_end-restore" <<-EOF
	*mangle
	-A OUTPUT -p tcp --dport $port -j MARK --set-mark 0x42
	-A OUTPUT -p tcp --dport $port -j CONNMARK --save-mark --mask 0xff
	-A INPUT -p tcp --sport $port -m mark --mark 0x42 -m comment --comment marked_before
	-A INPUT -p tcp --sport $port -j CONNMARK --restore-mark --mask 0xff
	-A INPUT -p tcp --sport $port -m comment --comment replies
	-A INPUT -p tcp --sport $port -m mark --mark 0x42 -m comment --comment marked_after
	COMMIT
	EOF
    ncat --listen "$loopback" "$port" --sh-exec cat &
    server=$!
    for ((attempt = 0; attempt < 100; ++attempt)); do
        if { exec {connection}<>"/dev/tcp/$loopback/$port"; } 2>/dev/null; then break; fi
        sleep 0.02
    done
    printf 'hello\n' >&"$connection"
    assert_equal "answer of the server" hello "$(head -n 1 <&"$connection")"
    exec {connection}>&-
    wait "$server"

    saved=$("$front_end-save" -c -t mangle)
    replies=$(packets_counted replies "$saved")
    assert_matches "number of replies" '^[1-9]' "$replies"
    assert_equal "replies with the mark before --restore-mark" 0 "$(packets_counted marked_before "$saved")"
    assert_equal "replies with the mark after --restore-mark" "$replies" "$(packets_counted marked_after "$saved")"
}

for_each_front_end check
