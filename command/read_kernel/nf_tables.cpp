// SPDX-License-Identifier: GPL-2.0-or-later
//
// Tables, chains, sets and rules come in dumps of their own, and anybody may
// change them in between: the kernel numbers the generations of its rules, and
// all dumps have to be of one generation.
#include "command/read_kernel/nf_tables.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_set>
#include <utility>
#include <vector>

#include "command/read_kernel/kernel_access.h"
#include "command/read_kernel/netlink.h"
#include "command/read_kernel/nft_rule.h"
#include "command/refusal.h"
#include "command/rule_set/builtin_chains.h"

namespace connmark {
namespace {

constexpr int kAttempts = 20;
// Of netdev's own hooks, and of the one that inet has since Linux 5.10.
constexpr std::uint32_t kNetdevIngress = 0;
constexpr std::uint32_t kNetdevEgress = 1;
constexpr std::uint32_t kInetIngress = 5;

NetlinkRequest request_for(int type, std::uint16_t flags, std::uint8_t family = AF_UNSPEC) {
  NetlinkRequest request(static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type), flags);
  auto *const header =
      static_cast<nfgenmsg *>(mnl_nlmsg_put_extra_header(request.message(), sizeof(nfgenmsg)));
  header->nfgen_family = family;
  header->version = NFNETLINK_V0;
  header->res_id = 0;
  return request;
}

std::uint8_t protocol_family(const nlmsghdr &message) {
  return static_cast<const nfgenmsg *>(mnl_nlmsg_get_payload(&message))->nfgen_family;
}

Attributes attributes_of(const nlmsghdr &message) { return {message, sizeof(nfgenmsg)}; }

std::optional<Family> family_of(std::uint8_t protocol) {
  switch (protocol) {
    case NFPROTO_IPV4:
      return Family::kIpv4;
    case NFPROTO_IPV6:
      return Family::kIpv6;
    case NFPROTO_INET:
      return Family::kInet;
    case NFPROTO_ARP:
      return Family::kArp;
    case NFPROTO_BRIDGE:
      return Family::kBridge;
    case NFPROTO_NETDEV:
      return Family::kNetdev;
    default:
      return std::nullopt;
  }
}

std::optional<Hook> hook_of(Family family, std::uint32_t number) {
  if (family == Family::kNetdev) {
    if (number == kNetdevIngress) return Hook::kIngress;
    if (number == kNetdevEgress) return Hook::kEgress;
    return std::nullopt;
  }
  if (family == Family::kArp) {
    static constexpr Hook kHooks[] = {Hook::kInput, Hook::kOutput, Hook::kForward};
    return number < std::size(kHooks) ? std::optional(kHooks[number]) : std::nullopt;
  }
  switch (number) {
    case NF_INET_PRE_ROUTING:
      return Hook::kPrerouting;
    case NF_INET_LOCAL_IN:
      return Hook::kInput;
    case NF_INET_FORWARD:
      return Hook::kForward;
    case NF_INET_LOCAL_OUT:
      return Hook::kOutput;
    case NF_INET_POST_ROUTING:
      return Hook::kPostrouting;
    case kInetIngress:
      return family == Family::kInet ? std::optional(Hook::kIngress) : std::nullopt;
    default:
      return std::nullopt;
  }
}

struct ReadTable : NftTable {
  std::uint8_t protocol = 0;
  std::string name;
  std::vector<ChainIndex> indices;
  // How often the chains are used: by their rules, and by rules that lead to them.  While the
  // kernel takes in a change, it counts what is to come and still shows what was: a hint.
  std::uint64_t uses = 0;
  bool could_be_of_iptables = false;
  std::unordered_set<std::string> changed_sets;
};

// For each of a dump's messages, which hold some hundred rules, the kernel walks
// again from the first rule of what was asked for.  A table of this many rules is
// read faster chain by chain, one with fewer in one dump.
constexpr std::uint64_t kRulesInOneDump = 5000;

using TableKey = std::pair<std::uint8_t, std::string>;

// One generation of the rules.
class Reading {
 public:
  explicit Reading(Ruleset &ruleset) : ruleset_(ruleset) {}

  // Whether all was of one generation; if not, `ruleset` is half filled.  Nothing
  // where the kernel has no nf_tables.
  std::optional<bool> read();

 private:
  int dump(NetlinkRequest request, const std::function<bool(const nlmsghdr &)> &visit);
  std::optional<std::uint32_t> generation();

  void add_table(const nlmsghdr &message);
  void add_chain(const nlmsghdr &message);
  void add_set(const nlmsghdr &message);
  void add_branches(ReadTable &table, const std::string &set);
  void tell_whose_tables();
  bool has_xt_rules(const ReadTable &table);
  void read_rules(ReadTable &table);
  void read_rules(ReadTable &table, const std::string *chain);
  void add_rule(ReadTable &table, ChainIndex chain, std::uint64_t position, const Attributes &of);
  void distrust_changed_sets();
  ReadTable *table_of(const nlmsghdr &message, std::string_view name);
  InputIndex input(bool is_of_iptables);

  Ruleset &ruleset_;
  NetlinkConversation kernel_{NETLINK_NETFILTER};
  bool interrupted_ = false;
  std::map<TableKey, ReadTable> tables_;
  std::vector<std::tuple<ReadTable *, std::string>> verdict_maps_;
  // Matches that look into a set with a name.
  struct Lookup {
    std::size_t rule = 0;
    std::uint32_t match = 0;
    const ReadTable *table = nullptr;
    std::string set;
  };
  std::vector<Lookup> lookups_;
  std::vector<std::uint64_t> positions_;  // in each chain, the last rule that was read
  std::optional<InputIndex> native_input_;
  std::optional<InputIndex> iptables_input_;
};

int Reading::dump(NetlinkRequest request, const std::function<bool(const nlmsghdr &)> &visit) {
  const int error = kernel_.ask(request, visit);
  if (error == EINTR) interrupted_ = true;
  if (error != 0 && error != EINTR && error != ENOENT) refuse_access(error);
  return error;
}

std::optional<std::uint32_t> Reading::generation() {
  std::uint32_t number = 0;
  NetlinkRequest request = request_for(NFT_MSG_GETGEN, 0);
  const int error = kernel_.ask(request, [&number](const nlmsghdr &message) {
    number = attributes_of(message).number_be(NFTA_GEN_ID);
    return true;
  });
  // What a kernel without nfnetlink, or without nf_tables, answers.
  if (error == EPROTONOSUPPORT || error == EINVAL || error == EOPNOTSUPP) return std::nullopt;
  if (error != 0) refuse_access(error);
  return number;
}

std::optional<bool> Reading::read() {
  const std::optional<std::uint32_t> before = generation();
  if (!before) return std::nullopt;
  dump(request_for(NFT_MSG_GETTABLE, NLM_F_DUMP), [this](const nlmsghdr &message) {
    add_table(message);
    return true;
  });
  if (tables_.empty()) return generation() == before && !interrupted_;
  dump(request_for(NFT_MSG_GETCHAIN, NLM_F_DUMP), [this](const nlmsghdr &message) {
    add_chain(message);
    return true;
  });
  dump(request_for(NFT_MSG_GETSET, NLM_F_DUMP), [this](const nlmsghdr &message) {
    add_set(message);
    return true;
  });
  for (const auto &[table, set] : verdict_maps_) add_branches(*table, set);
  tell_whose_tables();
  positions_.resize(ruleset_.chains.size());
  for (auto &[key, table] : tables_) read_rules(table);
  distrust_changed_sets();
  return generation() == before && !interrupted_;
}

ReadTable *Reading::table_of(const nlmsghdr &message, std::string_view name) {
  const auto found = tables_.find(TableKey{protocol_family(message), name});
  return found != tables_.end() ? &found->second : nullptr;
}

void Reading::add_table(const nlmsghdr &message) {
  const Attributes of = attributes_of(message);
  const std::uint8_t protocol = protocol_family(message);
  const std::optional<Family> family = family_of(protocol);
  if (!family || (of.number_be(NFTA_TABLE_FLAGS) & NFT_TABLE_F_DORMANT) != 0) return;
  ReadTable table;
  table.family = *family;
  table.protocol = protocol;
  table.name = of.text(NFTA_TABLE_NAME);
  table.could_be_of_iptables = (family == Family::kIpv4 || family == Family::kIpv6) &&
                               (builtin_chain(table.name, "OUTPUT").has_value());
  TableKey key{protocol, table.name};
  tables_.emplace(std::move(key), std::move(table));
}

void Reading::add_chain(const nlmsghdr &message) {
  const Attributes of = attributes_of(message);
  ReadTable *const table = table_of(message, of.text(NFTA_CHAIN_TABLE));
  if (table == nullptr) return;
  Chain chain;
  chain.family = table->family;
  chain.table = table->name;
  chain.name = of.text(NFTA_CHAIN_NAME);
  if (of[NFTA_CHAIN_HOOK] != nullptr) {
    const Attributes hook(of[NFTA_CHAIN_HOOK]);
    chain.hook = hook_of(table->family, hook.number_be(NFTA_HOOK_HOOKNUM));
    chain.priority = static_cast<int>(hook.number_be(NFTA_HOOK_PRIORITY));
    chain.reroutes = of.text(NFTA_CHAIN_TYPE) == "route" && chain.hook == Hook::kOutput;
    chain.is_nat = of.text(NFTA_CHAIN_TYPE) == "nat";
    chain.policy_drops =
        of[NFTA_CHAIN_POLICY] != nullptr && of.number_be(NFTA_CHAIN_POLICY) == NF_DROP;
    const auto builtin = builtin_chain(table->name, chain.name);
    if (!builtin || builtin->hook != chain.hook || builtin->priority != chain.priority) {
      table->could_be_of_iptables = false;
    }
  }
  const auto index = static_cast<ChainIndex>(ruleset_.chains.size());
  table->chains.emplace(chain.name, index);
  table->indices.push_back(index);
  table->uses += of.number_be(NFTA_CHAIN_USE);
  ruleset_.chains.push_back(std::move(chain));
}

void Reading::add_set(const nlmsghdr &message) {
  const Attributes of = attributes_of(message);
  ReadTable *const table = table_of(message, of.text(NFTA_SET_TABLE));
  if (table == nullptr) return;
  const std::uint32_t flags = of.number_be(NFTA_SET_FLAGS);
  std::string name(of.text(NFTA_SET_NAME));
  NftSet set;
  set.is_anonymous = (flags & NFT_SET_ANONYMOUS) != 0;
  set.key_size = of.number_be(NFTA_SET_KEY_LEN);
  if ((flags & NFT_SET_MAP) != 0 && of.number_be(NFTA_SET_DATA_TYPE) == NFT_DATA_VERDICT) {
    verdict_maps_.emplace_back(table, name);
  }
  table->sets.emplace(std::move(name), std::move(set));
}

void Reading::add_branches(ReadTable &table, const std::string &set) {
  NetlinkRequest request = request_for(NFT_MSG_GETSETELEM, NLM_F_DUMP, table.protocol);
  mnl_attr_put_strz(request.message(), NFTA_SET_ELEM_LIST_TABLE, table.name.c_str());
  mnl_attr_put_strz(request.message(), NFTA_SET_ELEM_LIST_SET, set.c_str());
  auto branches = std::make_shared<std::vector<Branch>>();
  std::unordered_set<std::uint64_t> seen;
  dump(std::move(request), [&](const nlmsghdr &message) {
    each_nested(attributes_of(message)[NFTA_SET_ELEM_LIST_ELEMENTS], [&](const nlattr &element) {
      const Branch branch = branch_of(table, Attributes(&element)[NFTA_SET_ELEM_DATA]);
      const auto key = static_cast<std::uint64_t>(branch.verdict) << 32 | branch.chain;
      if (branch.verdict != Verdict::kContinue && seen.insert(key).second) {
        branches->push_back(branch);
      }
    });
    return true;
  });
  table.sets[set].branches = std::move(branches);
}

// iptables-nft leaves no sign of its own: its tables are those with iptables'
// names, whose base chains are iptables' in name and place, and in which there is
// a rule with an expression that only iptables makes.
void Reading::tell_whose_tables() {
  for (auto &[key, table] : tables_) {
    table.is_of_iptables = table.could_be_of_iptables && has_xt_rules(table);
    for (const ChainIndex index : table.indices) {
      ruleset_.chains[index].input = input(table.is_of_iptables);
    }
  }
}

bool Reading::has_xt_rules(const ReadTable &table) {
  bool found = false;
  NetlinkRequest request = request_for(NFT_MSG_GETRULE, NLM_F_DUMP, table.protocol);
  mnl_attr_put_strz(request.message(), NFTA_RULE_TABLE, table.name.c_str());
  dump(std::move(request), [&found](const nlmsghdr &message) {
    found = has_xt_expression(attributes_of(message)[NFTA_RULE_EXPRESSIONS]);
    return !found;
  });
  return found;
}

InputIndex Reading::input(bool is_of_iptables) {
  std::optional<InputIndex> &index = is_of_iptables ? iptables_input_ : native_input_;
  if (!index) {
    index = static_cast<InputIndex>(ruleset_.inputs.size());
    ruleset_.inputs.push_back(
        {.name = is_of_iptables ? "kernel: iptables-nft" : "kernel: nf_tables",
         .is_nft = !is_of_iptables});
  }
  return *index;
}

void Reading::read_rules(ReadTable &table) {
  if (table.uses <= kRulesInOneDump) return read_rules(table, nullptr);
  for (const ChainIndex chain : table.indices) {
    const std::string name = ruleset_.chains[chain].name;
    read_rules(table, &name);
  }
}

// Of one chain, or of all.
void Reading::read_rules(ReadTable &table, const std::string *chain) {
  NetlinkRequest request = request_for(NFT_MSG_GETRULE, NLM_F_DUMP, table.protocol);
  mnl_attr_put_strz(request.message(), NFTA_RULE_TABLE, table.name.c_str());
  if (chain != nullptr) mnl_attr_put_strz(request.message(), NFTA_RULE_CHAIN, chain->c_str());
  dump(std::move(request), [&](const nlmsghdr &message) {
    const Attributes of = attributes_of(message);
    const std::string_view name = of.text(NFTA_RULE_CHAIN);
    // A kernel that cannot choose sends the rules of all tables and chains.
    if (protocol_family(message) != table.protocol || of.text(NFTA_RULE_TABLE) != table.name ||
        (chain != nullptr && name != *chain)) {
      return true;
    }
    const ChainIndex index = table.chain(name);
    if (index != kNoChain) add_rule(table, index, ++positions_[index], of);
    return true;
  });
}

void Reading::add_rule(ReadTable &table, ChainIndex chain, std::uint64_t position,
                       const Attributes &of) {
  ++ruleset_.inputs[ruleset_.chains[chain].input].rules;
  Rule rule;
  rule.chain = chain;
  rule.number = table.is_of_iptables ? position : of.number_be64(NFTA_RULE_HANDLE);
  NftSetUses sets = read_nft_rule(table, of.text(NFTA_RULE_CHAIN), of[NFTA_RULE_EXPRESSIONS],
                                  of[NFTA_RULE_USERDATA], rule);
  table.changed_sets.insert(sets.changed.begin(), sets.changed.end());
  const bool touches_marks = !rule.text.empty();
  if (!touches_marks && rule.outcome.verdict == Verdict::kContinue && rule.branches == nullptr &&
      !rule.untracks) {
    return;
  }
  for (auto &[match, set] : sets.lookups) {
    lookups_.push_back({ruleset_.rules.size(), match, &table, std::move(set)});
  }
  ruleset_.rules.push_back(std::move(rule));
}

// What rules add to and take away for each packet may have another answer at the
// next look.
void Reading::distrust_changed_sets() {
  for (const Lookup &lookup : lookups_) {
    if (!lookup.table->changed_sets.contains(lookup.set)) continue;
    ruleset_.rules[lookup.rule].matches[lookup.match].is_stable = false;
  }
}

}  // namespace

bool read_nf_tables(Ruleset &ruleset) {
  const std::size_t inputs = ruleset.inputs.size();
  const std::size_t chains = ruleset.chains.size();
  const std::size_t rules = ruleset.rules.size();
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const std::optional<bool> whole = Reading(ruleset).read();
    if (!whole || *whole) return whole.has_value();
    ruleset.inputs.resize(inputs);
    ruleset.chains.resize(chains);
    ruleset.rules.resize(rules);
  }
  throw Refusal("the rules change faster than they can be read, try again");
}

}  // namespace connmark
