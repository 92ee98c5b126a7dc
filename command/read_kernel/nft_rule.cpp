// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_kernel/nft_rule.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <cstring>
#include <utility>

#include "command/read_kernel/netlink.h"
#include "command/read_kernel/nft/expression_reader.h"

namespace connmark {
namespace {

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') result += '\\';
    result += letter;
  }
  return result + '"';
}

// NFTNL_UDATA_RULE_COMMENT of libnftnl: type, length, text with its NUL.
std::string comment_of(nft::Bytes user_data) {
  while (user_data.size() >= 2) {
    const auto type = std::to_integer<std::size_t>(user_data[0]);
    const auto length = std::to_integer<std::size_t>(user_data[1]);
    if (length > user_data.size() - 2) break;
    if (type == 0) {
      const auto *const text = reinterpret_cast<const char *>(user_data.data() + 2);
      return {text, strnlen(text, length)};
    }
    user_data = user_data.subspan(2 + length);
  }
  return {};
}

}  // namespace

ChainIndex NftTable::chain(std::string_view name) const {
  const auto found = chains.find(std::string(name));
  return found != chains.end() ? found->second : kNoChain;
}

NftSetUses read_nft_rule(const NftTable &table, std::string_view chain, const nlattr *expressions,
                         const nlattr *user_data, Rule &rule) {
  NftSetUses uses = nft::ExpressionReader(table, chain, rule).read(expressions);
  const std::string comment = comment_of(nft::bytes_of(user_data));
  if (!comment.empty()) {
    rule.comment = comment;
    if (!rule.text.empty() && !table.is_of_iptables) rule.text += " comment " + quoted(comment);
  }
  return uses;
}

bool has_xt_expression(const nlattr *expressions) {
  bool found = false;
  each_nested(expressions, [&found](const nlattr &element) {
    const std::string_view name = Attributes(&element).text(NFTA_EXPR_NAME);
    if (name == "match" || name == "target") found = true;
  });
  return found;
}

Branch branch_of(const NftTable &table, const nlattr *data) {
  const nlattr *const verdict = Attributes(data)[NFTA_DATA_VERDICT];
  if (verdict == nullptr) return {};
  const Attributes of{verdict};
  const auto code = static_cast<std::int32_t>(of.number_be(NFTA_VERDICT_CODE));
  if (code == NFT_JUMP || code == NFT_GOTO) {
    const ChainIndex chain = table.chain(of.text(NFTA_VERDICT_CHAIN));
    if (chain == kNoChain) return {};
    return {code == NFT_GOTO ? Verdict::kGoto : Verdict::kJump, chain};
  }
  if (code == NFT_RETURN) return {Verdict::kReturn};
  if (code < 0) return {};
  return {(code & NF_VERDICT_MASK) == NF_DROP ? Verdict::kDrop : Verdict::kAccept};
}

}  // namespace connmark
