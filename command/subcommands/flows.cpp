// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/subcommands/flows.h"

#include <netinet/in.h>

#include <iostream>
#include <memory>
#include <optional>

#include "command/connections/conntrack.h"
#include "command/connections/flow_counts.h"
#include "command/output/number_text.h"
#include "command/owners/owners.h"

namespace connmark {
namespace {

struct Arguments {
  std::optional<std::string> mark;
  std::vector<std::string> owners;
  std::optional<std::string> owners_file;
  bool watch = false;
  std::optional<std::string> events;
  bool json = false;
};

std::vector<Owner> owners_for(const Arguments &arguments) {
  std::vector<Owner> owners;
  for (const std::string &each : arguments.owners) owners.push_back(owner_named_by_user(each));
  const std::filesystem::path file = arguments.owners_file
                                         ? std::filesystem::path(*arguments.owners_file)
                                         : installed_owners_file();
  if (!arguments.owners_file && !std::filesystem::exists(file)) {
    std::cerr << "connmark: flows: " << file.string()
              << " is not there, so no known software is named\n";
    return owners;
  }
  const std::vector<Owner> known = read_owners(file);
  owners.insert(owners.end(), known.begin(), known.end());
  return owners;
}

std::string protocol_name(std::uint8_t protocol) {
  switch (protocol) {
    case IPPROTO_TCP:
      return "tcp";
    case IPPROTO_UDP:
      return "udp";
    case IPPROTO_SCTP:
      return "sctp";
    case IPPROTO_ICMP:
      return "icmp";
    case IPPROTO_ICMPV6:
      return "icmpv6";
    default:
      return std::to_string(protocol);
  }
}

const char *change_name(FlowChange change) {
  switch (change) {
    case FlowChange::kNew:
      return "new";
    case FlowChange::kUpdated:
      return "update";
    case FlowChange::kEnded:
      return "end";
  }
  return "";
}

std::string end_point(const std::string &address, std::uint16_t port) {
  if (port == 0) return address;
  const bool ipv6 = address.find(':') != address.npos;
  return (ipv6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

std::string event_text(FlowChange change, const Flow &flow, const std::vector<Owner> &owners) {
  std::string text = change_name(change);
  text.resize(8, ' ');
  text += protocol_name(flow.protocol) + " " + end_point(flow.source, flow.source_port) + " to " +
          end_point(flow.destination, flow.destination_port) + "  mark " + hex(flow.mark);
  if (flow.mark != 0) text += "  " + owners_text(flow.mark, owners);
  if (flow.traffic && change == FlowChange::kEnded) {
    text += "  " + std::to_string(flow.traffic->bytes) + " bytes";
  }
  return text;
}

Json event_json(FlowChange change, const Flow &flow, const std::vector<Owner> &owners) {
  Json json = json_document("flows");
  json["event"] = change_name(change);
  json["protocol"] = protocol_name(flow.protocol);
  json["source"] = flow.source;
  json["source_port"] = flow.source_port;
  json["destination"] = flow.destination;
  json["destination_port"] = flow.destination_port;
  json["mark"] = flow.mark;
  json["owners"] = owners_json(flow.mark, owners);
  json["packets"] = nullptr;
  json["bytes"] = nullptr;
  if (flow.traffic) {
    json["packets"] = flow.traffic->packets;
    json["bytes"] = flow.traffic->bytes;
  }
  return json;
}

ExitStatus watch(const std::optional<MarkAndMask> &filter, const std::vector<Owner> &owners,
                 const Arguments &arguments) {
  std::optional<std::uint32_t> left;
  if (arguments.events) left = read_count("--events", *arguments.events);
  ExitStatus status = ExitStatus::kClean;
  if (left && *left == 0) return status;
  Conntrack().watch(
      filter,
      [&](FlowChange change, const Flow &flow) {
        if (arguments.json) {
          std::cout << json_text(event_json(change, flow, owners), -1) << std::endl;
        } else {
          std::cout << event_text(change, flow, owners) << std::endl;
        }
        return std::cout.good() && (!left || --*left != 0);
      },
      [&status] {
        status = ExitStatus::kIncomplete;
        std::cerr << "connmark: flows: events were lost, there are more than can be shown\n";
      });
  return status;
}

void count(const std::optional<MarkAndMask> &filter, const std::vector<Owner> &owners,
           const Arguments &arguments) {
  FlowCounts counts;
  Conntrack().each_flow(filter, false, [&counts](const Flow &flow) { counts.add(flow); });
  const bool accounting = accounting_is_on();
  if (arguments.json) {
    std::cout << json_text(flow_counts_json(counts, owners, accounting)) << '\n';
    return;
  }
  std::cout << flow_counts_text(counts, owners);
  if (!accounting) {
    std::cout << "\nBytes are counted after: sysctl net.netfilter.nf_conntrack_acct=1\n";
  }
}

ExitStatus show_flows(const Arguments &arguments) {
  std::optional<MarkAndMask> filter;
  if (arguments.mark) filter = read_mark_and_mask("--mark", *arguments.mark);
  if (arguments.events && !arguments.watch) throw Refusal("--events: goes with --watch");
  const std::vector<Owner> owners = owners_for(arguments);
  if (arguments.watch) return watch(filter, owners, arguments);
  count(filter, owners, arguments);
  return ExitStatus::kClean;
}

}  // namespace

void add_flows(CLI::App &app, ExitStatus &status) {
  CLI::App *subcommand =
      app.add_subcommand("flows", "How many live connections carry which mark, and whose bits");
  const auto arguments = std::make_shared<Arguments>();
  subcommand->footer(
      "Bits named with --owner are not looked for in the list of known software.\n"
      "A name with a question mark: that software uses these bits, but others may as well.");
  subcommand->allow_extras();
  subcommand->add_option("--mark", arguments->mark,
                         "Only connections whose mark is V in the bits of M");
  subcommand
      ->add_option("--owner", arguments->owners, "NAME=MASK: these bits are NAME's (repeatable)")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  subcommand->add_option("--owners", arguments->owners_file,
                         "Another list of known software than the installed one");
  subcommand->add_flag("--watch", arguments->watch,
                       "Print each connection that begins, changes or ends");
  subcommand->add_option("--events", arguments->events, "Stop --watch after this many events");
  add_json_option(*subcommand, arguments->json);
  subcommand->callback([arguments, subcommand, &status] {
    refuse_other_words(*subcommand);
    status = show_flows(*arguments);
  });
}

}  // namespace connmark
