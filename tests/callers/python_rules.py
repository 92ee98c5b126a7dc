# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules made in this process by python-iptables.

    python_rules.py 4|6 <rules >answers

A line of the input is the options of a CONNMARK target, in the order in which they are set: NAME=VALUE, separated by
tabs. Each rule is appended to OUTPUT of the mangle table, and all are committed at the end. The answer is a line per
rule, again with tabs: the name of the exception and "-", or "done" and the options as python-iptables reads them back,
before the rule is appended. A line "kernel" follows, and the options of each rule as they are read back from there.
"""

import sys

import iptc


def as_text(target):
    return " ".join(
        " ".join([name, *values]) for name, values in target.get_all_parameters().items()
    )


def main():
    ipv6 = sys.argv[1] == "6"
    table = (iptc.Table6 if ipv6 else iptc.Table)("mangle", autocommit=False)
    chain = iptc.Chain(table, "OUTPUT")
    answers = []
    for line in sys.stdin:
        rule = iptc.Rule6() if ipv6 else iptc.Rule()
        target = rule.create_target("CONNMARK")
        try:
            for option in filter(None, line.rstrip("\n").split("\t")):
                target.set_parameter(*option.split("=", 1))
            read_back = as_text(target)
            chain.append_rule(rule)
            answers.append(f"done\t{read_back}")
        except Exception as error:  # which one is the answer
            answers.append(f"{type(error).__name__}\t-")
        # A plugin may end this process, and which rule it was is then wanted.
        sys.stderr.write("\n")
        sys.stderr.flush()
    table.commit()
    table.refresh()
    answers.append("kernel")
    answers.extend(as_text(rule.target) for rule in chain.rules)
    print("\n".join(answers))


main()
