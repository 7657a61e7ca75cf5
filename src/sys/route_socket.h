// rtnetlink(7) for programs that are linked without libmnl: one request, its
// answers.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hull::sys {

class RouteSocket {
public:
    // Works in the network namespace that the calling thread is in now.
    static Result<RouteSocket> open();

    // request: one message with its header; length and sequence number are
    // filled in here. Gives the data messages of the answer, one after the
    // other as the kernel aligned them. An error of the kernel's has its errno
    // and "rtnetlink".
    Result<std::string> exchange(std::string request);

private:
    explicit RouteSocket(UniqueFd fd) : fd_(std::move(fd)) {}
    UniqueFd fd_;
    unsigned sequence_ = 0;
};

} // namespace hull::sys
