# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Completion of connmark for bash. Needs nothing but bash itself.

_connmark() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words=''
    local marks='--set-xmark --set-mark --and-mark --or-mark --xor-mark'
    local connmarks="$marks --save-mark --restore-mark --nfmask --ctmask --mask --left-shift-mark --right-shift-mark"
    if ((COMP_CWORD == 1)); then
        words='explain translate audit flows --help --version'
    else
        case ${COMP_WORDS[1]} in
        explain) words="--packet --connection --json --help $connmarks -j" ;;
        translate) words="--nft-version --ipv6 --json --help $connmarks -j" ;;
        audit) words='--iptables --nft --rules --sysctl --owner --owners --strict --translations --json --help' ;;
        flows) words='--mark --owner --owners --watch --events --json --help' ;;
        esac
        case $before in
        -j) words='CONNMARK MARK' ;;
        --save-mark | --restore-mark) ;;
        --owners | --iptables | --nft | --rules | --sysctl)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            return
            ;;
        --mark | --owner | --events | --nft-version | --packet | --connection | --*-mark | --set-xmark | --*mask)
            # A number or a name of the user's follows.
            words=''
            ;;
        esac
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _connmark connmark
