#include "engine/filters.h"

#include <algorithm>

#include <re2/re2.h>

namespace hull::engine {

std::span<const std::string> Filters::get(std::string_view name) const {
    auto found = values_.find(std::string(name));
    if (found == values_.end()) return {};
    return found->second;
}

Result<void> Filters::check_names(std::span<const std::string_view> allowed) const {
    for (const auto& [name, ignored] : values_)
        if (std::ranges::find(allowed, name) == allowed.end())
            return Error(ErrorKind::invalid_argument, "invalid filter '" + name + "'");
    return {};
}

bool Filters::exact(std::string_view name, std::string_view value) const {
    auto wanted = get(name);
    return wanted.empty() || std::ranges::find(wanted, value) != wanted.end();
}

bool Filters::any(std::string_view name, const std::function<bool(const std::string&)>& test) const {
    auto wanted = get(name);
    return wanted.empty() || std::ranges::any_of(wanted, test);
}

bool Filters::matches(std::string_view name, const std::string& value) const {
    return any(name, [&](const std::string& wanted) {
        return wanted == value || RE2::PartialMatch(value, RE2(wanted, RE2::Quiet));
    });
}

bool Filters::labels(std::string_view name, const model::Labels& labels) const {
    return std::ranges::all_of(get(name), [&](const std::string& wanted) {
        size_t equals = wanted.find('=');
        auto found = labels.find(wanted.substr(0, equals));
        if (found == labels.end()) return false;
        return equals == std::string::npos || found->second == wanted.substr(equals + 1);
    });
}

Result<bool> Filters::boolean(std::string_view name, bool fallback) const {
    bool yes = false, no = false;
    for (const std::string& value : get(name)) {
        if (value == "1" || value == "true")
            yes = true;
        else if (value == "0" || value == "false")
            no = true;
        else
            return Error(ErrorKind::invalid_argument, "invalid filter '" + std::string(name) + "=[" + value + "]'");
    }
    if (yes && no)
        return Error(ErrorKind::invalid_argument, "invalid filter '" + std::string(name) + "': both true and false");
    return yes ? true : no ? false : fallback;
}

} // namespace hull::engine
