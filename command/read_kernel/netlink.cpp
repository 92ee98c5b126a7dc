// SPDX-License-Identifier: GPL-2.0-or-later
#include "command/read_kernel/netlink.h"

#include <endian.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace connmark {
namespace {

constexpr std::size_t kRequestSize = 1024;
// As much as the kernel puts into one answer, and a rule larger than that.
constexpr std::size_t kAnswerSize = std::size_t{128} * 1024;
constexpr std::uint32_t kSequence = 1;

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
  header->nlmsg_seq = kSequence;
}

int ask_kernel(int bus, NetlinkRequest &request,
               const std::function<bool(const nlmsghdr &)> &visit) {
  // A socket for each question: an answer that was not read to its end is lost
  // with it.
  const std::unique_ptr<mnl_socket, int (*)(mnl_socket *)> socket(mnl_socket_open(bus),
                                                                  mnl_socket_close);
  if (socket == nullptr || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0 ||
      mnl_socket_sendto(socket.get(), request.message(), request.message()->nlmsg_len) < 0) {
    return errno;
  }
  bool interrupted = false;
  std::vector<char> buffer(kAnswerSize);
  while (true) {
    const ssize_t received = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
    if (received < 0) return errno;
    int left = static_cast<int>(received);
    const auto *message = reinterpret_cast<const nlmsghdr *>(buffer.data());
    bool more = true;
    for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
      if (message->nlmsg_seq != kSequence) continue;
      if ((message->nlmsg_flags & NLM_F_DUMP_INTR) != 0) interrupted = true;
      if (message->nlmsg_type == NLMSG_DONE) return interrupted ? EINTR : 0;
      if (message->nlmsg_type == NLMSG_ERROR) {
        const auto *const error = static_cast<const nlmsgerr *>(mnl_nlmsg_get_payload(message));
        return -error->error;
      }
      if (!visit(*message)) return 0;
      more = (message->nlmsg_flags & NLM_F_MULTI) != 0;
    }
    // One message that is the whole answer.
    if (!more) return interrupted ? EINTR : 0;
  }
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
