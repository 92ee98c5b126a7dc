// SPDX-License-Identifier: GPL-2.0-or-later
//
// The floor under every measurement: a plugin with the options of the real one
// and callbacks that do nothing but write a constant.  What it costs is the
// price of iptables itself, so the rest of a plugin's price is its own.
#include <getopt.h>
#include <xtables.h>

#include <cstdio>
#include <iterator>

#include "connmark/options.h"
#include "connmark/wire.h"

namespace connmark {
namespace {

template <std::size_t count>
struct GetoptTable {
  ::option options[count + 1] = {};

  constexpr GetoptTable() {
    for (std::size_t i = 0; i < count; ++i) {
      options[i].name = kOptions[i].name.c_str();
      options[i].has_arg =
          kOptions[i].argument == Argument::kNone ? no_argument : required_argument;
      options[i].val = static_cast<int>(i);
    }
  }
};

constexpr GetoptTable<static_cast<std::size_t>(OptionId::kLeftShiftMark)> kTable1;
constexpr GetoptTable<kOptionCount> kTable2;

void help() {}

void init(xt_entry_target *) {}

int parse(int, char **, int, unsigned int *, const void *, xt_entry_target **) { return 1; }

void final_check(unsigned int) {}

void list(const void *, const xt_entry_target *, int) {
  std::fputs(" CONNMARK save mask 0xff", stdout);
}

void save(const void *, const xt_entry_target *) {
  std::fputs(" --save-mark --nfmask 0xff --ctmask 0xff", stdout);
}

int xlate(xt_xlate *xl, const xt_xlate_tg_params *) {
  xt_xlate_add(xl, "ct mark set mark");
  return 1;
}

constexpr xtables_target target(Revision revision) {
  xtables_target target{};
  target.version = XTABLES_VERSION;
  target.name = "CONNMARK";
  target.revision = static_cast<std::uint8_t>(revision);
  target.family = NFPROTO_UNSPEC;
  target.size = kWireSize;
  target.userspacesize = kWireSize;
  target.help = help;
  target.init = init;
  target.parse = parse;
  target.final_check = final_check;
  target.print = list;
  target.save = save;
  target.extra_opts = revision == Revision::k1 ? kTable1.options : kTable2.options;
  target.xlate = xlate;
  return target;
}

constinit xtables_target targets[] = {target(Revision::k1), target(Revision::k2)};

}  // namespace
}  // namespace connmark

extern "C" [[gnu::constructor]] void libxt_CONNMARK_init();

void libxt_CONNMARK_init() {
  xtables_register_targets(connmark::targets, std::size(connmark::targets));
}
