// Answers of servers outside, kept as long as their TTLs say. A query is known
// by all of its bytes but the id, so an answer is only given to the very same
// question, with the same flags and options. Bounded. Thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hull::net {

class DnsCache {
public:
    using Clock = std::chrono::steady_clock;
    explicit DnsCache(size_t most_entries = 2048) : most_(most_entries) {}

    // whom: which servers were asked. With the query's id, and TTLs less the time
    // that has passed since.
    std::optional<std::string> find(std::string_view whom, std::string_view query, Clock::time_point now);
    // Failures, cut answers, those without records and large ones aren't kept.
    void keep(std::string_view whom, std::string_view query, std::string_view answer, Clock::time_point now);

private:
    struct Entry {
        std::string key, answer;
        std::vector<size_t> ttls; // where they stand
        Clock::time_point since, until;
    };
    const size_t most_;
    std::mutex mutex_;
    std::list<Entry> entries_;                                      // newest first
    std::map<std::string_view, std::list<Entry>::iterator> by_key_; // views of the entries' keys
};

} // namespace hull::net
