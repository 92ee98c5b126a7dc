#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The manual's table of differences and the list in tests/differential name the same ones. What that list cannot hold,
# since it is seen only by nft, tc or a later command, is shown here with both plugins, and must still differ.

: "${CONNMARK_INTENDED_DIFFERENCES:?must name intended_differences.cpp}"

source "$(dirname "$0")/../kernel/lib.sh"
source "$(dirname "$0")/lib.sh"
needs nft
[[ -e $stock_plugin ]] || skip "there is no $stock_plugin to compare with"

# How each row of the table begins, and what shows it: entries of the list, or a function below.
rows() {
    cat <<-END
	shift above 31|shift of 32
	both shifts at once|both shifts
	a mask option next to a set operation|mask next to set
	bytes without effect|nfmask of a set,direction of a zero shift
	a direction byte above 1 from the kernel|direction above 1
	an unknown mode from the kernel|translation of an unknown mode
	translation to nft|translation in parentheses,inexact translation,declined translation,translation of a shift above 31
	a masked save or restore in nft list ruleset|nft_reloads_text_of_stock_alone
	rules that the other plugin made|rules_of_the_other_plugin_are_missed
	tc ... action xt -j CONNMARK|tc_takes_stock_alone
	what python-iptables raises|python_names_other_exceptions
	help and manual|help
	END
}

rows_of_the_manual() {
    manual_text | sed -n '/^\.TS/,/^\.TE/p' |
        awk '/^T\{$/ { inside = 1; row = ""; next }
             /^T\}/ { if (inside) print row; inside = 0 }
             inside { row = row (row == "" ? "" : " ") $0 }'
}

entries_of_the_list() {
    sed -nE 's/^ *\.name = "(.*)",$/\1/p' "$CONNMARK_INTENDED_DIFFERENCES" | sort
}

with_each_plugin() { # COMMAND...
    with_stock "$@"
    "$@"
}

nft_reloads_text_of_stock_alone() {
    local options oldest
    oldest=$(printf '%s\n' "$(nft --version | sed -E 's/^nftables v([0-9.]+).*/\1/')" 1.1.2 | sort -V | head -n 1)
    for options in '--save-mark --mask 0xff' '--restore-mark --mask 0xff'; do
        "$front_end" -A INPUT -p udp -j ACCEPT
        # shellcheck disable=SC2086 # options, to be split
        "$front_end" -t mangle -A OUTPUT -j CONNMARK $options
        with_stock nft list ruleset >"$scratch/stock" 2>/dev/null
        nft list ruleset >"$scratch/ours" 2>/dev/null
        nft flush ruleset
        assert_succeeds with_stock nft -f "$scratch/stock"
        # The bits outside the mask have to be kept.
        if grep -q -e 0xffffff00 "$scratch/stock"; then fail "stock's statement for $options is exact"; fi
        assert_contains "statement for $options" 0xffffff00 "$(<"$scratch/ours")"
        nft flush ruleset
        if [[ $oldest == 1.1.2 ]]; then
            assert_succeeds nft -f "$scratch/ours"
        else
            assert_status 1 nft -f "$scratch/ours"
            assert_contains "complaint of nft" "Right hand side of binary operation" "$(<"$scratch/stderr")"
            assert_equal "what is loaded of the file" "" "$(nft list ruleset)"
        fi
        nft flush ruleset
    done
}

rules_of_the_other_plugin_are_missed() {
    local options rule
    for options in '--set-mark 1 --mask 0xff' '--set-mark 1 --right-shift-mark 0'; do
        rule="-t mangle -C OUTPUT -j CONNMARK $options"
        # shellcheck disable=SC2086 # options, to be split
        {
            with_stock "$front_end" ${rule/-C/-A}
            assert_status 1 "$front_end" $rule
            # The cures: load them once more, and take the words that -S prints.
            "$front_end-save" -c >"$scratch/rules"
            "$front_end-restore" -c "$scratch/rules"
            assert_succeeds "$front_end" $rule
            assert_status 1 with_stock "$front_end" $rule
            rule=$(output_rules)
            with_each_plugin assert_succeeds "$front_end" -t mangle ${rule/-A/-C}
            "$front_end" -t mangle -D OUTPUT 1
        } 2>>"$scratch/warnings"
    done
}

tc_takes_stock_alone() {
    local words=(tc filter add dev lo ingress matchall action xt -j CONNMARK --set-mark 1)
    if ! command -v tc >/dev/null || [[ $(tc action add action xt help 2>&1) != *-j* ]]; then
        echo "note: left out tc: it has no action xt"
        return
    fi
    tc qdisc add dev lo clsact
    "${words[@]}" >"$scratch/tc" 2>&1 || true
    assert_contains "answer of tc" "unrecognized option" "$(<"$scratch/tc")"
    # The cure. Whether the kernel still has the action does not matter.
    mkdir "$scratch/of_iptables"
    ln -s "$stock_plugin" "$scratch/of_iptables/libxt_CONNMARK.so"
    XTABLES_LIBDIR="$scratch/of_iptables:$XTABLES_LIBDIR" "${words[@]}" >"$scratch/tc" 2>&1 || true
    assert_contains "answer of tc with the plugin of iptables" "CONNMARK set 0x1" "$(<"$scratch/tc")"
}

python_names_other_exceptions() {
    if ! /usr/bin/python3 -c 'import iptc' 2>/dev/null; then
        echo "note: left out python-iptables: it is not installed"
        return
    fi
    local script='
import iptc, sys
try:
    iptc.Rule().create_target("CONNMARK").set_parameter(sys.argv[1], "x")
except Exception as error:
    print(type(error).__name__)'
    local stock ours option
    for option in set-mark:XTablesError:ValueError no-such:XTablesError:AttributeError; do
        IFS=: read -r option stock ours <<<"$option"
        assert_equal "exception of stock for $option" "$stock" "$(with_stock /usr/bin/python3 -c "$script" "$option")"
        assert_equal "exception for $option" "$ours" "$(/usr/bin/python3 -c "$script" "$option")"
    done
}

check() {
    local beginning shown_by row
    local -a of_manual entries shown=()
    mapfile -t of_manual < <(rows_of_the_manual)
    assert_equal "rows in the manual" "$(rows | wc -l)" "${#of_manual[@]}"
    while IFS='|' read -r beginning shown_by; do
        row=$(printf '%s\n' "${of_manual[@]}" | grep -c -F -e "$beginning") || true
        assert_equal "rows in the manual on: $beginning" 1 "$row"
        if [[ $(type -t "$shown_by") == function ]]; then
            "$shown_by"
        else
            IFS=, read -ra entries <<<"$shown_by"
            shown+=("${entries[@]}")
        fi
    done < <(rows)
    assert_equal "entries of the list that have a row" "$(entries_of_the_list)" "$(printf '%s\n' "${shown[@]}" | sort)"
}

for_each_front_end check iptables-nft
