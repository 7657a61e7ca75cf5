// Who may send where, over the whole engine: the lists of containers, the addresses
// that their names have, and the tables of the kernel that follow both.
// Thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/egress_list.h"
#include "net/egress_rules.h"
#include "net/network.h"

namespace hull::net {

class EgressGuard {
public:
    struct Way { // of a container to a network
        std::string bridge;
        Endpoint endpoint;
        EgressList list;
        bool operator==(const Way& other) const { return endpoint.host_interface == other.endpoint.host_interface; }
    };
    // Whether there is a way besides, without a list: then every name is asked.
    enum class Besides : unsigned char { nothing, open_way };
    enum class Tables : unsigned char { anew, if_missing };
    // In place of what who had; none: no lists any more. On error some of them may
    // have their new list already, none has less than either says.
    Result<void> set(const std::string& who, std::vector<Way> ways, Besides besides, Tables tables = Tables::anew);
    void forget(const std::string& who); // its links are on their way out

    bool may_ask(const std::string& who, const std::string& name) const;
    // An answer, before who gets it.
    void learned(const std::string& who, const std::string& name, std::span<const IpAddress> addresses,
                 std::chrono::seconds ttl);
    // Tables that somebody took away.
    void restore();

private:
    struct Known {
        std::string name;
        IpAddress ip;
        std::chrono::steady_clock::time_point until;
    };
    struct Member {
        std::vector<Way> ways;
        Besides besides = Besides::nothing;
        std::vector<Known> known;
    };
    static std::vector<NamedAddress> still_known(const Member& member);

    mutable std::mutex mutex_; // held over the kernel's calls: lists change rarely, names are looked up by few
    std::map<std::string, Member> members_;
};

} // namespace hull::net
