#include "apps/hull/cli/flags.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstdlib>

#include "apps/hull/format/human.h"

namespace hull::cli {

namespace {

Error usage(std::string text) { return Error(ErrorKind::invalid_argument, std::move(text)); }

const Flag* find_in(std::span<const Flag> table, std::string_view name) {
    auto found = std::ranges::find(table, name, &Flag::name);
    return found == table.end() ? nullptr : &*found;
}

Result<void> check_decimal(const std::string& text) {
    char* end = nullptr;
    (void)std::strtod(text.c_str(), &end);
    bool plain = text.find_first_not_of("0123456789.+-eE/") == text.npos;
    if (text.empty() || !plain || *end != '\0') return usage("failed to parse " + text + " as a rational number");
    return {};
}

Result<void> check_value(const Flag& flag, const std::string& value) {
    switch (flag.type) {
    case FlagType::text:
    case FlagType::list: break;
    case FlagType::boolean: TRY(parse_bool(value)); break;
    case FlagType::integer: TRY(parse_integer(value)); break;
    case FlagType::natural: {
        if (value.starts_with('-')) return usage("strconv.ParseUint: parsing \"" + value + "\": invalid syntax");
        TRY(parse_integer(value));
        break;
    }
    case FlagType::bytes:
        if (value != "-1") TRY(format::parse_bytes(value));
        break;
    case FlagType::duration: TRY(format::parse_duration(value)); break;
    case FlagType::decimal: TRY(check_decimal(value)); break;
    }
    return {};
}

} // namespace

Result<bool> parse_bool(std::string_view text) {
    for (std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"})
        if (text == yes) return true;
    for (std::string_view no : {"0", "f", "F", "false", "FALSE", "False"})
        if (text == no) return false;
    return usage("strconv.ParseBool: parsing \"" + std::string(text) + "\": invalid syntax");
}

Result<int64_t> parse_integer(std::string_view text) {
    int64_t value = 0;
    std::string_view digits = text.starts_with('+') ? text.substr(1) : text;
    auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (ec == std::errc::result_out_of_range)
        return usage("strconv.ParseInt: parsing \"" + std::string(text) + "\": value out of range");
    if (ec != std::errc{} || end != digits.data() + digits.size())
        return usage("strconv.ParseInt: parsing \"" + std::string(text) + "\": invalid syntax");
    return value;
}

const Flag* FlagTables::find(std::string_view name) const {
    const Flag* found = find_in(own, name);
    if (!found) found = find_in(shared, name);
    if (found && !found->alias_of.empty()) return find(found->alias_of);
    return found;
}

const Flag* FlagTables::find(char letter) const {
    for (auto table : {own, shared})
        for (const Flag& flag : table)
            if (flag.letter == letter) return flag.alias_of.empty() ? &flag : find(flag.alias_of);
    return nullptr;
}

class FlagParser {
public:
    FlagParser(Flags& out, std::span<const std::string> arguments) : out_(out), arguments_(arguments) {}

    Result<void> run(Order order) {
        bool ended = false;
        while (at_ < arguments_.size()) {
            const std::string& word = arguments_[at_++];
            if (ended || word.size() < 2 || word[0] != '-') {
                out_.operands_.push_back(word);
                if (order == Order::flags_first) ended = true;
                if (ended && !dashed_) dashed_ = true, out_.dash_ = SIZE_MAX;
            } else if (word == "--") {
                if (!dashed_) out_.dash_ = out_.operands_.size();
                dashed_ = ended = true;
            } else if (word[1] == '-') {
                TRY(long_flag(word));
            } else {
                TRY(short_flags(word));
            }
        }
        if (!dashed_ || out_.dash_ == SIZE_MAX) out_.dash_ = out_.operands_.size();
        return {};
    }

private:
    Result<void> long_flag(const std::string& word) {
        size_t equals = word.find('=');
        std::string name = word.substr(2, equals == word.npos ? word.npos : equals - 2);
        if (name.empty() || name[0] == '-' || name[0] == '=') return usage("bad flag syntax: " + word);
        const Flag* flag = out_.tables_.find(name);
        if (!flag) {
            if (name == "help") return Error(ErrorKind::cancelled, "help");
            return usage("unknown flag: --" + name);
        }
        if (equals != word.npos) return add(*flag, word.substr(equals + 1));
        if (flag->type == FlagType::boolean) return add(*flag, "true");
        if (at_ >= arguments_.size()) return usage("flag needs an argument: --" + name);
        return add(*flag, arguments_[at_++]);
    }

    Result<void> short_flags(const std::string& word) {
        for (size_t i = 1; i < word.size(); ++i) {
            const Flag* flag = out_.tables_.find(word[i]);
            if (!flag) {
                if (word[i] == 'h') return Error(ErrorKind::cancelled, "help");
                return usage(std::string("unknown shorthand flag: '") + word[i] + "' in " + word.substr(0));
            }
            bool attached = i + 1 < word.size();
            if (attached && word[i + 1] == '=') return add(*flag, word.substr(i + 2));
            if (flag->type == FlagType::boolean) {
                TRY(add(*flag, "true"));
                continue;
            }
            if (attached) return add(*flag, word.substr(i + 1));
            if (at_ >= arguments_.size())
                return usage(std::string("flag needs an argument: '") + word[i] + "' in " + word);
            return add(*flag, arguments_[at_++]);
        }
        return {};
    }

    Result<void> add(const Flag& flag, std::string value) {
        auto checked = check_value(flag, value);
        if (!checked.ok()) {
            std::string name = "--" + std::string(flag.name);
            if (flag.letter) name = std::string("-") + flag.letter + ", " + name;
            return usage("invalid argument \"" + value + "\" for \"" + name + "\" flag: " + checked.error().message());
        }
        out_.given_.push_back({&flag, std::move(value)});
        return {};
    }

    Flags& out_;
    std::span<const std::string> arguments_;
    size_t at_ = 0;
    bool dashed_ = false;
};

Result<Flags> Flags::parse(const FlagTables& tables, std::span<const std::string> arguments, Order order) {
    Flags out;
    out.tables_ = tables;
    TRY(FlagParser(out, arguments).run(order));
    return out;
}

const Flag& Flags::flag(std::string_view name) const {
    const Flag* found = tables_.find(name);
    assert(found && "a flag that is in no table");
    return *found;
}

const std::string* Flags::last(std::string_view name) const {
    const Flag* wanted = &flag(name);
    auto found = std::find_if(given_.rbegin(), given_.rend(), [&](const Given& g) { return g.flag == wanted; });
    return found == given_.rend() ? nullptr : &found->value;
}

bool Flags::given(std::string_view name) const { return last(name) != nullptr; }

std::string Flags::text(std::string_view name) const {
    const std::string* value = last(name);
    return value ? *value : std::string(flag(name).initial);
}

bool Flags::on(std::string_view name) const {
    auto value = parse_bool(text(name));
    return value.ok() && *value;
}

int64_t Flags::number(std::string_view name) const {
    std::string value = text(name);
    if (value.empty()) return 0;
    FlagType type = flag(name).type;
    if (type == FlagType::duration) return MUST(format::parse_duration(value));
    if (type == FlagType::bytes && value != "-1") return MUST(format::parse_bytes(value));
    return MUST(parse_integer(value));
}

std::vector<std::string> Flags::list(std::string_view name) const {
    const Flag* wanted = &flag(name);
    std::vector<std::string> out;
    for (const Given& g : given_)
        if (g.flag == wanted) out.push_back(g.value);
    return out;
}

} // namespace hull::cli
