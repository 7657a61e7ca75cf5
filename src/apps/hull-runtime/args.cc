#include "apps/hull-runtime/args.h"

#include <charconv>

namespace hull::oci_runtime {

namespace {

Error wrong(std::string text) { return Error(ErrorKind::invalid_argument, std::move(text)); }

const Flag* find(std::span<const Flag> flags, std::string_view name) {
    for (const Flag& flag : flags)
        if (flag.name == name || (!flag.letter.empty() && flag.letter == name)) return &flag;
    return nullptr;
}

bool is_flag(const std::string& word) { return word.size() > 1 && word[0] == '-'; }

} // namespace

Result<Args> Args::parse(std::span<const std::string> words, std::span<const Flag> flags, Order order) {
    Args out;
    for (size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        if (word == "--" || (order == Order::before_words && !is_flag(word))) {
            size_t first = word == "--" ? i + 1 : i;
            out.words_.insert(out.words_.end(), words.begin() + static_cast<long>(first), words.end());
            break;
        }
        if (!is_flag(word)) {
            out.words_.push_back(word);
            continue;
        }
        std::string_view text = word;
        text.remove_prefix(text.starts_with("--") ? 2 : 1);
        size_t equals = text.find('=');
        std::string_view name = text.substr(0, equals);
        const Flag* flag = find(flags, name);
        if (!flag) return wrong("flag provided but not defined: -" + std::string(name));
        auto& values = out.values_[std::string(flag->name)];
        if (equals != text.npos) {
            values.emplace_back(text.substr(equals + 1));
        } else if (flag->takes == Takes::nothing) {
            values.emplace_back("true");
        } else {
            if (++i == words.size()) return wrong("flag needs an argument: -" + std::string(name));
            values.push_back(words[i]);
        }
    }
    return out;
}

bool Args::has(std::string_view flag) const {
    auto found = values_.find(flag);
    if (found == values_.end()) return false;
    const std::string& last = found->second.back();
    return last != "false" && last != "0" && last != "f" && last != "F";
}

std::string Args::value(std::string_view flag) const {
    auto found = values_.find(flag);
    return found == values_.end() ? std::string() : found->second.back();
}

const std::vector<std::string>& Args::values(std::string_view flag) const {
    static const std::vector<std::string> none;
    auto found = values_.find(flag);
    return found == values_.end() ? none : found->second;
}

Result<int64_t> Args::number(std::string_view flag, int64_t otherwise) const {
    std::string text = value(flag);
    if (text.empty()) return otherwise;
    int64_t number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number < 0)
        return wrong("invalid value \"" + text + "\" for flag -" + std::string(flag));
    return number;
}

} // namespace hull::oci_runtime
