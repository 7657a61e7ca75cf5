#include "net/dns_cache.h"

#include <algorithm>

#include "net/dns_message.h"

namespace hull::net {
namespace {

constexpr size_t k_largest = 4096;
constexpr uint32_t k_longest_s = 300; // whatever the TTL: somebody may have made a mistake

std::string key_of(std::string_view whom, std::string_view query) {
    std::string key(whom);
    key += '\0';
    key += query.substr(2);
    return key;
}

uint32_t ttl_at(std::string_view message, size_t at) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(message[at + i]);
    return value;
}

} // namespace

std::optional<std::string> DnsCache::find(std::string_view whom, std::string_view query, Clock::time_point now) {
    if (query.size() < 12) return std::nullopt;
    const std::string key = key_of(whom, query);
    const std::lock_guard lock(mutex_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return std::nullopt;
    const Entry& entry = *found->second;
    if (now >= entry.until) {
        const auto at = found->second;
        by_key_.erase(found);
        entries_.erase(at);
        return std::nullopt;
    }
    std::string answer = entry.answer;
    answer.replace(0, 2, query.substr(0, 2));
    const auto passed =
        static_cast<uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(now - entry.since).count());
    for (const size_t at : entry.ttls) {
        const uint32_t ttl = ttl_at(answer, at), left = ttl > passed ? ttl - passed : 0;
        for (size_t i = 0; i < 4; ++i) answer[at + i] = static_cast<char>(left >> (24 - 8 * i) & 0xff);
    }
    return answer;
}

void DnsCache::keep(std::string_view whom, std::string_view query, std::string_view answer, Clock::time_point now) {
    if (query.size() < 12 || answer.size() < 12 || answer.size() > k_largest) return;
    const int code = answer[3] & 0xf;
    const bool cut = answer[2] & 0x02;
    if (cut || (code != static_cast<int>(DnsCode::ok) && code != static_cast<int>(DnsCode::no_such_name))) return;
    const auto ttls = dns_ttls(answer);
    if (!ttls || ttls->empty()) return;
    uint32_t least = k_longest_s;
    for (const size_t at : *ttls) least = std::min(least, ttl_at(answer, at));
    if (least == 0) return;
    Entry entry{.key = key_of(whom, query),
                .answer = std::string(answer),
                .ttls = *ttls,
                .since = now,
                .until = now + std::chrono::seconds(least)};
    const std::lock_guard lock(mutex_);
    if (const auto old = by_key_.find(entry.key); old != by_key_.end()) {
        const auto at = old->second;
        by_key_.erase(old);
        entries_.erase(at);
    }
    entries_.push_front(std::move(entry));
    by_key_.emplace(entries_.front().key, entries_.begin());
    if (entries_.size() <= most_) return;
    by_key_.erase(entries_.back().key);
    entries_.pop_back();
}

} // namespace hull::net
