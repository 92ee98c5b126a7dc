#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# command_reads_the_same.sh SUITE
#
# The command built here asks the libxtables and the plugins of another release of Debian which options they have, whose
# tables may have another layout, and reads the same rules.

set -euo pipefail
here=$(dirname "$0")
source "$here/../roots/lib.sh"

root=''
need_root root "$1"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp "$CONNMARK_COMMAND" "$folder/connmark"
cp "$here/../../command/owners/owners.json" "$folder/owners.json"

# Rules of extensions that all releases have, with arguments that look like options.
cat >"$folder/rules" <<'END'
*mangle
:PREROUTING ACCEPT [0:0]
:A - [0:0]
-A PREROUTING -m helper --helper "--log-prefix" -j MARK --set-mark 0x1/0x1
-A PREROUTING -m helper --helper "-j" -j MARK --set-mark 0x2/0x2
-A PREROUTING -p tcp -m tcp --tcp-flags FIN,SYN SYN --dport 80 -j MARK --set-mark 0x4/0x4
-A PREROUTING -m set --match-set s src,dst -j MARK --set-mark 0x8/0x8
-A PREROUTING -m recent --update --seconds 5 --name -j --rsource -j MARK --set-mark 0x10/0x10
-A PREROUTING -m string --string "-j DROP" --algo bm -j MARK --set-mark 0x20/0x20
-A PREROUTING -m hashlimit --hashlimit-upto 5/sec --hashlimit-name -m -j MARK --set-mark 0x40/0x40
-A PREROUTING -p icmp -m icmp --icmp-type 8 -j MARK --set-mark 0x80/0x80
-A PREROUTING -m conntrack --ctstate NEW -m comment --comment "-m x" -j CONNMARK --save-mark
-A PREROUTING -j LOG --log-prefix "-j MARK"
-A PREROUTING -m addrtype --dst-type LOCAL -j MARK --set-mark 0x100/0x100
COMMIT
END

read_rules() { # COMMAND...
    local status=0 text
    text=$("$@" audit --json --owners "${folder_there:-$folder}/owners.json" --iptables - <"$folder/rules") || status=$?
    ((status <= 1)) || {
        printf 'FAIL: %s ends with %s\n' "$*" "$status"
        exit 1
    }
    # What is found of the rules, without what the nft of each release takes.
    grep -v '"better"' <<<"$text"
}

if ! version=$(in_root --plugin "$folder" "$root" /mnt/connmark --version 2>&1); then
    printf 'SKIP: the command built here does not start in %s: %s\n' "$1" "$version"
    exit 77
fi
known=$(read_rules "$CONNMARK_COMMAND")
! grep -q unknown-rule <<<"$known" || {
    printf 'FAIL: not all rules are known here:\n%s\n' "$known"
    exit 1
}
folder_there=/mnt
there=$(read_rules in_root --plugin "$folder" "$root" /mnt/connmark)
diff <(printf '%s\n' "$known") <(printf '%s\n' "$there")

# Without plugins what is not known is said, and no rule is lost.
folder_there=$folder
without=$(XTABLES_LIBDIR=/nonexistent read_rules "$CONNMARK_COMMAND")
grep -q unknown-rule <<<"$without" || {
    printf 'FAIL: without plugins every rule is known:\n%s\n' "$without"
    exit 1
}
