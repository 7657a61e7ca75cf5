#include "kernel/resctrl.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/field_path.h"
#include "kernel/mount_table.h"
#include "sys/directory.h"
#include "sys/file.h"

namespace hull::kernel {

namespace {

using model::oci::IntelRdt;

// In the order in which they are written.
std::vector<std::string> lines_of(const IntelRdt& config) {
    std::vector<std::string> lines;
    if (!config.l3_cache_schema.empty()) lines.push_back(config.l3_cache_schema);
    if (!config.mem_bw_schema.empty()) lines.push_back(config.mem_bw_schema);
    lines.insert(lines.end(), config.schemata.begin(), config.schemata.end());
    return lines;
}

std::string class_folder(const std::string& resctrl, const std::string& id, const IntelRdt& config) {
    if (config.clos_id == "/") return resctrl;
    return resctrl + "/" + (config.clos_id.empty() ? id : config.clos_id);
}

std::string without_blanks(std::string_view text) {
    std::string out;
    for (char c : text)
        if (c != ' ' && c != '\t' && c != '\r') out += c;
    return out;
}

// "L3:0=ff;1=0f" as its resource and its domains, in any order.
std::pair<std::string, std::vector<std::string>> parse_schema(std::string_view line) {
    std::string text = without_blanks(line);
    size_t colon = std::min(text.find(':'), text.size());
    std::vector<std::string> domains;
    std::string_view rest = std::string_view(text).substr(std::min(colon + 1, text.size()));
    while (!rest.empty()) {
        size_t end = std::min(rest.find(';'), rest.size());
        domains.emplace_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    std::ranges::sort(domains);
    return {text.substr(0, colon), std::move(domains)};
}

bool holds(std::string_view schemata, const std::string& wanted) {
    auto [resource, domains] = parse_schema(wanted);
    while (!schemata.empty()) {
        size_t end = std::min(schemata.find('\n'), schemata.size());
        auto [name, there] = parse_schema(schemata.substr(0, end));
        schemata.remove_prefix(std::min(end + 1, schemata.size()));
        if (name == resource && std::ranges::includes(there, domains)) return true;
    }
    return false;
}

Result<void> check_same(const std::string& folder, const std::vector<std::string>& lines) {
    std::string now = TRY(sys::read_file(folder + "/schemata"));
    for (const auto& line : lines)
        if (!holds(now, line))
            return Error(ErrorKind::conflict,
                         "the class of service " + folder + " exists with another schema than \"" + line + "\"");
    return {};
}

Result<void> write_lines(const std::string& folder, const std::vector<std::string>& lines) {
    for (const auto& line : lines)
        TRY(sys::write_existing(folder + "/schemata", line + "\n").context("schema \"" + line + "\""));
    return {};
}

// Whether the folder was made.
Result<bool> make_class(const std::string& folder, const IntelRdt& config, const std::vector<std::string>& lines) {
    if (config.clos_id == "/") {
        TRY(write_lines(folder, lines));
        return false;
    }
    bool there = sys::exists(folder);
    if (there && !config.clos_id.empty()) {
        TRY(check_same(folder, lines));
        return false;
    }
    if (!there && !config.clos_id.empty() && lines.empty())
        return Error(ErrorKind::not_found, "there is no class of service " + folder);
    if (!there) TRY(sys::mkdir(folder, 0755));
    auto written = write_lines(folder, lines);
    if (written.ok()) return true;
    (void)sys::rmdir(folder);
    return std::move(written).error();
}

std::string monitor_folder(const std::string& class_folder, const std::string& id) {
    return class_folder + "/mon_groups/" + id;
}

Result<void> join(const std::string& folder, const std::string& id, const IntelRdt& config, pid_t pid) {
    TRY(sys::write_existing(folder + "/tasks", std::to_string(pid)));
    if (!config.enable_monitoring) return {};
    std::string monitor = monitor_folder(folder, id);
    if (!sys::exists(monitor)) TRY(sys::mkdir(monitor, 0755).context("monitoring group"));
    auto joined = sys::write_existing(monitor + "/tasks", std::to_string(pid));
    if (!joined.ok()) (void)sys::rmdir(monitor);
    return joined;
}

Result<void> remove_folder(const std::string& folder) {
    auto gone = sys::rmdir(folder);
    return !gone.ok() && gone.error().kind() == ErrorKind::not_found ? Result<void>() : gone;
}

bool is_name(const std::string& name) {
    return !name.empty() && name.find('/') == name.npos && name != "." && name != "..";
}

Result<void> check_line(const std::string& line) {
    if (line.find('\n') != line.npos) return bad_field("", line, "has a line break in it");
    return {};
}

} // namespace

Result<void> check_intel_rdt(const IntelRdt& config) {
    bool name_is_fine = config.clos_id.empty() || config.clos_id == "/" || is_name(config.clos_id);
    if (!name_is_fine || config.clos_id == "info" || config.clos_id == "mon_groups" || config.clos_id == "mon_data")
        return bad_field("closID", config.clos_id, "is not a name of a class of service");
    if (!config.mem_bw_schema.empty() && !config.mem_bw_schema.starts_with("MB:"))
        return bad_field("memBwSchema", config.mem_bw_schema, "does not begin with MB:");
    TRY(in_member(check_line(config.l3_cache_schema), "l3CacheSchema"));
    TRY(in_member(check_line(config.mem_bw_schema), "memBwSchema"));
    for (size_t i = 0; i < config.schemata.size(); ++i)
        TRY(in_member(in_element(check_line(config.schemata[i]), i), "schemata"));
    return {};
}

Result<std::string> find_resctrl() {
    for (const auto& mount : TRY(read_mount_table()))
        if (mount.fs_type == "resctrl") return mount.mount_point;
    return unsupported("intelRdt was asked for, but no resctrl file system is mounted here (mount -t resctrl resctrl "
                       "/sys/fs/resctrl, on a machine whose processor has it)");
}

Result<void> join_resctrl(const std::string& resctrl, const std::string& container_id, const IntelRdt& config,
                          pid_t pid) {
    std::string folder = class_folder(resctrl, container_id, config);
    bool made = TRY(make_class(folder, config, lines_of(config)));
    auto joined = join(folder, container_id, config, pid);
    if (!joined.ok() && made) (void)sys::rmdir(folder);
    return joined;
}

Result<void> leave_resctrl(const std::string& resctrl, const std::string& container_id, const IntelRdt& config) {
    std::string folder = class_folder(resctrl, container_id, config);
    if (config.enable_monitoring) TRY(remove_folder(monitor_folder(folder, container_id)));
    return config.clos_id.empty() ? remove_folder(folder) : Result<void>();
}

Result<void> write_schemata(const std::string& resctrl, const std::string& container_id, const IntelRdt& config) {
    return write_lines(class_folder(resctrl, container_id, config), lines_of(config));
}

} // namespace hull::kernel
