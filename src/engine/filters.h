// The filters= parameter of lists, prunes and events: names, each with any of
// some values. api/ reads both of its JSON encodings into this.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/container.h"

namespace hull::engine {

class Filters {
public:
    Filters() = default;
    explicit Filters(std::map<std::string, std::vector<std::string>> values) : values_(std::move(values)) {}

    void add(std::string name, std::string value) { values_[std::move(name)].push_back(std::move(value)); }
    bool has(std::string_view name) const { return !get(name).empty(); }
    std::span<const std::string> get(std::string_view name) const;
    bool empty() const { return values_.empty(); }

    // Errors: invalid_argument with Docker's text for a name that isn't listed.
    Result<void> check_names(std::span<const std::string_view> allowed) const;

    // No value under name, or one of them equals value.
    bool exact(std::string_view name, std::string_view value) const;
    // No value under name, or one of them satisfies test.
    bool any(std::string_view name, const std::function<bool(const std::string&)>& test) const;
    // No value under name, or one of them is value or a regular expression that is found in it.
    bool matches(std::string_view name, const std::string& value) const;
    // Every "key" or "key=value" under name ("label", "label!") holds for labels.
    bool labels(std::string_view name, const model::Labels& labels) const;
    // A boolean filter (true/false/1/0). Errors: invalid_argument. absent: fallback.
    Result<bool> boolean(std::string_view name, bool fallback) const;

private:
    std::map<std::string, std::vector<std::string>> values_;
};

} // namespace hull::engine
