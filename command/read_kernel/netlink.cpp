// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_kernel/netlink.h"

#include <endian.h>
#include <linux/netlink.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace connmark {
namespace {

constexpr std::size_t kRequestSize = 1024;
// As much as the kernel puts into one answer, and a rule larger than that.
constexpr std::size_t kAnswerSize = std::size_t{128} * 1024;

template <typename Number>
Number number_of(const nlattr *attribute) {
  Number number = 0;
  if (attribute != nullptr && mnl_attr_get_payload_len(attribute) >= sizeof number) {
    std::memcpy(&number, mnl_attr_get_payload(attribute), sizeof number);
  }
  return number;
}

}  // namespace

NetlinkRequest::NetlinkRequest(std::uint16_t type, std::uint16_t flags) : buffer_(kRequestSize) {
  nlmsghdr *const header = mnl_nlmsg_put_header(buffer_.data());
  header->nlmsg_type = type;
  header->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
}

int NetlinkConversation::open() {
  if (socket_ != nullptr) return 0;
  socket_.reset(mnl_socket_open(bus_));
  if (socket_ == nullptr) return errno;
  if (mnl_socket_bind(socket_.get(), 0, MNL_SOCKET_AUTOPID) < 0) {
    const int error = errno;
    socket_.reset();
    return error;
  }
  buffer_.resize(kAnswerSize);
  return 0;
}

int NetlinkConversation::ask(NetlinkRequest &request,
                             const std::function<bool(const nlmsghdr &)> &visit) {
  if (const int error = open(); error != 0) return error;
  // An answer that is not read to its end is lost with its socket: the kernel
  // would take no other question before.
  const auto leave = [this](int result) {
    socket_.reset();
    return result;
  };
  request.message()->nlmsg_seq = ++sequence_;
  if (mnl_socket_sendto(socket_.get(), request.message(), request.message()->nlmsg_len) < 0) {
    return leave(errno);
  }
  bool interrupted = false;
  while (true) {
    const ssize_t received = mnl_socket_recvfrom(socket_.get(), buffer_.data(), buffer_.size());
    if (received < 0) return leave(errno);
    const Answer answer =
        read_answer({buffer_.data(), static_cast<std::size_t>(received)}, sequence_, visit);
    interrupted |= answer.interrupted;
    if (answer.end == Answer::End::kStopped) return leave(0);
    if (answer.error != 0) return leave(answer.error);
    if (answer.end == Answer::End::kWhole) return interrupted ? EINTR : 0;
  }
}

Answer read_answer(std::span<const char> bytes, std::uint32_t sequence,
                   const std::function<bool(const nlmsghdr &)> &visit) {
  Answer answer;
  bool more = true;
  while (bytes.size() >= sizeof(nlmsghdr)) {
    const auto *const message = reinterpret_cast<const nlmsghdr *>(bytes.data());
    // mnl_nlmsg_ok() takes a length of 2^31 for a negative one.
    if (message->nlmsg_len < sizeof(nlmsghdr) || message->nlmsg_len > bytes.size()) break;
    bytes = bytes.subspan(std::min<std::size_t>(MNL_ALIGN(message->nlmsg_len), bytes.size()));
    if (message->nlmsg_seq != sequence) continue;
    if ((message->nlmsg_flags & NLM_F_DUMP_INTR) != 0) answer.interrupted = true;
    const std::size_t size = mnl_nlmsg_get_payload_len(message);
    if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR) {
      answer.end = Answer::End::kWhole;
      // Both begin with a negative errno; of a dump that went well it may be missing.
      std::int32_t code = 0;
      if (size >= sizeof code) {
        std::memcpy(&code, mnl_nlmsg_get_payload(message), sizeof code);
        if (code < 0) answer.error = code == INT32_MIN ? EBADMSG : -code;
      } else if (message->nlmsg_type == NLMSG_ERROR) {
        answer.error = EBADMSG;
      }
      return answer;
    }
    if (message->nlmsg_type == NLMSG_OVERRUN) {
      answer.error = ENOBUFS;
      return answer;
    }
    if (message->nlmsg_type == NLMSG_NOOP) continue;
    if (!visit(*message)) {
      answer.end = Answer::End::kStopped;
      return answer;
    }
    more = (message->nlmsg_flags & NLM_F_MULTI) != 0;
  }
  if (!bytes.empty()) answer.error = EBADMSG;
  // One message that is the whole answer.
  if (!more) answer.end = Answer::End::kWhole;
  return answer;
}

Attributes::Attributes(const nlmsghdr &message, std::size_t header_size) {
  const std::size_t begin = MNL_ALIGN(header_size);
  const std::size_t size = mnl_nlmsg_get_payload_len(&message);
  if (begin > size) return;
  const auto *const payload = static_cast<const char *>(mnl_nlmsg_get_payload(&message));
  each_attribute(payload + begin, size - begin, [this](const nlattr &each) { keep(each); });
}

Attributes::Attributes(const nlattr *nest) {
  each_nested(nest, [this](const nlattr &each) { keep(each); });
}

void Attributes::keep(const nlattr &attribute) {
  const std::uint16_t type = mnl_attr_get_type(&attribute);
  if (type < kCount) attributes_[type] = &attribute;
}

std::uint8_t Attributes::number8(std::size_t type) const {
  return number_of<std::uint8_t>((*this)[type]);
}

std::uint32_t Attributes::number(std::size_t type) const {
  return number_of<std::uint32_t>((*this)[type]);
}

std::uint32_t Attributes::number_be(std::size_t type) const { return be32toh(number(type)); }

std::uint64_t Attributes::number_be64(std::size_t type) const {
  return be64toh(number_of<std::uint64_t>((*this)[type]));
}

std::string_view Attributes::text(std::size_t type) const {
  const nlattr *const attribute = (*this)[type];
  if (attribute == nullptr) return {};
  const auto *const text = static_cast<const char *>(mnl_attr_get_payload(attribute));
  return {text, strnlen(text, mnl_attr_get_payload_len(attribute))};
}

}  // namespace connmark
