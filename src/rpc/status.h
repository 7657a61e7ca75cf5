// How a gRPC call ended. Source: grpc.io, "Status codes and their use in gRPC".
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace hull::rpc {

enum class Code : int {
    ok = 0,
    cancelled = 1,
    unknown = 2,
    invalid_argument = 3,
    deadline_exceeded = 4,
    not_found = 5,
    already_exists = 6,
    permission_denied = 7,
    resource_exhausted = 8,
    failed_precondition = 9,
    aborted = 10,
    out_of_range = 11,
    unimplemented = 12,
    internal = 13,
    unavailable = 14,
    data_loss = 15,
    unauthenticated = 16,
};

// What a status means as an Error, and the other way round.
Error error_of(Code code, std::string message);
Code code_of(const Error& error);

// The text of grpc-message: what isn't printable ASCII is %XX.
std::string percent_encoded(std::string_view text);
std::string percent_decoded(std::string_view text);

} // namespace hull::rpc
