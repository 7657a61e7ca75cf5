#include "apps/hull/bootstrap/apt_sources.h"

#include <algorithm>

#include "sys/file.h"

namespace hull::cli {

namespace {

std::string_view trim(std::string_view text) {
    size_t first = text.find_first_not_of(" \t\r");
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::vector<std::string> words(std::string_view text) {
    std::vector<std::string> out;
    while (!(text = trim(text)).empty()) {
        size_t end = text.find_first_of(" \t\n");
        out.emplace_back(text.substr(0, end));
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
    }
    return out;
}

std::string joined(const std::vector<std::string>& texts) {
    std::string out;
    for (const std::string& text : texts) out += (out.empty() ? "" : " ") + text;
    return out;
}

std::string_view take_line(std::string_view& text) {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    return line;
}

bool equal_without_case(std::string_view a, std::string_view b) {
    auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::ranges::equal(a, b, {}, lower, lower);
}

// "[arch=amd64 signed-by=/x]" in front of the address.
void read_options(std::string_view text, AptSource& out) {
    for (const std::string& option : words(text)) {
        size_t equals = option.find('=');
        if (equals == option.npos) continue;
        std::string name = option.substr(0, equals), value = option.substr(equals + 1);
        std::ranges::replace(value, ',', ' ');
        if (name == "signed-by")
            out.signed_by = value;
        else if (name == "arch")
            out.others.emplace_back("Architectures", value);
        else if (name == "trusted")
            out.others.emplace_back("Trusted", value);
        else if (name == "check-valid-until")
            out.others.emplace_back("Check-Valid-Until", value);
    }
}

struct Stanza {
    std::vector<std::pair<std::string, std::string>> fields;
};

void add_stanza(const Stanza& stanza, std::vector<AptSource>& out) {
    AptSource source;
    bool binary = false, enabled = true;
    for (const auto& [name, value] : stanza.fields) {
        if (equal_without_case(name, "Types"))
            binary = std::ranges::count(words(value), "deb") > 0;
        else if (equal_without_case(name, "Enabled"))
            enabled = trim(value) != "no" && trim(value) != "false";
        else if (equal_without_case(name, "URIs"))
            source.uris = words(value);
        else if (equal_without_case(name, "Suites"))
            source.suites = words(value);
        else if (equal_without_case(name, "Components"))
            source.components = words(value);
        else if (equal_without_case(name, "Signed-By"))
            source.signed_by = value;
        else
            source.others.emplace_back(name, value);
    }
    if (binary && enabled && !source.uris.empty() && !source.suites.empty()) out.push_back(std::move(source));
}

// A suite is a release with a pocket: bookworm, bookworm-updates, bookworm/updates.
std::string_view release_of(std::string_view suite) { return suite.substr(0, suite.find_first_of("-/")); }

bool belongs_to(const AptSource& source, std::string_view distribution) {
    if (std::ranges::find(source.components, "main") == source.components.end()) return false;
    return std::ranges::any_of(source.uris, [&](std::string_view uri) {
        while (uri.ends_with('/')) uri.remove_suffix(1);
        std::string_view last = uri.substr(uri.rfind('/') + 1);
        return last.find(distribution) != last.npos || uri.find(std::string(distribution) + ".") != uri.npos;
    });
}

} // namespace

std::vector<AptSource> parse_one_line_sources(std::string_view text) {
    std::vector<AptSource> out;
    while (!text.empty()) {
        std::string_view line = take_line(text);
        line = trim(line.substr(0, line.find('#')));
        if (!line.starts_with("deb ") && !line.starts_with("deb\t")) continue;
        line = trim(line.substr(4));
        AptSource source;
        if (line.starts_with('[')) {
            size_t close = line.find(']');
            if (close == line.npos) continue;
            read_options(line.substr(1, close - 1), source);
            line = trim(line.substr(close + 1));
        }
        auto parts = words(line);
        if (parts.size() < 2) continue;
        source.uris = {parts[0]};
        source.suites = {parts[1]};
        source.components.assign(parts.begin() + 2, parts.end());
        out.push_back(std::move(source));
    }
    return out;
}

std::vector<AptSource> parse_deb822_sources(std::string_view text) {
    std::vector<AptSource> out;
    Stanza stanza;
    while (!text.empty()) {
        std::string_view line = take_line(text);
        if (line.starts_with('#')) continue;
        if (trim(line).empty()) {
            add_stanza(std::exchange(stanza, {}), out);
            continue;
        }
        bool goes_on = line[0] == ' ' || line[0] == '\t';
        if (goes_on && !stanza.fields.empty()) {
            stanza.fields.back().second.append("\n ").append(trim(line));
            continue;
        }
        size_t colon = line.find(':');
        if (colon != line.npos) stanza.fields.emplace_back(trim(line.substr(0, colon)), trim(line.substr(colon + 1)));
    }
    add_stanza(stanza, out);
    return out;
}

Result<std::vector<AptSource>> read_apt_sources(const std::string& folder) {
    std::vector<std::string> files{folder + "/sources.list"};
    auto names = sys::list_dir(folder + "/sources.list.d");
    if (names.ok()) {
        std::ranges::sort(*names);
        for (const std::string& name : *names) files.push_back(folder + "/sources.list.d/" + name);
    }
    std::vector<AptSource> out;
    for (const std::string& path : files) {
        bool one_line = path.ends_with(".list"), deb822 = path.ends_with(".sources");
        if (!one_line && !deb822) continue;
        auto text = sys::read_file(path);
        if (!text.ok() && text.error().kind() == ErrorKind::not_found) continue;
        if (!text.ok()) return std::move(text).error().context("read the apt sources");
        for (AptSource& source : one_line ? parse_one_line_sources(*text) : parse_deb822_sources(*text))
            out.push_back(std::move(source));
    }
    return out;
}

std::vector<AptSource> for_release(const std::vector<AptSource>& sources, std::string_view distribution,
                                   std::string_view suite) {
    std::vector<AptSource> out;
    for (const AptSource& source : sources) {
        if (!belongs_to(source, distribution)) continue;
        AptSource changed = source;
        changed.suites.clear();
        for (const std::string& old : source.suites) {
            std::string_view pocket = std::string_view(old).substr(release_of(old).size());
            if (pocket == "-backports" || pocket == "-proposed" || pocket == "-proposed-updates") continue;
            std::string name = std::string(suite) + std::string(pocket);
            // unstable has no pockets.
            if (!pocket.empty() && (suite == "sid" || suite == "unstable" || suite == "experimental")) continue;
            if (std::ranges::find(changed.suites, name) == changed.suites.end())
                changed.suites.push_back(std::move(name));
        }
        if (!changed.suites.empty()) out.push_back(std::move(changed));
    }
    return out;
}

std::string print_deb822(const std::vector<AptSource>& sources) {
    std::string out;
    for (const AptSource& source : sources) {
        out += "Types: deb\nURIs: " + joined(source.uris) + "\nSuites: " + joined(source.suites) +
               "\nComponents: " + joined(source.components) + "\n";
        if (!source.signed_by.empty()) out += "Signed-By: " + source.signed_by + "\n";
        for (const auto& [name, value] : source.others) out += name + ": " + value + "\n";
        out += "\n";
    }
    return out;
}

} // namespace hull::cli
