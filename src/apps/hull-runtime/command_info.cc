// state, list, ps.

#include <algorithm>
#include <charconv>

#include "apps/hull-runtime/context.h"
#include "apps/hull-runtime/pretty.h"
#include "apps/hull-runtime/processes.h"
#include "sys/child_program.h"
#include "sys/file.h"
#include "sys/nonblocking.h"
#include "sys/process.h"

namespace hull::oci_runtime {

namespace {

// In runc's order.
json::Object describe(const Container& c, Status status, const std::string& owner) {
    json::Object out{
        {"ociVersion", c.oci_version},     {"id", c.id},         {"pid", status == Status::stopped ? 0 : c.pid},
        {"status", name_of(status)},       {"bundle", c.bundle}, {"rootfs", c.rootfs},
        {"created", to_rfc3339(c.created)}};
    if (!c.annotations.empty()) out["annotations"] = json::encode(c.annotations);
    out["owner"] = owner;
    return out;
}

// Names from the host's passwd alone: other sources of the C library's would
// need code loaded into this static program.
class Owners {
public:
    std::string name(uint32_t uid) {
        if (!read_) {
            auto text = sys::read_file("/etc/passwd", size_t{4} << 20);
            passwd_ = text.ok() ? std::move(*text) : "";
            read_ = true;
        }
        return user_name(passwd_, uid).value_or("#" + std::to_string(uid));
    }

private:
    std::string passwd_;
    bool read_ = false;
};

std::string pad(std::string text, size_t width) {
    if (text.size() < width) text.append(width - text.size(), ' ');
    return text;
}

// Columns at least 12 wide and 3 apart, the last one as it is.
std::string table(const std::vector<std::vector<std::string>>& rows) {
    std::vector<size_t> widths;
    for (const auto& row : rows)
        for (size_t i = 0; i < row.size(); ++i) {
            if (i == widths.size()) widths.push_back(12);
            widths[i] = std::max(widths[i], row[i].size() + 3);
        }
    std::string out;
    for (const auto& row : rows) {
        for (size_t i = 0; i < row.size(); ++i) out += i + 1 < row.size() ? pad(row[i], widths[i]) : row[i];
        out += '\n';
    }
    return out;
}

Result<bool> wants_json(const Args& args) {
    std::string format = args.value("format");
    if (format.empty() || format == "table") return false;
    if (format == "json") return true;
    return Error(ErrorKind::invalid_argument, "invalid format option");
}

} // namespace

Result<int> run_state(Context& context, const Args& args) {
    Container container = TRY(context.store.load(args.words()[0]));
    TRY(context.need_cgroups());
    Status status = status_of(container, context.store, *context.cgroups);
    TRY(print(pretty(describe(container, status, ""), "  ")));
    return 0;
}

Result<int> run_list(Context& context, const Args& args) {
    bool as_json = TRY(wants_json(args));
    auto containers = TRY(context.store.list());
    if (args.has("quiet")) {
        std::string ids;
        for (const Container& c : containers) ids += c.id + "\n";
        TRY(print(ids));
        return 0;
    }
    TRY(context.need_cgroups());
    Owners owners;
    json::Array array;
    std::vector<std::vector<std::string>> rows{{"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"}};
    for (const Container& c : containers) {
        Status status = status_of(c, context.store, *context.cgroups);
        std::string owner = owners.name(c.owner);
        array.push_back(describe(c, status, owner));
        rows.push_back({c.id, status == Status::stopped ? "0" : std::to_string(c.pid), name_of(status), c.bundle,
                        to_rfc3339(c.created), owner});
    }
    if (as_json)
        TRY(print((array.empty() ? "null" : json::print(array)) + "\n"));
    else
        TRY(print(table(rows)));
    return 0;
}

namespace {

// What ps prints of all processes; ours are picked by its column PID.
Result<std::string> run_ps_program(const std::vector<std::string>& options) {
    auto [read_end, write_end] = TRY(sys::make_pipe());
    sys::ProgramRequest request;
    request.args = {"ps"};
    if (options.empty())
        request.args.emplace_back("-ef");
    else
        request.args.insert(request.args.end(), options.begin(), options.end());
    request.output = write_end;
    pid_t child = TRY(sys::start_program(request));
    write_end.reset();
    std::string out;
    std::string buffer(65536, '\0');
    for (;;) {
        size_t n = TRY(sys::read(read_end, buffer));
        if (n == 0) break;
        out.append(buffer, 0, n);
    }
    auto exit = TRY(sys::wait_for(child));
    if (exit.status != 0) return Error(ErrorKind::invalid_argument, "ps failed");
    return out;
}

std::vector<std::string_view> fields_of(std::string_view line) {
    std::vector<std::string_view> fields;
    while (true) {
        size_t begin = line.find_first_not_of(' ');
        if (begin == line.npos) return fields;
        line.remove_prefix(begin);
        size_t end = std::min(line.find(' '), line.size());
        fields.push_back(line.substr(0, end));
        line.remove_prefix(end);
    }
}

Result<std::string> pick_lines(std::string_view text, const std::vector<pid_t>& pids) {
    std::string out;
    size_t column = std::string_view::npos;
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        auto fields = fields_of(line);
        if (column == std::string_view::npos) {
            column = static_cast<size_t>(std::ranges::find(fields, "PID") - fields.begin());
            if (column == fields.size())
                return Error(ErrorKind::invalid_argument, "couldn't find PID field in ps output");
        } else {
            pid_t pid = 0;
            if (column < fields.size())
                std::from_chars(fields[column].data(), fields[column].data() + fields[column].size(), pid);
            if (std::ranges::find(pids, pid) == pids.end()) continue;
        }
        out.append(line).append("\n");
    }
    return out;
}

} // namespace

Result<int> run_ps(Context& context, const Args& args) {
    bool as_json = TRY(wants_json(args));
    Container container = TRY(context.store.load(args.words()[0]));
    std::vector<pid_t> list = TRY(processes_of(context, container));
    std::ranges::sort(list);
    if (as_json) {
        TRY(print(json::print(json::encode(list)) + "\n"));
        return 0;
    }
    std::vector<std::string> options(args.words().begin() + 1, args.words().end());
    TRY(print(TRY(pick_lines(TRY(run_ps_program(options)), list))));
    return 0;
}

} // namespace hull::oci_runtime
