#include <algorithm>
#include <cctype>

#include "model/image.h"

namespace hull::model {

namespace {

constexpr std::string_view default_domain = "docker.io", old_default_domain = "index.docker.io", official = "library/",
                           latest = "latest";
constexpr size_t max_name_bytes = 255, max_tag_bytes = 128;

bool lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool upper(char c) { return c >= 'A' && c <= 'Z'; }
bool letter_or_digit(char c) { return lower_or_digit(c) || upper(c); }
bool hex_digit(char c) { return (c >= 'a' && c <= 'f') || (c >= '0' && c <= '9'); }
bool has_upper(std::string_view text) { return std::any_of(text.begin(), text.end(), upper); }

Error invalid_format() { return {ErrorKind::invalid_argument, "invalid reference format"}; }

// name, then dots and more names; each begins and ends with a letter or digit.
bool valid_host(std::string_view host) {
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
        return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
            return std::isxdigit(static_cast<unsigned char>(c)) || c == ':';
        });
    }
    for (;;) {
        size_t dot = host.find('.');
        std::string_view label = host.substr(0, dot);
        if (label.empty() || !letter_or_digit(label.front()) || !letter_or_digit(label.back())) return false;
        if (!std::all_of(label.begin(), label.end(), [](char c) { return letter_or_digit(c) || c == '-'; }))
            return false;
        if (dot == host.npos) return true;
        host.remove_prefix(dot + 1);
    }
}

bool valid_domain(std::string_view domain) {
    size_t colon = domain.ends_with(']') ? domain.npos : domain.rfind(':');
    if (colon != domain.npos) {
        std::string_view port = domain.substr(colon + 1);
        if (port.empty() || !std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; }))
            return false;
        domain = domain.substr(0, colon);
    }
    return valid_host(domain);
}

// Runs of [a-z0-9] with ".", "_", "__" or any number of "-" between them.
bool valid_component(std::string_view component) {
    if (component.empty() || !lower_or_digit(component.front()) || !lower_or_digit(component.back())) return false;
    for (size_t i = 0; i < component.size();) {
        if (lower_or_digit(component[i])) {
            ++i;
            continue;
        }
        size_t end = i;
        while (end < component.size() && !lower_or_digit(component[end])) ++end;
        std::string_view separator = component.substr(i, end - i);
        if (separator != "." && separator != "_" && separator != "__" &&
            separator.find_first_not_of('-') != separator.npos)
            return false;
        i = end;
    }
    return true;
}

bool valid_path(std::string_view path) {
    for (;;) {
        size_t slash = path.find('/');
        if (!valid_component(path.substr(0, slash))) return false;
        if (slash == path.npos) return true;
        path.remove_prefix(slash + 1);
    }
}

bool valid_tag(std::string_view tag) {
    auto word = [](char c) { return letter_or_digit(c) || c == '_'; };
    return !tag.empty() && tag.size() <= max_tag_bytes && word(tag.front()) &&
           std::all_of(tag.begin(), tag.end(), [&](char c) { return word(c) || c == '.' || c == '-'; });
}

// What Docker's grammar lets through; whether it is one is Digest's to say.
bool looks_like_digest(std::string_view text) {
    size_t colon = text.find(':');
    if (colon == 0 || colon == text.npos || text.size() - colon - 1 < 32) return false;
    return std::all_of(text.begin(), text.begin() + static_cast<ptrdiff_t>(colon), letter_or_digit) &&
           std::all_of(text.begin() + static_cast<ptrdiff_t>(colon) + 1, text.end(),
                       [](char c) { return std::isxdigit(static_cast<unsigned char>(c)); });
}

struct Halves {
    std::string domain, rest;
};

// Whether name begins with a registry, and not with a part of a path.
bool is_domain(std::string_view name) {
    size_t slash = name.find('/');
    std::string_view first = name.substr(0, slash);
    return slash != name.npos && (first.find_first_of(".:") != first.npos || first == "localhost" || has_upper(first));
}

Halves split_domain(std::string_view name) {
    const bool own = is_domain(name);
    size_t slash = name.find('/');
    Halves halves;
    halves.domain = own ? name.substr(0, slash) : default_domain;
    halves.rest = own ? name.substr(slash + 1) : name;
    if (halves.domain == old_default_domain) halves.domain = default_domain;
    if (halves.domain == default_domain && halves.rest.find('/') == halves.rest.npos) halves.rest.insert(0, official);
    return halves;
}

} // namespace

Result<Reference> Reference::parse(std::string_view text) {
    if (text.size() == 64 && std::all_of(text.begin(), text.end(), hex_digit))
        return Error(ErrorKind::invalid_argument,
                     "invalid repository name (" + std::string(text) + "), cannot specify 64-byte hexadecimal strings");
    Halves halves = split_domain(text);
    std::string_view rest = halves.rest;
    std::string_view remote = rest.substr(0, rest.find(':'));
    if (has_upper(remote))
        return Error(ErrorKind::invalid_argument,
                     "invalid reference format: repository name (" + std::string(remote) + ") must be lowercase");

    Reference reference;
    if (size_t at = rest.find('@'); at != rest.npos) {
        if (!looks_like_digest(rest.substr(at + 1))) return invalid_format();
        reference.digest = TRY(Digest::parse(rest.substr(at + 1)));
        rest = rest.substr(0, at);
    }
    size_t colon = rest.find(':');
    std::string_view path = rest.substr(0, colon);
    if (colon != rest.npos) {
        if (!valid_tag(rest.substr(colon + 1))) return invalid_format();
        reference.tag = rest.substr(colon + 1);
    } else if (!reference.digest) {
        reference.tag = latest;
    }
    if (!valid_domain(halves.domain) || !valid_path(path)) return invalid_format();
    if (path.size() > max_name_bytes)
        return Error(ErrorKind::invalid_argument, "repository name must not be more than 255 characters");
    reference.domain = std::move(halves.domain);
    reference.path = path;
    return reference;
}

namespace {

std::string with_tail(std::string name, const Reference& reference) {
    if (!reference.tag.empty()) name += ":" + reference.tag;
    if (reference.digest) name += "@" + reference.digest->str();
    return name;
}

} // namespace

std::string Reference::full() const { return with_tail(domain + "/" + path, *this); }

std::string Reference::familiar_name() const {
    if (domain != default_domain) return domain + "/" + path;
    std::string_view short_path = path;
    if (short_path.starts_with(official) && short_path.find('/', official.size()) == short_path.npos)
        short_path.remove_prefix(official.size());
    // Where the short form would be read as another registry's, it isn't used
    // (docker.io/a.b/c; Docker prints a.b/c all the same).
    if (is_domain(short_path)) return domain + "/" + path;
    return std::string(short_path);
}

std::string Reference::familiar() const { return with_tail(familiar_name(), *this); }

} // namespace hull::model
