// import, load, save.
#include <fcntl.h>

#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/pull.h"
#include "apps/hull/stream/save_stream.h"
#include "model/image.h"
#include "sys/file.h"
#include "sys/terminal_mode.h"

namespace hull::cli {

namespace {

constexpr BorrowedFd standard_input{0}, standard_output{1};

std::function<Result<size_t>(std::span<char>)> reader_of(BorrowedFd fd) {
    return [fd](std::span<char> into) { return sys::read(fd, into); };
}

Result<UniqueFd> open_input(const std::string& path) {
    auto file = sys::open(path, O_RDONLY | O_CLOEXEC);
    if (!file.ok() && file.error().kind() == ErrorKind::not_found)
        return Error(ErrorKind::not_found, "open " + path + ": no such file or directory");
    return file;
}

void print_message(const Json& message) {
    std::string line = text(message, "stream");
    if (line.empty()) {
        line = text(message, "status");
        if (!line.empty() && !object(message, "progressDetail").empty()) return; // counters
        if (!line.empty()) line += "\n";
    }
    print(line);
}

// The API takes them as JSON.
Result<void> add_platforms(Query& query, const std::vector<std::string>& platforms) {
    for (const std::string& text : platforms) {
        std::vector<std::string> parts(1);
        for (char c : text) {
            if (c == '/')
                parts.emplace_back();
            else if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' ')
                return Error(ErrorKind::invalid_argument, "invalid platform \"" + text + "\"");
            else
                parts.back() += c;
        }
        if (parts.size() < 2 || parts.size() > 3)
            return Error(ErrorKind::invalid_argument, "invalid platform \"" + text + "\": it is os/arch[/variant]");
        std::string json = R"({"os":")" + parts[0] + R"(","architecture":")" + parts[1] + '"';
        if (parts.size() == 3) json += R"(,"variant":")" + parts[2] + '"';
        query.add("platform", json + "}");
    }
    return {};
}

} // namespace

Result<int> import_image(Session& session) {
    const Flags& flags = session.flags();
    const auto& operands = session.operands();
    const std::string& source = operands[0];
    bool remote = source.starts_with("http://") || source.starts_with("https://");
    Query query;
    query.add("fromSrc", remote ? source : "-")
        .add_unless_empty("message", flags.text("message"))
        .add_unless_empty("platform", flags.text("platform"));
    if (operands.size() > 1) {
        auto name = model::Reference::parse(operands[1]);
        if (!name.ok()) return std::move(name).error();
        query.add("repo", operands[1]);
    }
    for (const std::string& change : flags.list("change")) query.add("changes", change);
    Call call{.method = http::Method::post, .path = "/images/create", .query = query.str(), .body = {}, .headers = {}};
    Engine& engine = *TRY(session.engine());
    UniqueFd file;
    if (!remote && source != "-") file = TRY(open_input(source));
    Exchange exchange =
        remote ? TRY(engine.begin(call)) : TRY(engine.upload(call, reader_of(file ? file.borrow() : standard_input)));
    TRY(exchange.head());
    TRY(read_progress(exchange, print_message));
    return 0;
}

Result<int> load_images(Session& session) {
    const Flags& flags = session.flags();
    UniqueFd file;
    if (std::string path = flags.text("input"); !path.empty())
        file = TRY(open_input(path));
    else if (sys::is_terminal(standard_input))
        return Error(ErrorKind::invalid_argument, "requested load from stdin, but stdin is empty");
    Query query;
    query.add("quiet", flags.on("quiet") ? "1" : "0");
    TRY(add_platforms(query, flags.list("platform")));
    http::Headers headers{{"Content-Type", "application/x-tar"}};
    Engine* engine = TRY(session.engine());
    Exchange exchange = TRY(engine->upload(
        {.method = http::Method::post, .path = "/images/load", .query = query.str(), .body = {}, .headers = headers},
        reader_of(file ? file.borrow() : standard_input)));
    TRY(exchange.head());
    TRY(read_progress(exchange, print_message));
    return 0;
}

Result<int> save_images(Session& session) {
    const Flags& flags = session.flags();
    std::string path = flags.text("output");
    if (path.empty() && sys::is_terminal(standard_output))
        return Error(ErrorKind::invalid_argument,
                     "cowardly refusing to save to a terminal. Use the -o flag or redirect");
    Query query;
    for (const std::string& name : session.operands()) query.add("names", name);
    TRY(add_platforms(query, flags.list("platform")));
    Engine* engine = TRY(session.engine());
    Exchange exchange = TRY(engine->begin({.path = "/images/get", .query = query.str(), .body = {}, .headers = {}}));
    TRY(exchange.head());
    TRY(save_stream(exchange, path).context("failed to save image"));
    return 0;
}

} // namespace hull::cli
