// Who is called what on which network: what the name server answers from.
// Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "net/address.h"
#include "net/name_server.h"

namespace hull::engine {

class NetworkNames {
public:
    struct Member {
        std::string network_id, network;          // id and name
        std::vector<net::IpAddress> ips;          // of both families
        std::string main;                         // its name in reverse look-ups
        std::vector<std::string> names;           // any case
        std::map<std::string, std::string> links; // alias -> name, for this container alone
        bool internal = false;
    };
    // In the order in which they are searched. Replaces what container had.
    void set(const std::string& container, std::vector<Member> members);
    void remove(const std::string& container);

    // What container sees under name (lower case).
    net::NameAnswer ask(const std::string& container, const std::string& name, uint16_t type);

private:
    std::vector<net::IpAddress> look_up(const std::string& network_id, const std::string& name) const;

    std::mutex mutex_;
    std::map<std::string, std::vector<Member>> members_; // by container
    // network id -> name -> addresses with whose they are
    std::map<std::string, std::multimap<std::string, std::pair<std::string, net::IpAddress>>> names_;
    size_t turn_ = 0; // who comes first in an answer of several
};

} // namespace hull::engine
