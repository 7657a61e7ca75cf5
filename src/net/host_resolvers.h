// The name servers of this machine, as its resolv.conf names them now. Looking
// costs one system call while the file stays as it is. Thread-safe.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

namespace hull::net {

class HostResolvers {
public:
    explicit HostResolvers(std::string path = "/etc/resolv.conf") : path_(std::move(path)) {}
    // Those it had last when the file can't be read (somebody is replacing it).
    std::vector<std::string> servers();

private:
    const std::string path_;
    std::mutex mutex_;
    std::tuple<uint64_t, int64_t, int64_t, int64_t> seen_; // inode, time of change, size
    std::vector<std::string> servers_;
};

} // namespace hull::net
