// SPDX-License-Identifier: GPL-2.0-or-later
#include "semantics/rule_chain.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace connmark::test {
namespace {

// In a user namespace a program cannot raise the size of its netlink socket
// above the system's limit, and not many more rules than this fit into that.
// The legacy kernel interface replaces the whole table each time, so there all
// rules are loaded at once.
constexpr std::size_t kRulesPerNetlinkLoad = 400;
constexpr std::size_t kRulesPerLegacyLoad = std::numeric_limits<std::size_t>::max();

constexpr std::size_t kShownMismatches = 10;

std::string hex(std::uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%x", value);
  return text;
}

const char *nft_family(Family family) { return family == Family::kIpv4 ? "ip" : "ip6"; }

// Of a packet without a connection, in nft's words.
const char *state_name(Tracking tracking) {
  return tracking == Tracking::kUntracked ? "untracked" : "invalid";
}

// Nothing for an empty mask, which some releases of nft refuse.
std::string masked_match(const std::string &mark, std::uint32_t value, std::uint32_t mask) {
  if (mask == 0) return "";
  if (mask == kAllBits) return mark + " " + hex(value) + " ";
  return mark + " and " + hex(mask) + " == " + hex(value) + " ";
}

// The marks behind the rule of a case, each bit read by a counter of its own.
Marks marks_found(RuleChain &chain, const MarkCase &each) {
  std::vector<std::string> rules{chain.set_marks(each.before), chain.apply(each.op)};
  for (int i = 0; i < 32; ++i) {
    const std::uint32_t bit = std::uint32_t{1} << i;
    rules.push_back(chain.count({bit, 0}, {bit, 0}));
    rules.push_back(chain.count({0, bit}, {0, bit}));
  }
  chain.start();
  chain.append(rules);
  chain.complete();
  send_packet(chain.family(), chain.tracking());
  const std::vector<std::uint64_t> counts = chain.counts();
  Marks found;
  for (std::size_t i = 0; i < 32; ++i) {
    if (counts.at(2 * i) != 0) found.ct |= std::uint32_t{1} << i;
    if (counts.at(2 * i + 1) != 0) found.nf |= std::uint32_t{1} << i;
  }
  if (!chain.has_connection()) found.ct = each.before.ct;
  return found;
}

}  // namespace

std::string output_of(const std::vector<std::string> &argv, std::string_view input) {
  const CommandResult result = run(argv, input);
  if (result.status == 0) return result.out;
  std::string command;
  for (const std::string &word : argv) command += word + ' ';
  throw std::runtime_error(command + "ended with status " + std::to_string(result.status) + ": " +
                           result.err);
}

void RuleChain::start() {
  if (const std::string why = enter_private_network(); !why.empty()) throw std::runtime_error(why);
  create();
}

void RuleChain::append(const std::vector<std::string> &rules) {
  for (auto first = rules.begin(); first != rules.end();) {
    const auto left = static_cast<std::size_t>(rules.end() - first);
    const auto last = first + static_cast<std::ptrdiff_t>(std::min(left, rules_per_load_));
    load({first, last});
    first = last;
  }
}

XtChain::XtChain(const FrontEnd &front_end)
    : RuleChain(front_end.family, front_end.back_end == std::string("legacy")
                                      ? kRulesPerLegacyLoad
                                      : kRulesPerNetlinkLoad),
      front_end_(front_end) {}

std::string XtChain::set_marks(Marks marks) const {
  return "-A cases -j MARK --set-xmark " + hex(marks.nf) + "/0xffffffff\n" +
         "-A cases -j CONNMARK --set-xmark " + hex(marks.ct) + "/0xffffffff\n";
}

std::string XtChain::apply(const Operation &op) const {
  return "-A cases -j CONNMARK " + options_for(op) + "\n";
}

std::string XtChain::count(Marks value, Marks mask) const {
  const std::string packet = " -m mark --mark " + hex(value.nf) + "/" + hex(mask.nf) + "\n";
  if (!has_connection()) {
    const char *const state = tracking() == Tracking::kUntracked ? "UNTRACKED" : "INVALID";
    return std::string("-A cases -m conntrack --ctstate ") + state + packet;
  }
  return "-A cases -m connmark --mark " + hex(value.ct) + "/" + hex(mask.ct) + packet;
}

void XtChain::create() {
  // Only the packet under test: its ICMP answer, which is of the same
  // connection, walks OUTPUT as well.
  std::string input = "*mangle\n:cases - [0:0]\n-A OUTPUT -p udp --dport 9 -j cases\nCOMMIT\n";
  if (tracking() == Tracking::kUntracked) {
    input += "*raw\n-A OUTPUT -p udp --dport 9 -j CT --notrack\nCOMMIT\n";
  }
  output_of({front_end_.program("restore")}, input);
}

void XtChain::load(const std::vector<std::string> &rules) {
  std::string input = "*mangle\n";
  for (const std::string &rule : rules) input += rule;
  output_of({front_end_.program("restore"), "--noflush"}, input + "COMMIT\n");
}

std::vector<std::uint64_t> XtChain::counts() const {
  std::vector<std::uint64_t> counts;
  const std::string saved = output_of({front_end_.program("save"), "-c", "-t", "mangle"});
  for (const std::string &line : lines(saved)) {
    if (line.find("] -A cases -m conn") == line.npos) continue;
    counts.push_back(std::stoull(line.substr(1)));
  }
  return counts;
}

NftChain::NftChain(Family family, std::vector<std::string> nft,
                   std::map<std::string, std::string> statements)
    : RuleChain(family, kRulesPerNetlinkLoad),
      nft_(std::move(nft)),
      statements_(std::move(statements)) {}

std::string NftChain::set_marks(Marks marks) const {
  return "meta mark set " + hex(marks.nf) + "\nct mark set " + hex(marks.ct) + "\n";
}

std::string NftChain::apply(const Operation &op) const {
  return statements_.at(options_for(op)) + "\n";
}

std::string NftChain::count(Marks value, Marks mask) const {
  const std::string packet = masked_match("meta mark", value.nf, mask.nf) + "counter\n";
  if (!has_connection()) return std::string("ct state ") + state_name(tracking()) + " " + packet;
  return masked_match("ct mark", value.ct, mask.ct) + packet;
}

void NftChain::create() {
  std::string input = std::string("table ") + nft_family(family()) + " semantics {\n";
  input += "chain cases {}\n";
  input += "chain output {\ntype route hook output priority -150\nudp dport 9 jump cases\n}\n";
  if (tracking() == Tracking::kUntracked) {
    input += "chain raw_output {\ntype filter hook output priority -300\nudp dport 9 notrack\n}\n";
  }
  input += "}\n";
  std::vector<std::string> argv = nft_;
  argv.insert(argv.end(), {"-f", "-"});
  output_of(argv, input);
}

void NftChain::load(const std::vector<std::string> &rules) {
  std::string input =
      std::string("table ") + nft_family(family()) + " semantics {\nchain cases {\n";
  for (const std::string &rule : rules) input += rule;
  std::vector<std::string> argv = nft_;
  argv.insert(argv.end(), {"-f", "-"});
  output_of(argv, input + "}\n}\n");
}

std::vector<std::uint64_t> NftChain::counts() const {
  std::vector<std::string> argv = nft_;
  argv.insert(argv.end(), {"list", "chain", nft_family(family()), "semantics", "cases"});
  return nft_counts(output_of(argv));
}

std::vector<std::string> rules_of(const RuleChain &chain, const std::vector<MarkCase> &cases) {
  const Marks whole{chain.has_connection() ? kAllBits : 0, kAllBits};
  std::vector<std::string> rules;
  for (const MarkCase &each : cases) {
    rules.push_back(chain.set_marks(each.before));
    rules.push_back(chain.apply(each.op));
    rules.push_back(chain.count(each.after, whole));
  }
  return rules;
}

std::vector<std::uint64_t> decide(RuleChain &chain, const std::vector<MarkCase> &cases) {
  chain.start();
  chain.append(rules_of(chain, cases));
  chain.complete();
  send_packet(chain.family(), chain.tracking());
  return chain.counts();
}

testing::AssertionResult all_predictions_hold(RuleChain &chain,
                                              const std::vector<MarkCase> &cases) {
  const std::vector<std::uint64_t> counts = decide(chain, cases);
  if (counts.size() != cases.size()) {
    return testing::AssertionFailure()
           << cases.size() << " cases, but " << counts.size() << " counters";
  }
  std::ostringstream report;
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (counts[i] == 1 || ++wrong > kShownMismatches) continue;
    const MarkCase &each = cases[i];
    report << "\n  " << chain.apply(each.op) << "    before:   " << to_string(each.before)
           << "\n    expected: " << to_string(each.after)
           << "\n    found:    " << to_string(marks_found(chain, each));
    if (counts[i] > 1) report << ", and " << counts[i] << " packets were counted";
  }
  if (wrong == 0) return testing::AssertionSuccess();
  return testing::AssertionFailure()
         << wrong << " of " << cases.size() << " cases differ, the first:" << report.str();
}

std::vector<std::uint64_t> nft_counts(std::string_view listing) {
  std::vector<std::uint64_t> counts;
  for (const std::string &line : lines(listing)) {
    unsigned long long packets = 0;
    int end = 0;
    const std::size_t at = line.find(" counter packets ");
    if (at == line.npos) continue;
    if (std::sscanf(line.c_str() + at, " counter packets %llu bytes %*u%n", &packets, &end) == 1 &&
        at + static_cast<std::size_t>(end) == line.size()) {
      counts.push_back(packets);
    }
  }
  return counts;
}

}  // namespace connmark::test
