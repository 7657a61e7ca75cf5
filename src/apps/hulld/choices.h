// Values of options, typed; and the check of those that can't be honoured.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apps/hulld/flags.h"
#include "base/result.h"

namespace hull {

// Typed access to the values; `absent` is what a missing one is.
class Values {
public:
    explicit Values(const FlagValues& values) : values_(values) {}

    bool has(std::string_view name) const { return values_.contains(name); }
    std::string text(std::string_view name, std::string absent = "") const {
        auto found = values_.find(name);
        return found == values_.end() || found->second.empty() ? absent : found->second.back();
    }
    bool flag(std::string_view name, bool absent) const {
        if (!has(name)) return absent;
        std::string value = text(name);
        return value[0] == '1' || value[0] == 't' || value[0] == 'T';
    }
    int number(std::string_view name, int absent) const { return has(name) ? std::stoi(text(name)) : absent; }
    std::vector<std::string> list(std::string_view name) const {
        auto found = values_.find(name);
        return found == values_.end() ? std::vector<std::string>{} : found->second;
    }

private:
    const FlagValues& values_;
};

// Options that dockerd has and that Hull honours only with some values, or not at
// all: unsupported, naming the option and what to do. invalid_argument for wrong ones.
Result<void> check_choices(const Values& values);

} // namespace hull
