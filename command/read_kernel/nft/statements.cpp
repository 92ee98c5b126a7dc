// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a rule does.
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>

#include <algorithm>
#include <array>
#include <utility>

#include "command/read_kernel/nft/expression_reader.h"
#include "command/read_kernel/xt_extensions.h"
#include "command/read_kernel/xt_text.h"

namespace connmark::nft {
namespace {

const char *nft_mark(Mark mark) { return mark == Mark::kConnection ? "ct mark" : "meta mark"; }

}  // namespace

NftSetUses ExpressionReader::read(const nlattr *expressions) {
  each_nested(expressions, [this](const nlattr &element) {
    const Attributes of(&element);
    expression(of.text(NFTA_EXPR_NAME), of[NFTA_EXPR_DATA]);
  });
  if (rule_.touches_marks() || rule_.mark_rule) {
    rule_.text = table_.is_of_iptables && !writes_natively_ ? text_.in_iptables() : text_.in_nft();
  }
  return std::move(sets_);
}

void ExpressionReader::expression(std::string_view name, const nlattr *data) {
  const Attributes of(data);
  if (name == "meta") return meta(of);
  if (name == "ct") return ct(of);
  if (name == "immediate") return immediate(of);
  if (name == "bitwise") return bitwise(of);
  if (name == "byteorder") return byteorder(of);
  if (name == "cmp") return cmp(of);
  if (name == "range") return range(of);
  if (name == "lookup") return lookup(of);
  if (name == "dynset") return dynset(of);
  if (name == "hash") return hash(of);
  if (name == "payload") return payload(of);
  if (name == "match" || name == "target") return xt(name == "match", of);
  if (load(name, of) || statement(name, of)) return;
  // Whatever it is, it may have written any register.
  if (registers_.has_marks()) {
    marks_.say(std::string(name) + " with " + registers_.words(NFT_REG_1, kRegisters * kWord));
    use(NFT_REG_1, kRegisters * kWord);
  }
  registers_.clear();
  field_.reset();
  match_other(std::string(name), false);
}

bool ExpressionReader::statement(std::string_view name, const Attributes &of) {
  if (name == "counter" || name == "last") return true;
  if (name == "limit" || name == "quota" || name == "connlimit") {
    match_other(std::string(name), false);
  } else if (name == "objref") {
    objref(of);
  } else if (name == "log") {
    // LOG and NFLOG, which are targets in iptables.
    text_.iptables_target(" ...");
  } else if (name == "reject") {
    ends(Verdict::kDrop);
  } else if (name == "queue") {
    use(of, {NFTA_QUEUE_SREG_QNUM});
    ends(Verdict::kAccept);
  } else if (name == "nat") {
    use(of, {NFTA_NAT_REG_ADDR_MIN, NFTA_NAT_REG_ADDR_MAX, NFTA_NAT_REG_PROTO_MIN,
             NFTA_NAT_REG_PROTO_MAX});
    ends(Verdict::kAccept);
  } else if (name == "masq") {
    use(of, {NFTA_MASQ_REG_PROTO_MIN, NFTA_MASQ_REG_PROTO_MAX});
    ends(Verdict::kAccept);
  } else if (name == "redir") {
    use(of, {NFTA_REDIR_REG_PROTO_MIN, NFTA_REDIR_REG_PROTO_MAX});
    ends(Verdict::kAccept);
  } else if (name == "fwd") {
    use(of, {NFTA_FWD_SREG_DEV, NFTA_FWD_SREG_ADDR});
    ends(Verdict::kDrop);
  } else if (name == "synproxy") {
    // What is no part of a handshake passes (nft_synproxy_do_eval()).
    add_match(rule_, other_match("synproxy " + numbers_of(of, {1, 2, 3})));
    ends(Verdict::kDrop);
  } else if (name == "tproxy") {
    // It ends the rule where there is no socket, and else nothing.
    use(of, {NFTA_TPROXY_REG_ADDR, NFTA_TPROXY_REG_PORT});
    add_match(rule_, other_match("tproxy " + numbers_of(of, {1, 2, 3})));
    text_.other();
  } else if (name == "dup") {
    use(of, {NFTA_DUP_SREG_ADDR, NFTA_DUP_SREG_DEV});
    text_.other();
  } else if (name == "notrack") {
    rule_.untracks = true;
    text_.other();
  } else if (name == "flow_offload") {
    add_match(rule_, other_match("flow", false, false));
    text_.other();
  } else if (name == "exthdr") {
    write_other("...", of.number_be(NFTA_EXTHDR_SREG));
  } else {
    return false;
  }
  return true;
}

void ExpressionReader::ends(Verdict verdict) {
  rule_.outcome = {verdict};
  text_.other();
  text_.iptables_target(" ...");
}

void ExpressionReader::match_other(std::string words, bool is_stable) {
  add_match(rule_, other_match(std::move(words), false, is_stable));
  text_.other();
  text_.other_match();
}

void ExpressionReader::use(std::uint32_t number, std::size_t size) {
  const Register key = registers_.key(number, size);
  if (!key.of_marks) return;
  if (key.of_connection) marks_.need_connection();
  marks_.look_at(key.sources());
}

void ExpressionReader::use(const Attributes &of, std::initializer_list<std::size_t> types) {
  for (const std::size_t type : types) {
    if (of[type] != nullptr) use(of.number_be(type), kWord);
  }
}

void ExpressionReader::write_mark(Mark mark, std::uint32_t number) {
  writes_natively_ = true;
  const Register *const value = registers_.at(number);
  const std::string statement = std::string(nft_mark(mark)) + " set " +
                                (value != nullptr && value->is_said ? value->text : "...");
  text_.nft(statement);
  if (value == nullptr) return marks_.write_unknown(mark, statement);
  if (!value->missing.empty()) {
    add_match(rule_, other_match(value->missing, false, value->is_stable));
  }
  if (value->of_connection) marks_.need_connection();
  marks_.look_at(value->lost);
  if (value->value.unknown_bits() != 0) marks_.say(statement);
  marks_.write(mark, value->value);
}

void ExpressionReader::write_other(const std::string &what, std::uint32_t number) {
  if (!registers_.has_marks(number, kWord)) return text_.other();
  text_.nft(what + " set " + registers_.words(number, kWord));
  use(number, kWord);
}

// A set that is full ends the rule.
void ExpressionReader::dynset(const Attributes &of) {
  const std::uint32_t key = of.number_be(NFTA_DYNSET_SREG_KEY);
  const std::string name(of.text(NFTA_DYNSET_SET_NAME));
  const auto found = table_.sets.find(name);
  const std::size_t size = found != table_.sets.end() ? found->second.key_size : kWord;
  const bool has_data = of[NFTA_DYNSET_SREG_DATA] != nullptr;
  const std::uint32_t data = of.number_be(NFTA_DYNSET_SREG_DATA);
  const std::uint32_t operation = of.number_be(NFTA_DYNSET_OP);
  const char *const verb = operation == NFT_DYNSET_OP_ADD      ? "add"
                           : operation == NFT_DYNSET_OP_UPDATE ? "update"
                                                               : "delete";
  const std::string statement = std::string(verb) + " @" + name + " { " +
                                registers_.words(key, size) +
                                (has_data ? " : " + registers_.words(data, kWord) : "") + " }";
  const bool of_marks =
      registers_.has_marks(key, size) || (has_data && registers_.has_marks(data, kWord));
  use(key, size);
  if (has_data) use(data, kWord);
  add_match(rule_, other_match(statement, false, false));
  sets_.changed.push_back(name);
  text_.other_match();
  of_marks ? text_.nft(statement) : text_.other();
}

// Objects that limit may end the rule, and so does a key that is not in the map.
void ExpressionReader::objref(const Attributes &of) {
  if (of[NFTA_OBJREF_SET_SREG] != nullptr) {
    const std::uint32_t source = of.number_be(NFTA_OBJREF_SET_SREG);
    const std::string name(of.text(NFTA_OBJREF_SET_NAME));
    const auto found = table_.sets.find(name);
    const std::size_t size = found != table_.sets.end() ? found->second.key_size : kWord;
    const Register key = registers_.key(source, size);
    const bool is_anonymous = found != table_.sets.end() && found->second.is_anonymous;
    if (key.of_marks) {
      text_.nft("... " + registers_.words(source, size) + " map " +
                (is_anonymous ? "{ ... }" : "@" + name));
    } else {
      text_.other();
    }
    text_.other_match();
    return match_with_many(source, size, key.text + " map @" + name, false);
  }
  static constexpr std::array<std::uint32_t, 3> kLimiting = {NFT_OBJECT_QUOTA, NFT_OBJECT_LIMIT,
                                                             NFT_OBJECT_CONNLIMIT};
  const std::uint32_t type = of.number_be(NFTA_OBJREF_IMM_TYPE);
  if (type == NFT_OBJECT_SYNPROXY) {
    add_match(rule_, other_match("synproxy " + std::string(of.text(NFTA_OBJREF_IMM_NAME))));
    return ends(Verdict::kDrop);
  }
  if (std::ranges::find(kLimiting, type) == kLimiting.end()) return text_.other();
  match_other("object " + std::string(of.text(NFTA_OBJREF_IMM_NAME)), false);
}

void ExpressionReader::xt(bool is_match, const Attributes &of) {
  static_assert(static_cast<int>(NFTA_MATCH_NAME) == static_cast<int>(NFTA_TARGET_NAME) &&
                static_cast<int>(NFTA_MATCH_REV) == static_cast<int>(NFTA_TARGET_REV) &&
                static_cast<int>(NFTA_MATCH_INFO) == static_cast<int>(NFTA_TARGET_INFO));
  const XtExtension extension{std::string(of.text(NFTA_MATCH_NAME)),
                              static_cast<std::uint8_t>(of.number_be(NFTA_MATCH_REV)),
                              bytes_of(of[NFTA_MATCH_INFO])};
  const XtContext context{table_.family, text_.protocol()};
  const bool of_marks = is_match ? connmark::add_match(context, extension, rule_, marks_)
                                 : add_target(extension, rule_, marks_);
  if (!table_.is_of_iptables) {
    if (!of_marks) return text_.other();
    // nft has no words of its own for it.
    const std::string words = is_match ? match_text(table_.family, 0, extension)
                                       : target_text(table_.family, 0, extension);
    return text_.nft(words.substr(1));
  }
  if (is_match) {
    text_.iptables_match(match_text(table_.family, text_.protocol(), extension));
  } else {
    text_.iptables_target(target_text(table_.family, text_.protocol(), extension));
  }
}

void ExpressionReader::verdict(const nlattr *data) {
  const Attributes of{Attributes(data)[NFTA_DATA_VERDICT]};
  const auto code = static_cast<std::int32_t>(of.number_be(NFTA_VERDICT_CODE));
  if (code == NFT_CONTINUE || code == NFT_BREAK) return;
  rule_.outcome = branch_of(table_, data);
  if (code == NFT_JUMP || code == NFT_GOTO) {
    const std::string chain(of.text(NFTA_VERDICT_CHAIN));
    text_.nft((code == NFT_GOTO ? "goto " : "jump ") + chain);
    return text_.iptables_target((code == NFT_GOTO ? " -g " : " -j ") + chain);
  }
  const char *nft = "accept";
  const char *iptables = " -j ACCEPT";
  if (code == NFT_RETURN) {
    nft = "return";
    iptables = " -j RETURN";
  } else if ((code & NF_VERDICT_MASK) == NF_DROP) {
    nft = "drop";
    iptables = " -j DROP";
  } else if ((code & NF_VERDICT_MASK) == NF_QUEUE) {
    nft = "queue";
    iptables = " -j QUEUE";
  }
  text_.nft(nft);
  text_.iptables_target(iptables);
}

}  // namespace connmark::nft
