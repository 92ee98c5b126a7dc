// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/random_nft_rules.h"

#include <array>
#include <cstdio>
#include <vector>

namespace connmark::test {
namespace {

std::string hex(std::uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%x", value);
  return text;
}

class Table {
 public:
  Table(RandomRules &random, const std::string &name) : random_(random) {
    family_ = pick("inet", "inet", "ip", "ip6");
    text_ = "table " + family_ + " " + name + " {\n";
    text_ +=
        "set addresses { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 } }\n"
        "set marks { type mark; elements = { 1, 5 } }\n"
        "set seen { type mark; size 100; flags dynamic; }\n"
        "map mark_of { type inet_service : mark; elements = { 22 : 0x10 } }\n"
        "map by_mark { type mark : mark; elements = { 1 : 2 } }\n"
        "counter hits { }\nquota limited { over 5 mbytes }\n"
        "map counters { type mark : counter; elements = { 1 : \"hits\" } }\n"
        "chain a {\ncounter\n}\nchain b {\ncounter\n}\n"
        "map ways { type mark : verdict; elements = { 1 : jump a, 2 : goto b, 3 : drop } }\n";
  }

  std::string text() {
    chain("a", "", {"b"});
    chain("in", base("prerouting"), {"a", "b"});
    is_output_ = true;
    chain("out", base("output"), {"a", "b"});
    return text_ + "}\n";
  }

 private:
  template <typename... Words>
  std::string pick(Words... words) {
    const std::array<const char *, sizeof...(words)> list = {words...};
    return list[random_.below(list.size())];
  }
  std::string number(std::uint32_t limit) { return std::to_string(random_.below(limit)); }

  std::string base(const std::string &hook) {
    const std::string type = pick("filter", "filter", hook == "output" ? "route" : "nat");
    // nft refuses nat below its own places.
    const std::string priority = type == "nat" ? "-100" : pick("-300", "-150", "mangle + 5", "0");
    return "type " + type + " hook " + hook + " priority " + priority + "; policy " +
           pick("accept", "accept", "drop") + ";\n";
  }

  void chain(const std::string &name, const std::string &head,
             const std::vector<std::string> &targets) {
    text_ += "chain " + name + " {\n" + head;
    const std::uint32_t count = 2 + random_.below(8);
    for (std::uint32_t i = 0; i < count; ++i) text_ += rule(targets) + "\n";
    text_ += "}\n";
  }

  std::string rule(const std::vector<std::string> &targets) {
    protocol_ = pick("tcp", "udp", "tcp", "");
    is_ipv6_ = family_ == "ip6" || (family_ == "inet" && random_.one_in(3));
    std::string words;
    const std::uint32_t count = random_.below(4);
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::string statement = random_.one_in(2)   ? match()
                                    : random_.one_in(3) ? action()
                                                        : mark_statement();
      // A set without a name has another one in the kernel each time; and two ports
      // that may not be something nft 1.0.6 joins to one pair that may not be, but
      // lists as two.
      const bool is_port = statement.find("port != ") != statement.npos;
      if (words.find(is_port ? "port != " : statement) == words.npos) words += statement + " ";
    }
    const std::string last = random_.one_in(2) ? mark_statement() : ending(targets);
    if (words.find(last) == words.npos) words += last;
    if (words.empty()) words = "counter";
    if (random_.one_in(8)) words += " comment \"c" + number(9) + "\"";
    return words;
  }

  std::string mark_of() { return pick("meta mark", "ct mark"); }

  std::string value() {
    switch (random_.below(10)) {
      case 0:
        return hex(random_.mark());
      case 1:
        return mark_of();
      case 2:
        return mark_of() + " << " + std::to_string(1 + random_.below(31));
      case 3:
        return mark_of() + " >> " + std::to_string(1 + random_.below(31));
      case 4:
        return "jhash " + mark_of() + " mod 4";
      case 5:
        return mark_of() + " map @by_mark";
      case 6:
        return pick("numgen inc mod 4", "meta random & 15", "meta cpu");
      case 7:
        return protocol_.empty() ? "meta cpu & 7" : protocol_ + " dport map @mark_of";
      default:
        return mark_of() + " and " + hex(random_.mark()) + pick(" or ", " xor ") +
               hex(random_.mark());
    }
  }

  std::string mark_statement() {
    switch (random_.below(9)) {
      case 0:
        return mark_of() + pick(" ", " != ") + hex(random_.mark());
      case 1:
        return mark_of() + " and " + hex(random_.mark()) + pick(" == ", " != ") +
               hex(random_.mark());
      case 2:
        return mark_of() + pick(" ", " != ") + pick("5-9", "@marks", "{ 1, 2, 7-9 }");
      case 3:
        return mark_of() + pick(" > ", " <= ") + "0x10";
      case 4:
        return mark_of() + " " + hex(random_.below(256) << 24) + "/8";
      default:
        return mark_of() + " set " + value();
    }
  }

  std::string address(const char *side) {
    const std::string op = pick(" ", " ", " != ");
    if (is_ipv6_) {
      return std::string("ip6 ") + side + op + pick("fe80::/10", "2001:db8::1", "::/0", "fd00::/8");
    }
    return std::string("ip ") + side + op +
           pick("10.0.0.0/8", "192.0.2.1", "172.16.0.0/12", "10.1.2.0/24", "{ 10.0.0.1, 10.0.0.2 }",
                "@addresses", "10.0.0.1-10.0.0.9");
  }

  std::string ports() {
    const std::string what = (protocol_.empty() ? "th" : protocol_) + pick(" dport", " sport");
    return what + pick(" 80", " != 80", " 1-7", " != 5-9", " > 1023", " <= 1023", " 0-65535",
                       " { 80, 443 }", " 53");
  }

  std::string match() {
    switch (random_.below(12)) {
      case 0:
        return address("saddr");
      case 1:
        return address("daddr");
      case 2:
      case 3:
        return ports();
      case 4:
        return "ct state " + pick("new", "established,related", "!= invalid", "== new",
                                  "{ new, untracked }", "invalid", "! new", "new,untracked");
      case 5:
        return pick("ct direction original", "ct direction != reply", "ct status snat",
                    "ct expiration > 5s", "ct helper \"ftp\"", "ct zone 5", "ct bytes > 500");
      case 6:
        return (is_output_ ? pick("oifname", "oif") : pick("iifname", "iif")) +
               pick(" \"lo\"", " != \"lo\"");
      case 7:
        return (is_output_ ? std::string("oifname ") : std::string("iifname ")) +
               pick("\"eth*\"", "\"wan0\"", "{ \"a\", \"b\" }");
      case 8:
        return protocol_.empty() ? pick("meta l4proto != icmp", "meta l4proto { tcp, udp }")
                                 : "meta l4proto " + protocol_;
      case 9:
        return pick("meta cpu 1-3", "meta length 100-200", "meta length > 500",
                    "meta day \"Monday\"", "meta hour \"10:00\"-\"12:00\"", "meta pkttype host",
                    "meta random & 3 == 1", "numgen inc mod 2 0", "iifgroup 5", "meta priority 1:2",
                    "rt classid 5");
      case 10:
        if (protocol_ == "tcp") {
          return pick("tcp flags syn", "tcp flags & (syn|ack) == syn", "tcp option maxseg exists",
                      "tcp option maxseg size 1-500", "tcp window > 5");
        }
        return ports();
      default:
        if (is_ipv6_) return pick("ip6 hoplimit 64", "ip6 length > 40", "ip6 hoplimit != 1");
        return pick("ip ttl 64", "ip dscp 5", "ip frag-off & 0x1fff != 0", "ip length 5 ip id 7",
                    "ip ttl != 1", "jhash ip saddr mod 4 2");
    }
  }

  std::string action() {
    switch (random_.below(8)) {
      case 0:
        return pick("limit rate 5/second", "limit rate over 5/second", "quota over 5 mbytes",
                    "quota name \"limited\"");
      case 1:
        return pick("add @seen { meta mark }", "update @seen { ct mark }");
      case 2:
        return "counter name " + mark_of() + " map @counters";
      case 3:
        return pick("log prefix \"x\"", "counter", "counter name \"hits\"");
      case 4:
        return "meta priority set " + mark_of() + " map { 1 : 1:2 }";
      case 5:
        return "meta nftrace set 1";
      case 6:
        return "ct zone set " + pick("5", "meta mark map { 1 : 5 }");
      default:
        return mark_of() + " @seen";
    }
  }

  std::string ending(const std::vector<std::string> &targets) {
    const std::string &target = targets[random_.below(static_cast<std::uint32_t>(targets.size()))];
    switch (random_.below(9)) {
      case 0:
        return "jump " + target;
      case 1:
        return "goto " + target;
      case 2:
        return mark_of() + " and 0xff vmap { 1 : jump " + target + ", 2 : accept, 3 : return }";
      case 3:
        return targets.size() > 1 ? "meta mark vmap @ways" : "accept";
      case 4:
        return "ct state vmap { new : accept, established : goto " + target + " }";
      case 5:
        return "th dport . meta mark vmap { 5 . 1 : jump " + target + " }";
      default:
        return pick("accept", "drop", "return", "notrack", "continue", "reject");
    }
  }

  RandomRules &random_;
  std::string family_;
  std::string protocol_;
  bool is_ipv6_ = false;
  bool is_output_ = false;
  std::string text_;
};

}  // namespace

std::string random_nft_table(RandomRules &random, const std::string &name) {
  return Table(random, name).text();
}

}  // namespace connmark::test
