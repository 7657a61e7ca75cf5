#include "net/netlink.h"

#include <cstdlib>
#include <cstring>

#include <linux/netlink.h>
#include <sys/socket.h>

#include "base/log.h"

namespace hull::net {

Batch::Batch(size_t capacity) : buffer_(capacity) {}

size_t Batch::size() const {
    if (!current_) return 0;
    return static_cast<size_t>(reinterpret_cast<const char*>(current_) - buffer_.data()) +
           MNL_ALIGN(current_->nlmsg_len);
}

void Batch::need(size_t more) const {
    if (size() + MNL_ALIGN(more) <= buffer_.size()) return;
    log::error("a netlink batch is larger than it was made for");
    std::abort();
}

nlmsghdr* Batch::add(uint16_t type, uint16_t flags, const char* doing) {
    need(MNL_NLMSG_HDRLEN);
    nlmsghdr* message = mnl_nlmsg_put_header(buffer_.data() + size());
    message->nlmsg_type = type;
    message->nlmsg_flags = NLM_F_REQUEST | flags;
    current_ = message;
    requests_.emplace_back(message, doing);
    return message;
}

void* Batch::extra_header(size_t size) {
    need(size);
    return mnl_nlmsg_put_extra_header(current_, size);
}

nlattr* Batch::begin_nest(uint16_t attribute) {
    need(MNL_ATTR_HDRLEN);
    return mnl_attr_nest_start(current_, attribute);
}

void Batch::put(uint16_t attribute, std::span<const uint8_t> bytes) {
    need(MNL_ATTR_HDRLEN + bytes.size());
    mnl_attr_put(current_, attribute, bytes.size(), bytes.data());
}

void Batch::put_u8(uint16_t attribute, uint8_t value) { put(attribute, {&value, 1}); }

void Batch::put_u16_be(uint16_t attribute, uint16_t value) {
    const uint8_t bytes[] = {static_cast<uint8_t>(value >> 8), static_cast<uint8_t>(value)};
    put(attribute, bytes);
}

void Batch::put_u32(uint16_t attribute, uint32_t value) {
    uint8_t bytes[4];
    std::memcpy(bytes, &value, sizeof bytes);
    put(attribute, bytes);
}

void Batch::put_u32_be(uint16_t attribute, uint32_t value) {
    const uint8_t bytes[] = {static_cast<uint8_t>(value >> 24), static_cast<uint8_t>(value >> 16),
                             static_cast<uint8_t>(value >> 8), static_cast<uint8_t>(value)};
    put(attribute, bytes);
}

void Batch::put_text(uint16_t attribute, const std::string& text) {
    put(attribute, {reinterpret_cast<const uint8_t*>(text.c_str()), text.size() + 1});
}

void Batch::put_flag(uint16_t attribute) { put(attribute, {}); }

void Batch::append(std::span<const uint8_t> bytes) {
    need(bytes.size());
    std::memcpy(mnl_nlmsg_get_payload_tail(current_), bytes.data(), bytes.size());
    current_->nlmsg_len += static_cast<uint32_t>(MNL_ALIGN(bytes.size()));
}

void Attributes::add(const nlattr* attribute) {
    const uint16_t type = mnl_attr_get_type(attribute);
    if (type < table_.size()) table_[type] = attribute;
}

Attributes Attributes::of_message(const nlmsghdr* message, size_t fixed_header, uint16_t max) {
    Attributes out;
    out.table_.resize(max + size_t{1});
    // mnl_attr_for_each, spelt without its C-style casts.
    const auto* end = static_cast<const char*>(mnl_nlmsg_get_payload_tail(message));
    const auto* at = static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(message, fixed_header));
    while (mnl_attr_ok(at, static_cast<int>(end - reinterpret_cast<const char*>(at)))) {
        out.add(at);
        at = mnl_attr_next(at);
    }
    return out;
}

Attributes Attributes::of_nest(const nlattr* nest, uint16_t max) {
    Attributes out;
    out.table_.resize(max + size_t{1});
    const auto* at = static_cast<const nlattr*>(mnl_attr_get_payload(nest));
    const auto* end = reinterpret_cast<const char*>(at) + mnl_attr_get_payload_len(nest);
    while (mnl_attr_ok(at, static_cast<int>(end - reinterpret_cast<const char*>(at)))) {
        out.add(at);
        at = mnl_attr_next(at);
    }
    return out;
}

std::optional<std::span<const uint8_t>> Attributes::bytes(uint16_t type) const {
    const nlattr* attribute = find(type);
    if (!attribute) return std::nullopt;
    return std::span(static_cast<const uint8_t*>(mnl_attr_get_payload(attribute)), mnl_attr_get_payload_len(attribute));
}

std::optional<uint32_t> Attributes::u32(uint16_t type) const {
    const auto found = bytes(type);
    if (!found || found->size() != sizeof(uint32_t)) return std::nullopt;
    uint32_t value;
    std::memcpy(&value, found->data(), sizeof value);
    return value;
}

std::optional<uint32_t> Attributes::u32_be(uint16_t type) const {
    const auto found = bytes(type);
    if (!found || found->size() != sizeof(uint32_t)) return std::nullopt;
    uint32_t value = 0;
    for (const uint8_t byte : *found) value = value << 8 | byte;
    return value;
}

std::optional<std::string> Attributes::text(uint16_t type) const {
    const auto found = bytes(type);
    if (!found) return std::nullopt;
    const auto* start = reinterpret_cast<const char*>(found->data());
    return std::string(start, ::strnlen(start, found->size()));
}

Attributes Attributes::nested(uint16_t type, uint16_t max) const {
    const nlattr* attribute = find(type);
    return attribute ? of_nest(attribute, max) : Attributes();
}

Result<NetlinkSocket> NetlinkSocket::open(int protocol) {
    // Answers are queued before send returns, so nothing ever waits: an empty
    // queue means that everything was read.
    mnl_socket* socket = mnl_socket_open2(protocol, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (!socket) return Error::from_errno("socket", "netlink");
    NetlinkSocket out(socket);
    if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) != 0) return Error::from_errno("bind", "netlink");
    int on = 1;
    // Short answers, with the kernel's explanation; old kernels have neither.
    (void)mnl_socket_setsockopt(socket, NETLINK_EXT_ACK, &on, sizeof on);
    (void)mnl_socket_setsockopt(socket, NETLINK_CAP_ACK, &on, sizeof on);
    return out;
}

Result<void> NetlinkSocket::subscribe(unsigned group) {
    int number = static_cast<int>(group);
    if (mnl_socket_setsockopt(socket_.get(), NETLINK_ADD_MEMBERSHIP, &number, sizeof number) != 0)
        return Error::from_errno("setsockopt", "netlink");
    return {};
}

Result<void> NetlinkSocket::receive_all(const OnMessage& on_answer) {
    alignas(nlmsghdr) char buffer[32768];
    for (;;) {
        const ssize_t got = mnl_socket_recvfrom(socket_.get(), buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) return {};
        if (got < 0) return Error::from_errno("recvmsg", "netlink");
        int left = static_cast<int>(got);
        for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer); mnl_nlmsg_ok(message, left);
             message = mnl_nlmsg_next(message, &left))
            on_answer(message);
    }
}

namespace {

NetlinkSocket::Outcome read_error(const nlmsghdr* message) {
    NetlinkSocket::Outcome out;
    if (mnl_nlmsg_get_payload_len(message) < sizeof(nlmsgerr)) {
        out.code = EBADMSG;
        return out;
    }
    const auto* answer = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message));
    out.code = -answer->error;
    if (!(message->nlmsg_flags & NLM_F_ACK_TLVS)) return out;
    size_t header = sizeof(nlmsgerr);
    if (!(message->nlmsg_flags & NLM_F_CAPPED)) header += mnl_nlmsg_get_payload_len(&answer->msg);
    const auto attributes = Attributes::of_message(message, header, NLMSGERR_ATTR_MAX);
    out.explanation = attributes.text(NLMSGERR_ATTR_MSG).value_or("");
    return out;
}

} // namespace

Error NetlinkSocket::Outcome::error(std::string_view object) const {
    std::string what(object);
    if (!explanation.empty()) what += " (" + explanation + ")";
    return Error::from_errno(doing, what, code);
}

Result<std::vector<NetlinkSocket::Outcome>> NetlinkSocket::run_each(Batch& batch, const OnMessage& on_message) {
    std::vector<Outcome> outcomes(batch.requests_.size());
    std::vector<bool> answered(batch.requests_.size());
    const uint32_t first = sequence_ + 1;
    for (size_t i = 0; i < batch.requests_.size(); ++i) {
        auto& [message, doing] = batch.requests_[i];
        message->nlmsg_seq = ++sequence_;
        outcomes[i].doing = doing;
        answered[i] = !(message->nlmsg_flags & (NLM_F_ACK | NLM_F_DUMP));
    }
    for (;;) {
        if (mnl_socket_sendto(socket_.get(), batch.buffer_.data(), batch.size()) >= 0) break;
        if (errno != EINTR) return Error::from_errno("sendmsg", "netlink");
    }
    TRY(receive_all([&](const nlmsghdr* message) {
        const uint32_t index = message->nlmsg_seq - first;
        if (index >= outcomes.size()) return; // a late answer to an earlier batch
        if (message->nlmsg_type != NLMSG_ERROR && message->nlmsg_type != NLMSG_DONE) {
            if (on_message) on_message(message);
            return;
        }
        answered[index] = true;
        if (message->nlmsg_type == NLMSG_DONE || outcomes[index].code != 0) return;
        Outcome outcome = read_error(message);
        outcome.doing = outcomes[index].doing;
        outcomes[index] = std::move(outcome);
    }));
    bool failed = false;
    for (const Outcome& outcome : outcomes) failed = failed || outcome.code != 0;
    for (size_t i = 0; i < outcomes.size(); ++i)
        // After the failure of another request of a transaction the rest is not answered.
        if (!answered[i]) outcomes[i].code = failed ? ECANCELED : EBADMSG;
    return outcomes;
}

Result<void> NetlinkSocket::run(Batch& batch, std::string_view object, const OnMessage& on_message) {
    const auto outcomes = TRY(run_each(batch, on_message));
    const Outcome* first = nullptr;
    for (const Outcome& outcome : outcomes) {
        if (outcome.code == 0) continue;
        // Prefer the cause to its consequences.
        if (!first || first->code == ECANCELED) first = &outcome;
    }
    if (first) return first->error(object);
    return {};
}

} // namespace hull::net
