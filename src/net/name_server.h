// The name server of containers: 127.0.0.11:53 inside each network namespace
// that has it. Names of containers are answered from what ask() says, everything
// else goes on to the servers outside.
//
// In the namespace there are two sockets on ports of the kernel's choice, and a
// rule that leads port 53 to them: the container keeps its own port 53. One
// thread reads all sockets; what must wait for somebody outside is done by a few
// more. Their answers are kept for as long as the TTLs say. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "net/address.h"

namespace hull::net {

inline constexpr const char* k_name_server_address = "127.0.0.11";

struct NameAnswer {
    enum class Kind : unsigned char {
        addresses, // those; none: the name exists, but not with this type
        name,      // of a reverse look-up
        unknown,   // not one of ours: ask outside
        refused,   // not one of ours, and nothing is asked outside
    };
    Kind kind = Kind::unknown;
    std::vector<IpAddress> addresses;
    std::string name;
};

class NameServer {
public:
    // Who: as given to open(). name: lower case, no final dot. type: DnsType.
    // Called from any thread; must not wait for long.
    using Ask = std::function<NameAnswer(const std::string& who, const std::string& name, uint16_t type)>;
    // An answer from outside, before who gets it; ttl in seconds. May be null.
    using Learned = std::function<void(const std::string& who, const std::string& name,
                                       const std::vector<IpAddress>& addresses, uint32_t ttl)>;
    static Result<std::unique_ptr<NameServer>> start(Ask ask, Learned learned = nullptr);
    ~NameServer();
    NameServer(const NameServer&) = delete;
    NameServer& operator=(const NameServer&) = delete;

    enum class From : unsigned char { host, container };
    struct Outside {
        std::vector<std::string> servers; // addresses, in the order they are asked; from the host: those
                                          // of its resolv.conf, as it is then
        From from = From::host;           // whose network asks them
    };
    // net_ns is borrowed for the call. Replaces what who had.
    Result<void> open(const std::string& who, BorrowedFd net_ns, Outside outside);
    void close(const std::string& who); // not there: fine

private:
    struct Impl;
    explicit NameServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace hull::net
