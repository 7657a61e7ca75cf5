#include "api/errors.h"

#include "codec/json.h"

namespace hull::api {

int status_of(ErrorKind kind) {
    switch (kind) {
    case ErrorKind::invalid_argument:
    case ErrorKind::not_executable: // at start: the image or the request names a wrong program
    case ErrorKind::no_such_program: return 400;
    case ErrorKind::forbidden: return 403;
    case ErrorKind::not_found: return 404;
    case ErrorKind::conflict: return 409;
    case ErrorKind::not_modified: return 304;
    case ErrorKind::too_large: return 413;
    case ErrorKind::unsupported: return 501;
    case ErrorKind::unavailable: return 503;
    case ErrorKind::cancelled: return 499; // the client is gone; nobody reads this
    case ErrorKind::timed_out:
    case ErrorKind::no_space:
    case ErrorKind::corrupt:
    case ErrorKind::system:
    case ErrorKind::internal: return 500;
    }
    return 500;
}

std::string error_body(std::string_view message) {
    return json::print(json::Object{{"message", boost::json::string_view(message.data(), message.size())}}) + "\n";
}

} // namespace hull::api
