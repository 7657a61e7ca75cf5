#include "apps/hull/stream/detach_keys.h"

namespace hull::cli {

Result<std::string> parse_detach_keys(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        size_t comma = text.find(',', 1); // a key may be a comma
        std::string_view key = text.substr(0, comma);
        text = comma == text.npos ? std::string_view{} : text.substr(comma + 1);
        if (key.size() == 1) {
            out += key[0];
            continue;
        }
        constexpr std::string_view others = "@[\\]^_"; // ctrl-@ is 0, the others follow ctrl-z
        constexpr char codes[] = {0, 27, 28, 29, 30, 31};
        char last = key.size() == 6 && key.starts_with("ctrl-") ? key[5] : '\0';
        size_t other = last ? others.find(last) : others.npos;
        if (last >= 'a' && last <= 'z')
            out += static_cast<char>(last - 'a' + 1);
        else if (last && other != others.npos)
            out += codes[other];
        else
            return Error(ErrorKind::invalid_argument,
                         "invalid detach keys: Unknown character: '" + std::string(key) + "'");
    }
    return out;
}

DetachFilter::Verdict DetachFilter::feed(std::string_view typed) {
    Verdict verdict;
    if (sequence_.empty()) {
        verdict.forward = typed;
        return verdict;
    }
    for (char c : typed) {
        if (c == sequence_[matched_]) {
            if (++matched_ == sequence_.size()) {
                verdict.detach = true;
                matched_ = 0;
                return verdict;
            }
            continue;
        }
        verdict.forward.append(sequence_, 0, matched_);
        matched_ = c == sequence_[0] ? 1 : 0;
        if (matched_ == 0)
            verdict.forward += c;
        else if (sequence_.size() == 1)
            verdict.detach = true;
    }
    return verdict;
}

} // namespace hull::cli
