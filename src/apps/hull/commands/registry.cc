// pull, push, search.
#include <algorithm>
#include <map>

#include <boost/json.hpp>

#include "apps/hull/client/credentials.h"
#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/pull.h"
#include "apps/hull/format/human.h"
#include "apps/hull/format/table.h"
#include "model/image.h"
#include "sys/terminal_mode.h"

namespace hull::cli {

namespace {

// "[====>     ]  1.2MB/3.4MB", as Docker's clients draw it.
std::string progress_bar(double current, double total, size_t width) {
    if (total <= 0) return current > 0 ? format::decimal_size(current, 4) : "";
    std::string text;
    if (width > 110) {
        const auto done = static_cast<size_t>(std::min(1.0, current / total) * 50);
        text =
            "[" + std::string(done, '=') + (done < 50 ? ">" : "") + std::string(done < 50 ? 49 - done : 0, ' ') + "]  ";
    }
    return text + format::decimal_size(current, 4) + "/" + format::decimal_size(total, 4);
}

// Transfers as lines that change in place on a terminal; elsewhere a line for each new status.
class TransferDisplay {
public:
    explicit TransferDisplay(bool quiet) : quiet_(quiet) {
        auto size = sys::terminal_size(BorrowedFd(1));
        if (size) width_ = size->columns;
    }

    void show(const Json& message) {
        const std::string id = text(message, "id"), status = text(message, "status");
        if (quiet_ || status.empty()) return;
        const bool counts = !object(message, "progressDetail").empty();
        if (width_ == 0) {
            if (!counts) print((id.empty() ? "" : id + ": ") + status + "\n");
            return;
        }
        if (id.empty()) return print(status + "\n");
        std::string line = id + ": " + status;
        if (counts)
            line += " " + progress_bar(real(message, "progressDetail.current"), real(message, "progressDetail.total"),
                                       width_);
        if (line.size() > width_) line.resize(width_);
        auto [at, fresh] = lines_.emplace(id, lines_.size());
        if (fresh) print("\n");
        const size_t up = lines_.size() - at->second;
        print("\x1b[" + std::to_string(up) + "A\r\x1b[2K" + line + "\x1b[" + std::to_string(up) + "B\r");
    }

private:
    bool quiet_;
    size_t width_ = 0; // 0: no terminal
    std::map<std::string, size_t> lines_;
};

// As the user wrote it: the parser fills in latest.
bool names_tag(const std::string& name) {
    const size_t slash = name.rfind('/');
    return name.find(':', slash == name.npos ? 0 : slash) != name.npos;
}

std::string full_name(const model::Reference& reference) { return reference.domain + "/" + reference.path; }

Result<void> transfer(Session& session, Call call, const std::string& domain, bool quiet) {
    call.headers.add("X-Registry-Auth", TRY(auth_header(session, domain)));
    Engine* engine = TRY(session.engine());
    Exchange exchange = TRY(engine->begin(std::move(call)));
    TRY(exchange.head());
    TransferDisplay display(quiet);
    return read_progress(exchange, [&](const Json& message) { display.show(message); });
}

constexpr format::Column search_columns[] = {
    {"Name", "NAME"},           {"Description", "DESCRIPTION"}, {"StarCount", "STARS"},
    {"IsOfficial", "OFFICIAL"}, {"IsAutomated", "AUTOMATED"},
};

} // namespace

Result<int> pull_images(Session& session) {
    const Flags& flags = session.flags();
    const std::string& name = session.operands()[0];
    auto reference = TRY(model::Reference::parse(name));
    const bool all = flags.on("all-tags"), named = reference.digest || names_tag(name);
    if (all && named) return Error(ErrorKind::invalid_argument, "tag can't be used with --all-tags/-a");
    const std::string tag = reference.digest ? reference.digest->str() : all ? "" : reference.tag;
    if (!all && !named && !flags.on("quiet")) print("Using default tag: latest\n");
    Query query;
    query.add("fromImage", reference.familiar_name())
        .add_unless_empty("tag", tag)
        .add_unless_empty("platform", flags.text("platform"));
    TRY(transfer(
        session,
        {.method = http::Method::post, .path = "/images/create", .query = query.str(), .body = {}, .headers = {}},
        reference.domain, flags.on("quiet")));
    std::string full = full_name(reference);
    if (reference.digest)
        full += "@" + tag;
    else if (!all)
        full += ":" + tag;
    print(full + "\n");
    return 0;
}

Result<int> push_images(Session& session) {
    const Flags& flags = session.flags();
    const std::string& name = session.operands()[0];
    auto reference = TRY(model::Reference::parse(name));
    const bool all = flags.on("all-tags");
    if (all && names_tag(name)) return Error(ErrorKind::invalid_argument, "tag can't be used with --all-tags/-a");
    if (reference.digest) return Error(ErrorKind::invalid_argument, "cannot push a digest reference");
    const std::string tag = all ? "" : reference.tag;
    if (!all && !names_tag(name) && !flags.on("quiet")) print("Using default tag: latest\n");
    Query query;
    query.add_unless_empty("tag", tag);
    if (std::string platform = flags.text("platform"); !platform.empty()) {
        boost::json::object parts;
        const size_t first = platform.find('/'),
                     second = first == platform.npos ? first : platform.find('/', first + 1);
        parts["os"] = platform.substr(0, first);
        if (first != platform.npos) parts["architecture"] = platform.substr(first + 1, second - first - 1);
        if (second != platform.npos) parts["variant"] = platform.substr(second + 1);
        query.add("platform", boost::json::serialize(parts));
    }
    TRY(transfer(session,
                 {.method = http::Method::post,
                  .path = "/images/" + path_part(reference.familiar_name()) + "/push",
                  .query = query.str(),
                  .body = {},
                  .headers = {}},
                 reference.domain, flags.on("quiet")));
    if (flags.on("quiet")) print(full_name(reference) + (tag.empty() ? "" : ":" + tag) + "\n");
    return 0;
}

Result<int> search_images(Session& session) {
    const Flags& flags = session.flags();
    const std::string& term = session.operands()[0];
    const size_t slash = term.find('/');
    std::string domain = slash == term.npos ? "" : term.substr(0, slash);
    if (domain.find_first_of(".:") == domain.npos && domain != "localhost") domain.clear();
    Query query;
    query.add("term", term)
        .add_if(flags.number("limit") > 0, "limit", std::to_string(flags.number("limit")))
        .add_unless_empty("filters", TRY(filters_json(flags.list("filter"))));
    Engine* engine = TRY(session.engine());
    http::Headers headers{{"X-Registry-Auth", TRY(auth_header(session, domain))}};
    Reply reply =
        TRY(engine->call({.path = "/images/search", .query = query.str(), .body = {}, .headers = std::move(headers)}));
    Json answer = TRY(reply.json());
    format::Listing listing{search_columns, "{{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}"};
    for (const Json& one : list(answer, "")) {
        std::string description = text(one, "description");
        std::ranges::replace(description, '\n', ' ');
        listing.rows.push_back({{"Name", text(one, "name")},
                                {"Description", flags.on("no-trunc") ? description : format::ellipsis(description, 45)},
                                {"StarCount", std::to_string(number(one, "star_count"))},
                                {"IsOfficial", boolean(one, "is_official") ? "[OK]" : ""},
                                {"IsAutomated", boolean(one, "is_automated") ? "[OK]" : ""}});
    }
    print(TRY(format::render(listing, flags.text("format"))));
    return 0;
}

} // namespace hull::cli
