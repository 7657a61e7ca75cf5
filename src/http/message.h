// HTTP/1.1 messages as plain values, shared by the server and the client.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace hull::http {

// Only these are answered; anything else is `other` (405).
enum class Method : unsigned char { get, head, post, put, delete_, options, other };

Method parse_method(std::string_view text); // case-sensitive, as HTTP wants it
std::string_view to_string(Method method);

struct Header {
    std::string name, value;
};

// Header lines in the order of the message. Names compare without regard to case.
class Headers {
public:
    Headers() = default;
    Headers(std::initializer_list<Header> lines) : lines_(lines) {}

    // The first line of this name; empty when there is none.
    std::string_view get(std::string_view name) const;
    bool has(std::string_view name) const;
    // Whether one of the comma-separated words of the lines called name is word,
    // without regard to case ("Connection: keep-alive, Upgrade").
    bool has_token(std::string_view name, std::string_view word) const;
    void add(std::string name, std::string value) { lines_.push_back({std::move(name), std::move(value)}); }
    // Replaces every line of that name.
    void set(std::string name, std::string value);

    bool empty() const { return lines_.empty(); }
    auto begin() const { return lines_.begin(); }
    auto end() const { return lines_.end(); }

private:
    std::vector<Header> lines_;
};

// Without blanks and tabs at both ends.
std::string_view trim(std::string_view text);
bool equal_without_case(std::string_view a, std::string_view b);

struct Request {
    Method method = Method::get;
    std::string target; // as it came: path and query, still percent-encoded
    Headers headers;
    bool keep_alive = true;    // HTTP/1.1 without Connection: close, or 1.0 with keep-alive
    bool http_1_0 = false;     // the client can't take chunks
    bool from_network = false; // the connection came over TCP
};

struct Response {
    int status = 200;
    Headers headers; // without Content-Length and Connection: the server adds them
    std::string body;
};

// "Not Found" of 404; "Status" for numbers without a name.
std::string_view reason_of(int status);

} // namespace hull::http
