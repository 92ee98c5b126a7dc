// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is loaded into registers.
#include <linux/netfilter/nf_tables.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <utility>

#include "command/nft/nft_selectors.h"
#include "command/read_kernel/nft/expression_reader.h"

namespace connmark::nft {
namespace {

// By enum nft_meta_keys and nft_ct_keys, in nft's words.
constexpr std::array<std::string_view, 36> kMetaKeys = {
    "length",  "protocol", "priority", "mark",    "iif",     "oif",       "iifname",  "oifname",
    "iiftype", "oiftype",  "skuid",    "skgid",   "nftrace", "rtclassid", "secmark",  "nfproto",
    "l4proto", "ibrname",  "obrname",  "pkttype", "cpu",     "iifgroup",  "oifgroup", "cgroup",
    "random",  "secpath",  "iifkind",  "oifkind", "ibrpvid", "ibrvproto", "time",     "day",
    "hour",    "sdif",     "sdifname", "broute"};
constexpr std::array<std::string_view, 24> kCtKeys = {
    "state",     "direction", "status",   "mark",      "secmark",   "expiration",
    "helper",    "l3proto",   "saddr",    "daddr",     "protocol",  "proto-src",
    "proto-dst", "label",     "packets",  "bytes",     "avgpkt",    "zone",
    "event",     "ip saddr",  "ip daddr", "ip6 saddr", "ip6 daddr", "id"};

template <typename Names>
std::string name_of(const Names &names, std::uint32_t key) {
  return key < names.size() ? std::string(names[key]) : std::to_string(key);
}

std::string meta_words(const std::string &key) {
  static constexpr std::array<std::string_view, 8> kAlone = {
      "iif", "oif", "iifname", "oifname", "iiftype", "oiftype", "iifgroup", "oifgroup"};
  return std::ranges::find(kAlone, key) != kAlone.end() ? key : "meta " + key;
}

// The size of what a key loads, where that is more than one register.
std::size_t size_of_meta(std::uint32_t key) {
  switch (key) {
    case NFT_META_IIFNAME:
    case NFT_META_OIFNAME:
    case NFT_META_BRI_IIFNAME:
    case NFT_META_BRI_OIFNAME:
    case NFT_META_IIFKIND:
    case NFT_META_OIFKIND:
    case NFT_META_SDIFNAME:
      return IFNAMSIZ;
    case NFT_META_TIME_NS:
      return 8;
    default:
      return kWord;
  }
}

std::size_t size_of_ct(std::uint32_t key) {
  switch (key) {
    case NFT_CT_SRC:
    case NFT_CT_DST:
    case NFT_CT_SRC_IP6:
    case NFT_CT_DST_IP6:
    case NFT_CT_HELPER:
    case NFT_CT_LABELS:
      return 16;
    case NFT_CT_PKTS:
    case NFT_CT_BYTES:
    case NFT_CT_AVGPKT:
      return 8;
    default:
      return kWord;
  }
}

Field field_of_meta(std::uint32_t key) {
  switch (key) {
    case NFT_META_IIFNAME:
      return Field::kIn;
    case NFT_META_OIFNAME:
      return Field::kOut;
    case NFT_META_IIF:
      return Field::kInIndex;
    case NFT_META_OIF:
      return Field::kOutIndex;
    case NFT_META_L4PROTO:
      return Field::kProtocol;
    case NFT_META_NFPROTO:
      return Field::kVersion;
    case NFT_META_PROTOCOL:
      return Field::kEtherType;
    default:
      return Field::kOther;
  }
}

Field field_of_payload(bool is_ipv6, std::uint32_t base, std::uint32_t offset, std::size_t size) {
  if (base == NFT_PAYLOAD_TRANSPORT_HEADER) {
    if (offset == 0 && size == 2) return Field::kSourcePort;
    if (offset == 2 && size == 2) return Field::kDestinationPort;
    if (offset == 0 && size == 4) return Field::kBothPorts;
  }
  if (base != NFT_PAYLOAD_NETWORK_HEADER) return Field::kOther;
  // The protocol of iptables 1.8.11 and later.
  if (size == 1 && offset == (is_ipv6 ? 6 : 9)) {
    return is_ipv6 ? Field::kNextHeader : Field::kProtocol;
  }
  if (size <= (is_ipv6 ? 16 : 4)) {
    if (offset == (is_ipv6 ? 8 : 12)) return Field::kSource;
    if (offset == (is_ipv6 ? 24 : 16)) return Field::kDestination;
  }
  return Field::kOther;
}

const char *nft_mark(Mark mark) { return mark == Mark::kConnection ? "ct mark" : "meta mark"; }

}  // namespace

std::string numbers_of(const Attributes &of, std::initializer_list<std::size_t> types) {
  std::string text;
  for (const std::size_t type : types) {
    if (!text.empty()) text += '.';
    text += std::to_string(of.number_be(type));
  }
  return text;
}

void ExpressionReader::forget_field(std::uint32_t number) {
  if (field_ && field_->first == number) field_.reset();
}

void ExpressionReader::load_other(std::uint32_t number, std::size_t size, Register value) {
  registers_.load(number, size, value);
  forget_field(number);
}

void ExpressionReader::load_field(std::uint32_t number, LoadedField field, const Register &value) {
  registers_.load(number, field.size, value);
  std::fill_n(field.mask.begin(), std::min(field.size, field.mask.size()), std::uint8_t{0xff});
  field_.emplace(number, std::move(field));
}

void ExpressionReader::load_mark(Mark mark, std::uint32_t number) {
  registers_.put(number, {.value = marks_.now(mark),
                          .text = nft_mark(mark),
                          .of_marks = true,
                          .of_connection = mark == Mark::kConnection,
                          .is_said = true});
  forget_field(number);
}

void ExpressionReader::meta(const Attributes &of) {
  const std::uint32_t key = of.number_be(NFTA_META_KEY);
  if (of[NFTA_META_SREG] != nullptr) {
    const std::uint32_t source = of.number_be(NFTA_META_SREG);
    if (key == NFT_META_MARK) return write_mark(Mark::kPacket, source);
    return write_other("meta ...", source);
  }
  const std::uint32_t destination = of.number_be(NFTA_META_DREG);
  if (key == NFT_META_MARK) return load_mark(Mark::kPacket, destination);
  const std::string name = name_of(kMetaKeys, key);
  const std::string words = meta_words(name);
  LoadedField field{.field = field_of_meta(key),
                    .size = size_of_meta(key),
                    .host_order = key != NFT_META_PROTOCOL,
                    .is_stable = is_stable_meta(name),
                    .words = words};
  if (field.field == Field::kProtocol) field.size = 1;
  load_field(destination, field,
             {.text = words,
              .has_no_bits = name == "random",
              .is_stable = field.is_stable,
              .missing = may_lack_meta(name) ? words : ""});
}

void ExpressionReader::ct(const Attributes &of) {
  const std::uint32_t key = of.number_be(NFTA_CT_KEY);
  if (of[NFTA_CT_SREG] != nullptr) {
    const std::uint32_t source = of.number_be(NFTA_CT_SREG);
    if (key == NFT_CT_MARK) return write_mark(Mark::kConnection, source);
    return write_other("ct ...", source);
  }
  const std::uint32_t destination = of.number_be(NFTA_CT_DREG);
  if (key == NFT_CT_MARK) return load_mark(Mark::kConnection, destination);
  const std::string name = name_of(kCtKeys, key);
  std::string words = "ct ";
  if (of[NFTA_CT_DIRECTION] != nullptr) {
    words += of.number8(NFTA_CT_DIRECTION) == 0 ? "original " : "reply ";
  }
  words += name;
  const LoadedField field{.field = key == NFT_CT_STATE       ? Field::kState
                                   : key == NFT_CT_DIRECTION ? Field::kDirection
                                                             : Field::kOther,
                          .size = size_of_ct(key),
                          .host_order = true,
                          .is_stable = is_stable_ct(name),
                          .words = words};
  load_field(
      destination, field,
      {.text = words, .is_stable = field.is_stable, .missing = may_lack_ct(name) ? words : ""});
}

void ExpressionReader::payload(const Attributes &of) {
  if (of[NFTA_PAYLOAD_SREG] != nullptr) {
    return write_other("...", of.number_be(NFTA_PAYLOAD_SREG));
  }
  LoadedField field{.size = of.number_be(NFTA_PAYLOAD_LEN),
                    .is_payload = true,
                    .base = of.number_be(NFTA_PAYLOAD_BASE),
                    .offset = of.number_be(NFTA_PAYLOAD_OFFSET)};
  field.field = field_of_payload(is_ipv6(), field.base, field.offset, field.size);
  field.words = payload_words(field);
  const std::string words = field.words;
  load_field(of.number_be(NFTA_PAYLOAD_DREG), std::move(field),
             {.text = words, .has_no_bits = true, .missing = words});
}

// The result depends on the packet's mark where that is asked with.
void ExpressionReader::fib(const Attributes &of) {
  const bool by_mark = (of.number_be(NFTA_FIB_FLAGS) & NFTA_FIB_F_MARK) != 0;
  Register result{
      .text = std::string("fib ").append(numbers_of(of, {NFTA_FIB_RESULT, NFTA_FIB_FLAGS}))};
  if (by_mark) {
    result.text = "fib ... . mark";
    result.of_marks = true;
    result.is_said = true;
    result.lost = bits_of(marks_.now(Mark::kPacket));
  }
  load_other(of.number_be(NFTA_FIB_DREG), 16, std::move(result));
}

bool ExpressionReader::load(std::string_view name, const Attributes &of) {
  if (name == "fib") {
    fib(of);
    return true;
  }
  LoadedField field{.size = 16, .host_order = true};
  Register value;
  std::uint32_t destination = of.number_be(1);  // where most have the register
  if (name == "socket") {
    destination = of.number_be(NFTA_SOCKET_DREG);
    field.size = 8;
    value.is_said = of.number_be(NFTA_SOCKET_KEY) == NFT_SOCKET_MARK;
    field.words = value.is_said ? "mark" : numbers_of(of, {NFTA_SOCKET_KEY, NFTA_SOCKET_LEVEL});
  } else if (name == "exthdr" && of[NFTA_EXTHDR_SREG] == nullptr) {
    destination = of.number_be(NFTA_EXTHDR_DREG);
    field.size = of.number_be(NFTA_EXTHDR_LEN);
    field.host_order = false;
    if (of.number_be(NFTA_EXTHDR_OP) == NFT_EXTHDR_OP_TCPOPT) {
      const bool is_presence = (of.number_be(NFTA_EXTHDR_FLAGS) & NFT_EXTHDR_F_PRESENT) != 0;
      field.field = is_presence ? Field::kTcpOptionPresence : Field::kTcpOption;
    }
    value.has_no_bits = true;
    field.words =
        numbers_of(of, {NFTA_EXTHDR_OP, NFTA_EXTHDR_OFFSET, NFTA_EXTHDR_LEN, NFTA_EXTHDR_FLAGS});
    field.words.append(".").append(std::to_string(of.number8(NFTA_EXTHDR_TYPE)));
  } else if (name == "numgen") {
    destination = of.number_be(NFTA_NG_DREG);
    field.size = kWord;
    field.is_stable = false;
    field.words = numbers_of(of, {NFTA_NG_TYPE, NFTA_NG_MODULUS, NFTA_NG_OFFSET});
  } else if (name == "rt" || name == "osf" || name == "xfrm") {
    field.words = numbers_of(of, {2, 3, 4});
  } else if (name == "tunnel") {
    destination = of.number_be(NFTA_TUNNEL_DREG);
    field.words = numbers_of(of, {NFTA_TUNNEL_KEY, NFTA_TUNNEL_MODE});
  } else {
    return false;
  }
  field.words.insert(0, std::string(name).append(" "));
  value.text = field.words;
  value.is_stable = field.is_stable;
  if (name != "numgen") value.missing = field.words;
  load_field(destination, std::move(field), value);
  return true;
}

}  // namespace connmark::nft
