#include "net/host_resolvers.h"

#include <sstream>

#include "sys/file.h"

namespace hull::net {

std::vector<std::string> HostResolvers::servers() {
    const auto now = sys::stat(path_);
    const std::lock_guard lock(mutex_);
    if (!now.ok()) return servers_;
    const auto seen = std::tuple(uint64_t{now->st_ino}, int64_t{now->st_mtim.tv_sec}, int64_t{now->st_mtim.tv_nsec},
                                 int64_t{now->st_size});
    if (seen == seen_) return servers_;
    const auto text = sys::read_file(path_, 1 << 20);
    if (!text.ok()) return servers_;
    seen_ = seen;
    servers_.clear();
    std::istringstream lines(*text);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string keyword, server;
        if (words >> keyword >> server && keyword == "nameserver") servers_.push_back(server);
    }
    return servers_;
}

} // namespace hull::net
