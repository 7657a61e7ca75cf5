#include "registry/challenge.h"

#include <optional>
#include <utility>

namespace hull::registry {

namespace {

constexpr size_t max_line = size_t{8} << 10, max_challenges = 8;

constexpr std::pair<std::string_view, std::string Challenge::*> parameter_members[] = {
    {"realm", &Challenge::realm},
    {"service", &Challenge::service},
    {"scope", &Challenge::scope},
    {"error", &Challenge::error},
    {"error_description", &Challenge::error_description},
};

bool is_token_char(char c) {
    constexpr std::string_view others = "!#$%&'*+-.^_`|~";
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || others.find(c) != others.npos;
}

class ChallengeReader {
public:
    explicit ChallengeReader(std::string_view text) : rest_(text) {}

    bool at_end() {
        skip_blanks();
        return rest_.empty();
    }
    void skip_separators() {
        while (!rest_.empty() && (rest_.front() == ',' || rest_.front() == ' ' || rest_.front() == '\t'))
            rest_.remove_prefix(1);
    }
    void skip_one() { rest_.remove_prefix(1); }
    std::string token() {
        size_t n = 0;
        while (n < rest_.size() && is_token_char(rest_[n])) ++n;
        std::string out(rest_.substr(0, n));
        rest_.remove_prefix(n);
        return out;
    }
    // name=value or name="value"; nullopt: something else stands here, which is
    // not consumed.
    std::optional<std::pair<std::string, std::string>> parameter() {
        std::string_view before = rest_;
        std::string name = token();
        skip_blanks();
        if (name.empty() || rest_.empty() || rest_.front() != '=') {
            rest_ = before;
            return std::nullopt;
        }
        rest_.remove_prefix(1);
        skip_blanks();
        if (rest_.empty() || rest_.front() != '"') return std::pair(std::move(name), token());
        rest_.remove_prefix(1);
        std::string value;
        while (!rest_.empty() && rest_.front() != '"') {
            if (rest_.front() == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
            value += rest_.front();
            rest_.remove_prefix(1);
        }
        if (!rest_.empty()) rest_.remove_prefix(1);
        return std::pair(std::move(name), std::move(value));
    }

private:
    void skip_blanks() {
        while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t')) rest_.remove_prefix(1);
    }
    std::string_view rest_;
};

} // namespace

std::vector<Challenge> parse_challenges(std::string_view line) {
    std::vector<Challenge> found;
    ChallengeReader reader(line.substr(0, max_line));
    while (!reader.at_end() && found.size() < max_challenges) {
        reader.skip_separators();
        std::string scheme = reader.token();
        if (scheme.empty()) {
            if (reader.at_end()) break;
            reader.skip_one();
            continue;
        }
        Challenge challenge;
        const bool bearer = http::equal_without_case(scheme, "bearer");
        const bool known = bearer || http::equal_without_case(scheme, "basic");
        if (bearer) challenge.scheme = Challenge::Scheme::bearer;
        for (;;) {
            reader.skip_separators();
            auto parameter = reader.parameter();
            if (!parameter) break;
            auto& [name, value] = *parameter;
            for (auto [known_name, member] : parameter_members)
                if (http::equal_without_case(name, known_name)) challenge.*member = std::move(value);
        }
        if (known) found.push_back(std::move(challenge));
    }
    return found;
}

std::vector<Challenge> challenges_of(const http::Headers& headers) {
    std::vector<Challenge> all;
    for (const http::Header& header : headers) {
        if (!http::equal_without_case(header.name, "WWW-Authenticate")) continue;
        for (Challenge& one : parse_challenges(header.value)) all.push_back(std::move(one));
    }
    return all;
}

} // namespace hull::registry
