#include "engine/more_ids.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace hull::engine {

std::vector<uint32_t> more_ids(const model::ContainerConfig& config, const model::HostConfig& host) {
    constexpr uint32_t in_range = 65536;
    std::vector<uint32_t> ids;
    auto add = [&](std::string_view text) {
        uint32_t id = 0;
        auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
        if (error == std::errc() && end == text.data() + text.size() && id >= in_range && id != UINT32_MAX)
            ids.push_back(id);
    };
    const std::string_view user = config.user;
    const size_t colon = std::min(user.find(':'), user.size());
    add(user.substr(0, colon));
    if (colon < user.size()) add(user.substr(colon + 1));
    for (const std::string& group : host.group_add) add(group);
    std::ranges::sort(ids);
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    return ids;
}

} // namespace hull::engine
