// info.
#include <algorithm>
#include <vector>

#include <boost/json.hpp>

#include "apps/hull/commands/commands.h"
#include "apps/hull/format/human.h"
#include "apps/hull/format/table.h"

namespace hull::cli {

namespace {

class Lines {
public:
    void add(const std::string& name, const std::string& value) { out_ += " " + name + ": " + value + "\n"; }
    void add_if(const std::string& name, const std::string& value) {
        if (!value.empty()) add(name, value);
    }
    void sub(const std::string& name, const std::string& value) { out_ += "  " + name + ": " + value + "\n"; }
    void head(const std::string& name) { out_ += " " + name + ":\n"; }
    void raw(const std::string& text) { out_ += text; }
    const std::string& str() const { return out_; }

private:
    std::string out_;
};

std::string words(const boost::json::array& texts) {
    std::vector<std::string> sorted;
    for (const Json& t : texts)
        if (t.is_string()) sorted.emplace_back(t.get_string());
    std::ranges::sort(sorted);
    std::string out;
    for (const std::string& t : sorted) out += (out.empty() ? "" : " ") + t;
    return out;
}

std::string yes_no(bool value) { return value ? "true" : "false"; }
std::string count(const Json& info, const char* name) { return std::to_string(number(info, name)); }

void add_engine(const Json& info, Lines& lines) {
    lines.add("Containers", count(info, "Containers"));
    lines.sub("Running", count(info, "ContainersRunning"));
    lines.sub("Paused", count(info, "ContainersPaused"));
    lines.sub("Stopped", count(info, "ContainersStopped"));
    lines.add("Images", count(info, "Images"));
    lines.add_if("Server Version", text(info, "ServerVersion"));
    lines.add("Storage Driver", text(info, "Driver"));
    for (const Json& pair : list(info, "DriverStatus")) {
        const auto& both = list(pair, "");
        if (both.size() == 2 && both[0].is_string() && both[1].is_string())
            lines.sub(std::string(both[0].get_string()), std::string(both[1].get_string()));
    }
    lines.add("Logging Driver", text(info, "LoggingDriver"));
    lines.add("Cgroup Driver", text(info, "CgroupDriver"));
    lines.add_if("Cgroup Version", text(info, "CgroupVersion"));
    lines.head("Plugins");
    lines.sub("Volume", words(list(info, "Plugins.Volume")));
    lines.sub("Network", words(list(info, "Plugins.Network")));
    if (!list(info, "Plugins.Authorization").empty())
        lines.sub("Authorization", words(list(info, "Plugins.Authorization")));
    lines.sub("Log", words(list(info, "Plugins.Log")));
    lines.add_if("Swarm", text(info, "Swarm.LocalNodeState"));
    boost::json::array runtimes;
    for (const auto& entry : object(info, "Runtimes")) runtimes.emplace_back(entry.key());
    lines.add("Runtimes", words(runtimes));
    lines.add("Default Runtime", text(info, "DefaultRuntime"));
    lines.add("Init Binary", text(info, "InitBinary"));
}

// "name=seccomp,profile=default"
void add_security(const Json& info, Lines& lines) {
    const auto& options = list(info, "SecurityOptions");
    if (options.empty()) return;
    lines.head("Security Options");
    for (const Json& option : options) {
        std::string_view rest = option.is_string() ? std::string_view(option.get_string()) : std::string_view{};
        while (!rest.empty()) {
            size_t comma = rest.find(',');
            std::string_view part = rest.substr(0, comma);
            rest = comma == rest.npos ? std::string_view{} : rest.substr(comma + 1);
            std::string_view value = part.substr(part.find('=') + 1);
            if (part.starts_with("name="))
                lines.raw("  " + std::string(value) + "\n");
            else if (part.starts_with("profile="))
                lines.raw("   Profile: " + std::string(value) + "\n");
        }
    }
}

void add_machine(const Json& info, Lines& lines) {
    lines.add("Kernel Version", text(info, "KernelVersion"));
    lines.add("Operating System", text(info, "OperatingSystem"));
    lines.add("OSType", text(info, "OSType"));
    lines.add("Architecture", text(info, "Architecture"));
    lines.add("CPUs", count(info, "NCPU"));
    lines.add("Total Memory", format::binary_size(real(info, "MemTotal")));
    lines.add("Name", text(info, "Name"));
    lines.add("ID", text(info, "ID"));
    lines.add("Docker Root Dir", text(info, "DockerRootDir"));
    lines.add("Debug Mode", yes_no(boolean(info, "Debug")));
    lines.add_if("HTTP Proxy", text(info, "HttpProxy"));
    lines.add_if("HTTPS Proxy", text(info, "HttpsProxy"));
    lines.add_if("No Proxy", text(info, "NoProxy"));
    if (!list(info, "Labels").empty()) {
        lines.head("Labels");
        for (const Json& label : list(info, "Labels"))
            if (label.is_string()) lines.raw("  " + std::string(label.get_string()) + "\n");
    }
    lines.add("Experimental", yes_no(boolean(info, "ExperimentalBuild")));
    if (const auto& ranges = list(info, "RegistryConfig.InsecureRegistryCIDRs"); !ranges.empty()) {
        lines.head("Insecure Registries");
        for (const Json& range : ranges)
            if (range.is_string()) lines.raw("  " + std::string(range.get_string()) + "\n");
    }
    lines.add("Live Restore Enabled", yes_no(boolean(info, "LiveRestoreEnabled")));
}

} // namespace

Result<int> show_info(Session& session) {
    if (session.flags().on("probe")) return probe_machine(session);
    std::string format = session.flags().text("format");
    std::string context = TRY(session.address()).context_name;
    auto info = TRY(session.engine())->get("/info");
    if (!format.empty()) {
        Json value =
            info.ok() ? *info : Json(boost::json::object{{"ServerErrors", boost::json::array{info.error().message()}}});
        value.as_object()["ClientInfo"] =
            Json{{"Debug", session.globals().debug}, {"Context", context}, {"Version", HULL_VERSION}};
        print(TRY(format::render_value(value, format)));
        if (!info.ok()) print_error("ERROR: " + info.error().message() + "\nerrors pretty printing info\n");
        return info.ok() ? 0 : 1;
    }
    std::string out = "Client: Hull\n Version:    " HULL_VERSION "\n Context:    " + context +
                      "\n Debug Mode: " + yes_no(session.globals().debug) + "\n\nServer:\n";
    if (!info.ok()) {
        print(out);
        print_error("ERROR: " + info.error().message() + "\nerrors pretty printing info\n");
        return 1;
    }
    Lines lines;
    add_engine(*info, lines);
    add_security(*info, lines);
    add_machine(*info, lines);
    print(out + lines.str() + "\n");
    for (const Json& warning : list(*info, "Warnings"))
        if (warning.is_string()) print_error(std::string(warning.get_string()) + "\n");
    return 0;
}

} // namespace hull::cli
