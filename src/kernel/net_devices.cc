#include "kernel/net_devices.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "sys/net_namespace.h"
#include "sys/route_socket.h"

namespace hull::kernel {

namespace {

// A request: its header, the family's fixed header, attributes.
class Request {
public:
    template <class Header>
    Request(uint16_t type, uint16_t flags, const Header& header) {
        nlmsghdr head{};
        head.nlmsg_type = type;
        head.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
        append(&head, sizeof head);
        append(&header, sizeof header);
    }
    void put(uint16_t attribute, std::string_view bytes) {
        rtattr head{};
        head.rta_type = attribute;
        head.rta_len = static_cast<uint16_t>(RTA_LENGTH(bytes.size()));
        append(&head, sizeof head);
        append(bytes.data(), bytes.size());
    }
    void put_u32(uint16_t attribute, uint32_t value) {
        put(attribute, {reinterpret_cast<const char*>(&value), sizeof value});
    }
    void put_text(uint16_t attribute, const std::string& text) { put(attribute, {text.c_str(), text.size() + 1}); }
    std::string take() { return std::move(bytes_); }

private:
    std::string bytes_;
    void append(const void* data, size_t size) {
        bytes_.append(static_cast<const char*>(data), size);
        bytes_.resize(NLMSG_ALIGN(bytes_.size()));
    }
};

template <class T>
std::optional<T> read_as(std::string_view bytes) {
    T value;
    if (bytes.size() < sizeof value) return std::nullopt;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

// Calls with type and payload of each of a row of headers with lengths.
template <class Header, class F>
void for_each(std::string_view bytes, uint16_t Header::* type, auto Header::* length, F&& use) {
    while (auto head = read_as<Header>(bytes)) {
        size_t size = (*head).*length;
        if (size < sizeof(Header) || size > bytes.size()) return;
        use(static_cast<uint16_t>((*head).*type), bytes.substr(sizeof(Header), size - sizeof(Header)));
        bytes.remove_prefix(std::min(bytes.size(), size_t{NLMSG_ALIGN(size)}));
    }
}

template <class Header, class F>
void for_each_attribute(std::string_view payload, F&& use) {
    size_t skip = std::min(payload.size(), size_t{NLMSG_ALIGN(sizeof(Header))});
    for_each<rtattr>(payload.substr(skip), &rtattr::rta_type, &rtattr::rta_len, use);
}

Result<std::vector<NetDevice>> list(sys::RouteSocket& socket) {
    std::string answer = TRY(socket.exchange(Request(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{}).take()));
    std::vector<NetDevice> out;
    for_each<nlmsghdr>(answer, &nlmsghdr::nlmsg_type, &nlmsghdr::nlmsg_len, [&](uint16_t type, std::string_view body) {
        auto head = read_as<ifinfomsg>(body);
        if (type != RTM_NEWLINK || !head) return;
        NetDevice device;
        device.index = head->ifi_index;
        device.up = (head->ifi_flags & IFF_UP) != 0;
        for_each_attribute<ifinfomsg>(body, [&](uint16_t attribute, std::string_view value) {
            if (attribute == IFLA_IFNAME) device.name = value.substr(0, value.find('\0'));
        });
        out.push_back(std::move(device));
    });
    return out;
}

struct Address {
    ifaddrmsg head{};
    std::string local, peer, broadcast; // bytes; empty: none
};

// Those that a person or a program set, for talking to the world: not what
// autoconfiguration made.
Result<std::vector<Address>> lasting_addresses(sys::RouteSocket& socket, int device) {
    std::string answer = TRY(socket.exchange(Request(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{}).take()));
    std::vector<Address> out;
    for_each<nlmsghdr>(answer, &nlmsghdr::nlmsg_type, &nlmsghdr::nlmsg_len, [&](uint16_t type, std::string_view body) {
        auto head = read_as<ifaddrmsg>(body);
        if (type != RTM_NEWADDR || !head) return;
        Address address{*head, {}, {}, {}};
        uint32_t flags = head->ifa_flags;
        for_each_attribute<ifaddrmsg>(body, [&](uint16_t attribute, std::string_view value) {
            if (attribute == IFA_LOCAL) address.local = value;
            if (attribute == IFA_ADDRESS) address.peer = value;
            if (attribute == IFA_BROADCAST) address.broadcast = value;
            if (attribute == IFA_FLAGS) flags = read_as<uint32_t>(value).value_or(flags);
        });
        bool lasts = (flags & IFA_F_PERMANENT) && head->ifa_scope == RT_SCOPE_UNIVERSE;
        if (lasts && static_cast<int>(head->ifa_index) == device) out.push_back(std::move(address));
    });
    return out;
}

Result<void> add_address(sys::RouteSocket& socket, int device, const Address& address) {
    ifaddrmsg head{};
    head.ifa_family = address.head.ifa_family;
    head.ifa_prefixlen = address.head.ifa_prefixlen;
    head.ifa_scope = address.head.ifa_scope;
    head.ifa_index = static_cast<uint32_t>(device);
    Request request(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, head);
    if (!address.local.empty()) request.put(IFA_LOCAL, address.local);
    if (!address.peer.empty()) request.put(IFA_ADDRESS, address.peer);
    if (!address.broadcast.empty()) request.put(IFA_BROADCAST, address.broadcast);
    TRY(socket.exchange(request.take()).context("give its address back"));
    return {};
}

// By its number: a name in the request is then the new one.
Result<void> send_away(sys::RouteSocket& socket, int device, BorrowedFd net_ns, const std::string& new_name) {
    ifinfomsg head{};
    head.ifi_index = device;
    Request request(RTM_NEWLINK, NLM_F_ACK, head);
    request.put_u32(IFLA_NET_NS_FD, static_cast<uint32_t>(net_ns.get()));
    request.put_text(IFLA_IFNAME, new_name);
    TRY(socket.exchange(request.take()).context("move it"));
    return {};
}

Result<void> bring_up(sys::RouteSocket& socket, int device) {
    ifinfomsg head{};
    head.ifi_index = device;
    head.ifi_flags = head.ifi_change = IFF_UP;
    TRY(socket.exchange(Request(RTM_NEWLINK, NLM_F_ACK, head).take()).context("bring it up"));
    return {};
}

Result<void> check_device_name(const std::string& name) {
    bool odd = name.empty() || name.size() >= IFNAMSIZ || name == "." || name == ".." ||
               name.find_first_of("/: \t\n") != name.npos;
    size_t percent = name.find('%');
    bool pattern =
        percent == name.npos || (name.compare(percent, 2, "%d") == 0 && name.find('%', percent + 1) == name.npos);
    if (odd || !pattern) return invalid("\"" + name + "\" is not a name for a network device");
    return {};
}

// The one that wasn't there before: neither its number nor a name with %d in
// it is sure to be kept.
Result<NetDevice> find_new(sys::RouteSocket& socket, const std::vector<NetDevice>& before) {
    for (NetDevice& device : TRY(list(socket)))
        if (std::ranges::find(before, device.name, &NetDevice::name) == before.end()) return std::move(device);
    return Error(ErrorKind::internal, "it is not in the namespace it was moved to");
}

Result<sys::RouteSocket> open_in(BorrowedFd net_ns) {
    auto inside = TRY(sys::NetNamespaceScope::enter(net_ns));
    return sys::RouteSocket::open();
}

} // namespace

Result<std::vector<NetDevice>> list_net_devices() {
    auto socket = TRY(sys::RouteSocket::open());
    return list(socket);
}

Result<void> move_net_device(const std::string& name, BorrowedFd net_ns, const std::string& new_name) {
    const std::string& wanted = new_name.empty() ? name : new_name;
    TRY(check_device_name(wanted));
    auto here = TRY(sys::RouteSocket::open());
    auto devices = TRY(list(here));
    auto device = std::ranges::find(devices, name, &NetDevice::name);
    if (device == devices.end()) return Error(ErrorKind::not_found, "there is no network device " + name);
    auto addresses = TRY(lasting_addresses(here, device->index));
    auto there = TRY(open_in(net_ns));
    auto before = TRY(list(there));
    // The kernel would find out after moving it.
    if (std::ranges::find(before, wanted, &NetDevice::name) != before.end())
        return Error(ErrorKind::conflict, "the container has a network device " + wanted + " already");
    TRY(send_away(here, device->index, net_ns, wanted));
    NetDevice moved = TRY(find_new(there, before));
    for (const Address& address : addresses) TRY(add_address(there, moved.index, address));
    return bring_up(there, moved.index);
}

} // namespace hull::kernel
