// stats.
#include <algorithm>
#include <cstdio>
#include <vector>

#include <boost/json.hpp>

#include "apps/hull/commands/commands.h"
#include "apps/hull/commands/container_calls.h"
#include "apps/hull/format/human.h"
#include "apps/hull/format/table.h"

namespace hull::cli {

namespace {

using format::Column;

constexpr Column stats_columns[] = {
    {"Container", "CONTAINER"},
    {"ID", "CONTAINER ID"},
    {"Name", "NAME"},
    {"CPUPerc", "CPU %"},
    {"MemUsage", "MEM USAGE / LIMIT"},
    {"MemPerc", "MEM %"},
    {"NetIO", "NET I/O"},
    {"BlockIO", "BLOCK I/O"},
    {"PIDs", "PIDS"},
};
constexpr std::string_view stats_table =
    "{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}";

std::string percent(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.2f%%", value);
    return text;
}

double cpu_percent(const Json& s) {
    double used = real(s, "cpu_stats.cpu_usage.total_usage") - real(s, "precpu_stats.cpu_usage.total_usage");
    double passed = real(s, "cpu_stats.system_cpu_usage") - real(s, "precpu_stats.system_cpu_usage");
    double cpus = real(s, "cpu_stats.online_cpus");
    if (cpus == 0) cpus = static_cast<double>(list(s, "cpu_stats.cpu_usage.percpu_usage").size());
    return used > 0 && passed > 0 ? used / passed * cpus * 100 : 0;
}

// Without the page cache that the kernel can drop: v1 counts it as
// total_inactive_file, v2 as inactive_file.
double memory_used(const Json& s) {
    double usage = real(s, "memory_stats.usage");
    for (const char* name : {"memory_stats.stats.total_inactive_file", "memory_stats.stats.inactive_file"})
        if (const Json* cache = at(s, name); cache && real(s, name) < usage) return usage - real(s, name);
    return usage;
}

boost::json::object row_of(const Json& s, const std::string& asked, bool whole) {
    double memory = memory_used(s), limit = real(s, "memory_stats.limit");
    double received = 0, sent = 0, read = 0, written = 0;
    for (const auto& entry : object(s, "networks")) {
        received += real(entry.value(), "rx_bytes");
        sent += real(entry.value(), "tx_bytes");
    }
    for (const Json& entry : list(s, "blkio_stats.io_service_bytes_recursive")) {
        std::string op = text(entry, "op");
        if (op == "Read" || op == "read") read += real(entry, "value");
        if (op == "Write" || op == "write") written += real(entry, "value");
    }
    std::string id = text(s, "id"), name = text(s, "name");
    boost::json::object row;
    row["Container"] = asked;
    row["ID"] = whole ? id : format::short_id(id);
    row["Name"] = name.starts_with('/') ? name.substr(1) : name;
    row["CPUPerc"] = percent(cpu_percent(s));
    row["MemUsage"] = format::binary_size(memory) + " / " + format::binary_size(limit);
    row["MemPerc"] = percent(limit > 0 ? memory / limit * 100 : 0);
    row["NetIO"] = format::decimal_size(received) + " / " + format::decimal_size(sent);
    row["BlockIO"] = format::decimal_size(read) + " / " + format::decimal_size(written);
    row["PIDs"] = std::to_string(number(s, "pids_stats.current"));
    return row;
}

Result<std::vector<std::string>> names_to_show(Session& session, Engine& engine) {
    if (!session.operands().empty()) return session.operands();
    std::vector<std::string> out;
    Json all = TRY(engine.get("/containers/json", Query().add_if(session.flags().on("all"), "all", "1")));
    for (const Json& container : list(all, "")) out.push_back(format::short_id(text(container, "Id")));
    return out;
}

// All at once: every engine takes a second or more for two samples of the CPU.
Result<std::string> sample(Session& session, Engine& engine, const std::string& format) {
    std::vector<std::string> names = TRY(names_to_show(session, engine));
    std::vector<Exchange> exchanges;
    exchanges.reserve(names.size());
    for (const std::string& name : names)
        exchanges.push_back(TRY(engine.begin({.path = container_path(name, "stats"),
                                              .query = Query().add("stream", "0").str(),
                                              .body = {},
                                              .headers = {}})));
    format::Listing listing{stats_columns, stats_table};
    for (size_t i = 0; i < names.size(); ++i) {
        auto head = exchanges[i].head();
        if (!head.ok()) {
            // One that ended meanwhile is no error when it was not asked for.
            if (session.operands().empty() && head.error().kind() == ErrorKind::not_found) continue;
            return std::move(head).error();
        }
        Json stats = TRY(read_json(TRY(exchanges[i].read_all()), "stats of " + names[i]));
        listing.rows.push_back(row_of(stats, names[i], session.flags().on("no-trunc")));
    }
    return format::render(listing, format);
}

} // namespace

Result<int> show_stats(Session& session) {
    const Flags& flags = session.flags();
    std::string format = flags.text("format");
    if (format.empty()) format = TRY(session.config())->format_of("statsFormat");
    Engine& engine = *TRY(session.engine());
    if (flags.on("no-stream")) {
        print(TRY(sample(session, engine, format)));
        return 0;
    }
    print("\033[2J");
    for (;;) {
        std::string text = TRY(sample(session, engine, format));
        std::string screen = "\033[H"; // home, then each line to its end, then the rest
        for (char c : text) screen.append(c == '\n' ? "\033[K" : "").push_back(c);
        print(screen + "\033[J");
    }
}

} // namespace hull::cli
