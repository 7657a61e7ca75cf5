#include "engine/tmpfs_options.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace hull::engine {
namespace {

constexpr std::array<std::string_view, 39> kFlags = {
    "async",     "atime",       "bind",   "defaults",   "dev",     "diratime",    "dirsync",    "exec",
    "mand",      "noatime",     "nodev",  "nodiratime", "noexec",  "nomand",      "norelatime", "nostrictatime",
    "nosuid",    "private",     "rbind",  "relatime",   "remount", "ro",          "rprivate",   "rshared",
    "rslave",    "runbindable", "rw",     "shared",     "slave",   "strictatime", "suid",       "sync",
    "tmpcopyup", "unbindable",  "noswap", "inode32",    "inode64", "usrquota",    "grpquota"};
constexpr std::array<std::string_view, 8> kValues = {"size",      "mode",      "uid",  "gid",
                                                     "nr_inodes", "nr_blocks", "mpol", "huge"};

} // namespace

Result<void> check_tmpfs_options(const std::string& options) {
    std::string_view rest = options;
    while (!rest.empty()) {
        std::string_view option = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(rest.size(), option.size() + 1));
        if (std::ranges::find(kFlags, option) != kFlags.end()) continue;
        size_t equals = option.find('=');
        bool known = equals != option.npos && std::ranges::find(kValues, option.substr(0, equals)) != kValues.end();
        if (known && option.find('\0') == option.npos) continue;
        std::string words = "[\"" + std::string(option.substr(0, equals)) + "\"";
        if (equals != option.npos) words += " \"" + std::string(option.substr(equals + 1)) + "\"";
        return invalid("invalid tmpfs option " + words + "]");
    }
    return {};
}

} // namespace hull::engine
