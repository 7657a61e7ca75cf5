#include "net/address_pool.h"

#include <algorithm>
#include <vector>

namespace hull::net {

IpAddress next_address(const IpAddress& ip) {
    std::array<uint8_t, 16> bytes{};
    std::ranges::copy(ip.bytes(), bytes.begin());
    for (size_t i = ip.bytes().size(); i-- > 0;)
        if (++bytes[i] != 0) return *IpAddress::from_bytes({bytes.data(), ip.bytes().size()});
    return ip;
}

namespace {

// The host's address of subnet number index behind base.
Prefix nth_subnet(const Prefix& base, uint8_t size, uint64_t index) {
    std::array<uint8_t, 16> bytes{};
    std::ranges::copy(base.network().address.bytes(), bytes.begin());
    for (unsigned bit = 0; bit < size && bit < 64; ++bit) {
        const unsigned at = size - 1 - bit;
        if (index >> bit & 1) bytes[at / 8] |= static_cast<uint8_t>(0x80 >> at % 8);
    }
    bytes[15] |= 1;
    return {IpAddress::v6(bytes), size};
}

Prefix unique_local(std::string_view seed) {
    uint64_t hash = 0xcbf29ce484222325; // FNV-1a: any 40 bits that differ between machines
    for (const unsigned char c : seed) hash = (hash ^ c) * 0x100000001b3;
    hash ^= hash >> 29;
    std::array<uint8_t, 16> bytes{0xfd};
    for (unsigned i = 0; i < 5; ++i) bytes[i + 1] = static_cast<uint8_t>(hash >> 8 * i);
    return {IpAddress::v6(bytes), 48};
}

} // namespace

AddressPool::AddressPool(const Prefix& subnet, const Prefix& range)
    : subnet_(subnet.network()), range_(range.network()), lowest_(range_.address) {}

bool AddressPool::usable(const IpAddress& ip) const {
    return subnet_.contains(ip) && ip != subnet_.address && ip != subnet_.broadcast();
}

void AddressPool::reserve(const IpAddress& ip) {
    const std::lock_guard lock(mutex_);
    leases_.insert_or_assign(ip, "");
}

Result<IpAddress> AddressPool::lease(const std::string& owner) {
    const std::lock_guard lock(mutex_);
    IpAddress ip = lowest_;
    for (auto taken = leases_.lower_bound(ip); range_.contains(ip); ip = next_address(ip)) {
        if (taken != leases_.end() && taken->first == ip) {
            ++taken;
        } else if (usable(ip)) {
            leases_.emplace(ip, owner);
            by_owner_.emplace(owner, ip);
            lowest_ = ip;
            return ip;
        }
        if (next_address(ip) == ip) break;
    }
    return Error(ErrorKind::no_space, std::string("no available ") + (subnet_.address.is_v6() ? "IPv6" : "IPv4") +
                                          " addresses on this network's address pools: bridge");
}

Result<void> AddressPool::lease(const IpAddress& ip, const std::string& owner) {
    if (!usable(ip)) return Error(ErrorKind::invalid_argument, "no configured subnet contains IP address " + ip.str());
    const std::lock_guard lock(mutex_);
    if (!leases_.emplace(ip, owner).second) return Error(ErrorKind::conflict, "Address already in use");
    by_owner_.emplace(owner, ip);
    return {};
}

void AddressPool::free(const IpAddress& ip) {
    leases_.erase(ip);
    if (range_.contains(ip)) lowest_ = std::min(lowest_, ip);
}

void AddressPool::release(const IpAddress& ip, const std::string& owner) {
    const std::lock_guard lock(mutex_);
    const auto [first, last] = by_owner_.equal_range(owner);
    const auto found = std::find_if(first, last, [&](const auto& entry) { return entry.second == ip; });
    if (found == last) return;
    by_owner_.erase(found);
    free(ip);
}

void AddressPool::release_all(const std::string& owner) {
    const std::lock_guard lock(mutex_);
    const auto [first, last] = by_owner_.equal_range(owner);
    std::for_each(first, last, [&](const auto& entry) { free(entry.second); });
    by_owner_.erase(first, last);
}

bool AddressPool::roomy() const {
    const unsigned host_bits = range_.address.bits() - range_.length;
    if (host_bits > 20) return true;
    return leased() * 4 < size_t{1} << host_bits;
}

size_t AddressPool::leased() const {
    const std::lock_guard lock(mutex_);
    return leases_.size();
}

std::optional<Prefix> choose_subnet(std::span<const Prefix> used, std::span<const SubnetPool> pools) {
    const auto free = [&](const Prefix& candidate) {
        return std::ranges::none_of(used, [&](const Prefix& other) { return candidate.overlaps(other); });
    };
    const auto first_host = [](uint32_t network, uint8_t length) { return Prefix{IpAddress::v4(network | 1), length}; };
    bool any = false;
    for (const SubnetPool& pool : pools) {
        if (pool.base.address.is_v6()) continue;
        any = true;
        const uint32_t first = pool.base.network().address.to_v4();
        const uint64_t count = uint64_t{1} << (pool.size - pool.base.length);
        for (uint64_t i = 0; i < count; ++i)
            if (const Prefix candidate = first_host(first + static_cast<uint32_t>(i << (32 - pool.size)), pool.size);
                free(candidate))
                return candidate;
    }
    if (any) return std::nullopt;
    for (uint32_t second = 17; second <= 31; ++second)
        if (const Prefix candidate = first_host(172u << 24 | second << 16, 16); free(candidate)) return candidate;
    for (uint32_t third = 0; third <= 240; third += 16)
        if (const Prefix candidate = first_host(192u << 24 | 168u << 16 | third << 8, 20); free(candidate))
            return candidate;
    return std::nullopt;
}

std::optional<Prefix> choose_subnet6(std::span<const Prefix> used, std::span<const SubnetPool> pools,
                                     std::string_view seed) {
    std::vector<SubnetPool> own;
    for (const SubnetPool& pool : pools)
        if (pool.base.address.is_v6()) own.push_back(pool);
    if (own.empty()) own.push_back({unique_local(seed), 64});
    for (const SubnetPool& pool : own) {
        const unsigned bits = std::min(16, pool.size - pool.base.length); // so many are tried
        for (uint64_t i = 0; i < uint64_t{1} << bits; ++i) {
            const Prefix candidate = nth_subnet(pool.base, pool.size, i);
            if (std::ranges::none_of(used, [&](const Prefix& other) { return candidate.overlaps(other); }))
                return candidate;
        }
    }
    return std::nullopt;
}

} // namespace hull::net
