#include "apps/hull-runtime/checkpoint.h"

#include <array>
#include <charconv>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "sys/file.h"

namespace hull::oci_runtime {

namespace {

Result<std::string> absolute(std::string path) {
    if (path.starts_with('/')) return path;
    std::array<char, 4096> here{};
    if (!::getcwd(here.data(), here.size())) return Error::from_errno("getcwd");
    return std::string(here.data()) + "/" + path;
}

Result<void> read_page_server(const std::string& text, CriuOptions& options) {
    size_t colon = text.rfind(':');
    if (colon == text.npos || colon == 0 || colon + 1 == text.size())
        return invalid("Use --page-server ADDRESS:PORT to specify page server");
    std::string address = text.substr(0, colon);
    if (address.size() > 2 && address.front() == '[' && address.back() == ']')
        address = address.substr(1, address.size() - 2);
    const char* begin = text.data() + colon + 1;
    const char* end = text.data() + text.size();
    auto [stop, error] = std::from_chars(begin, end, options.page_server_port);
    bool in_range = options.page_server_port > 0 && options.page_server_port <= 65535;
    if (error != std::errc{} || stop != end || !in_range) return invalid("Invalid port number");
    options.page_server = address;
    return {};
}

} // namespace

Result<CriuSetup> CriuSetup::from(const Args& args, const char* log_file) {
    CriuSetup setup;
    CriuOptions& o = setup.options;
    std::string images = args.value("image-path"), work = args.value("work-path");
    setup.images = TRY(absolute(images.empty() ? "checkpoint" : images));
    TRY(sys::mkdir_parents(setup.images, 0700));
    setup.images_dir = TRY(sys::open(setup.images, O_RDONLY | O_DIRECTORY));
    setup.log_folder = setup.images;
    if (!work.empty()) {
        setup.log_folder = TRY(absolute(work));
        TRY(sys::mkdir_parents(setup.log_folder, 0700));
        setup.work_dir = TRY(sys::open(setup.log_folder, O_RDONLY | O_DIRECTORY));
    }
    o.images_dir = setup.images_dir.get();
    o.work_dir = setup.work_dir.get();
    o.log_file = log_file;
    o.tcp_established = args.has("tcp-established");
    o.tcp_skip_in_flight = args.has("tcp-skip-in-flight");
    o.external_unix_sockets = args.has("ext-unix-sk");
    o.shell_job = args.has("shell-job");
    o.file_locks = args.has("file-locks");
    o.link_remap = args.has("link-remap");
    o.auto_dedup = args.has("auto-dedup");
    o.lazy_pages = args.has("lazy-pages");
    o.lsm_profile = args.value("lsm-profile");
    o.lsm_mount_context = args.value("lsm-mount-context");
    o.cgroup_mode = TRY(parse_cgroup_mode(args.value("manage-cgroups-mode")));
    if (auto server = args.value("page-server"); !server.empty()) TRY(read_page_server(server, o));
    // Network devices are those who made them's.
    o.empty_namespaces = CLONE_NEWNET;
    for (const std::string& name : args.values("empty-ns"))
        if (name != "network") return invalid("namespace \"" + name + "\" is not supported");
    return setup;
}

std::string criu_config_file(const std::map<std::string, std::string>& annotations) {
    auto given = annotations.find("org.criu.config");
    return given == annotations.end() ? "/etc/criu/runc.conf" : given->second;
}

std::string external_namespace_key(const std::string& proc_name) {
    std::string key = "extRoot" + proc_name + "NS";
    key[7] = static_cast<char>(key[7] - 'a' + 'A');
    return key;
}

} // namespace hull::oci_runtime
