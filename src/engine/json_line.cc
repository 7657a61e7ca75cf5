#include "engine/json_line.h"

#include <charconv>
#include <cstdint>

namespace hull::engine {
namespace {

class Scanner {
public:
    explicit Scanner(std::string_view text) : text_(text) {}

    bool take(char wanted) {
        skip_space();
        if (at_ >= text_.size() || text_[at_] != wanted) return false;
        ++at_;
        return true;
    }

    bool string(std::string& out) {
        out.clear();
        if (!take('"')) return false;
        for (;;) {
            size_t plain = text_.find_first_of("\"\\", at_);
            if (plain == std::string_view::npos) return false;
            out.append(text_, at_, plain - at_);
            at_ = plain + 1;
            if (text_[plain] == '"') return true;
            if (!escape(out)) return false;
        }
    }

    bool at_end() {
        skip_space();
        return at_ == text_.size();
    }

private:
    void skip_space() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r')) ++at_;
    }

    bool hex4(uint32_t& value) {
        if (at_ + 4 > text_.size()) return false;
        auto [end, failed] = std::from_chars(text_.data() + at_, text_.data() + at_ + 4, value, 16);
        if (failed != std::errc() || end != text_.data() + at_ + 4) return false;
        at_ += 4;
        return true;
    }

    bool escape(std::string& out) {
        if (at_ >= text_.size()) return false;
        char c = text_[at_++];
        switch (c) {
        case 'n': out += '\n'; return true;
        case 'r': out += '\r'; return true;
        case 't': out += '\t'; return true;
        case 'b': out += '\b'; return true;
        case 'f': out += '\f'; return true;
        case '"':
        case '\\':
        case '/': out += c; return true;
        case 'u': break;
        default: return false;
        }
        uint32_t code = 0;
        if (!hex4(code)) return false;
        if (code >= 0xd800 && code < 0xdc00) {
            uint32_t low = 0;
            if (text_.substr(at_, 2) != "\\u") return false;
            at_ += 2;
            if (!hex4(low) || low < 0xdc00 || low > 0xdfff) return false;
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
        append_utf8(code, out);
        return true;
    }

    static void append_utf8(uint32_t code, std::string& out) {
        auto put = [&out](uint32_t byte) { out += static_cast<char>(byte); };
        if (code < 0x80) {
            put(code);
        } else if (code < 0x800) {
            put(0xc0 | code >> 6);
            put(0x80 | (code & 0x3f));
        } else if (code < 0x10000) {
            put(0xe0 | code >> 12);
            put(0x80 | (code >> 6 & 0x3f));
            put(0x80 | (code & 0x3f));
        } else {
            put(0xf0 | code >> 18);
            put(0x80 | (code >> 12 & 0x3f));
            put(0x80 | (code >> 6 & 0x3f));
            put(0x80 | (code & 0x3f));
        }
    }

    std::string_view text_;
    size_t at_ = 0;
};

bool parse_attributes(Scanner& scanner, std::string& out) {
    if (!scanner.take('{')) return false;
    if (scanner.take('}')) return true;
    std::string key, value;
    do {
        if (!scanner.string(key) || !scanner.take(':') || !scanner.string(value)) return false;
        if (!out.empty()) out += ',';
        out += key + "=" + value;
    } while (scanner.take(','));
    return scanner.take('}');
}

} // namespace

bool parse_json_line(std::string_view line, JsonLine& out) {
    out.text.clear();
    out.attributes.clear();
    out.is_stderr = false;
    out.time = {};
    Scanner scanner(line);
    if (!scanner.take('{')) return false;
    std::string key, value;
    do {
        if (!scanner.string(key) || !scanner.take(':')) return false;
        if (key == "attrs") {
            if (!parse_attributes(scanner, out.attributes)) return false;
            continue;
        }
        std::string& target = key == "log" ? out.text : value;
        if (!scanner.string(target)) return false;
        if (key == "stream") out.is_stderr = value == "stderr";
        if (key == "time") {
            auto time = from_rfc3339(value);
            if (!time) return false;
            out.time = *time;
        }
    } while (scanner.take(','));
    return scanner.take('}') && scanner.at_end();
}

} // namespace hull::engine
