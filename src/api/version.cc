#include "api/version.h"

#include <charconv>

namespace hull::api {

namespace {

bool take_number(std::string_view& text, int& out) {
    auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (ec != std::errc() || out < 0 || text.front() == '-') return false;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    return true;
}

} // namespace

Result<VersionedPath> split_version(std::string_view path) {
    VersionedPath plain{newest_version, path};
    if (!path.starts_with("/v")) return plain;
    std::string_view rest = path.substr(2);
    Version version;
    if (rest.empty() || !take_number(rest, version.major)) return plain; // "/volumes"
    if (!rest.starts_with('.')) return plain;
    rest.remove_prefix(1);
    if (rest.empty() || !take_number(rest, version.minor)) return plain;
    if (!rest.starts_with('/')) return plain;
    if (version > newest_version)
        return Error(ErrorKind::invalid_argument, "client version " + version.text() +
                                                      " is too new. Maximum supported API version is " +
                                                      newest_version.text());
    if (version < oldest_version)
        return Error(ErrorKind::invalid_argument,
                     "client version " + version.text() + " is too old. Minimum supported API version is " +
                         oldest_version.text() + ", please upgrade your client to a newer version");
    return VersionedPath{version, rest};
}

} // namespace hull::api
