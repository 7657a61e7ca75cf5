// A file system of one static program.
#include <algorithm>
#include <vector>

#include <fcntl.h>

#include "apps/hull/bootstrap/bootstrap.h"
#include "apps/hull/bootstrap/run_tool.h"
#include "apps/hull/cli/session.h"
#include "codec/tar_writer.h"
#include "sys/file.h"

namespace hull::cli {

namespace {

constexpr size_t max_program = size_t{64} << 20;

constexpr std::string_view passwd = "root:x:0:0:root:/root:/bin/sh\n"
                                    "daemon:x:1:1:daemon:/usr/sbin:/bin/false\n"
                                    "www-data:x:33:33:www-data:/var/www:/bin/false\n"
                                    "nobody:x:65534:65534:nobody:/home:/bin/false\n";
constexpr std::string_view group = "root:x:0:\ndaemon:x:1:\ntty:x:5:\ndisk:x:6:\nwww-data:x:33:\nnogroup:x:65534:\n";
constexpr std::string_view shadow = "root:*:::::::\nnobody:*:::::::\n";

// A static program needs no interpreter: a dynamic one names ld-linux.
bool is_static_program(const std::string& bytes) {
    return bytes.starts_with("\x7F"
                             "ELF") &&
           bytes.substr(0, 4096).find("/ld-linux") == bytes.npos &&
           bytes.substr(0, 4096).find("/ld-musl") == bytes.npos;
}

// The installed one, else the one of the package, downloaded but not installed.
Result<std::string> find_program(const std::string& scratch, bool quiet) {
    for (const char* path : {"/bin/busybox", "/usr/bin/busybox"}) {
        auto bytes = sys::read_file(path, max_program);
        if (bytes.ok() && is_static_program(*bytes)) return bytes;
    }
    if (!quiet) print_error("busybox-static is not installed: downloading it\n");
    TRY(run_tool({.args = {"apt-get", "download", "busybox-static"}, .folder = scratch, .package = "apt"}));
    std::string archive;
    for (const std::string& name : TRY(sys::list_dir(scratch)))
        if (name.ends_with(".deb")) archive = scratch + "/" + name;
    if (archive.empty()) return Error(ErrorKind::not_found, "apt-get download busybox-static gave no package");
    TRY(run_tool({.args = {"dpkg-deb", "-x", archive, scratch + "/tree"}, .folder = scratch, .package = "dpkg"}));
    for (const char* place : {"/tree/bin/busybox", "/tree/usr/bin/busybox"}) {
        auto bytes = sys::read_file(scratch + place, max_program);
        if (bytes.ok()) return bytes;
    }
    return Error(ErrorKind::not_found, "the package busybox-static holds no busybox");
}

Result<std::vector<std::string>> applets_of(const std::string& program, const std::string& scratch) {
    std::string copy = scratch + "/busybox";
    TRY(sys::replace_file(copy, program, 0755));
    std::string text = TRY(run_tool({.args = {copy, "--list-full"}, .folder = scratch, .package = "busybox-static"}));
    std::vector<std::string> out;
    for (std::string_view rest = text; !rest.empty();) {
        size_t end = rest.find('\n');
        std::string_view line = rest.substr(0, end);
        rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
        if (!line.empty() && line != "bin/busybox" && line.find("..") == line.npos && line[0] != '/')
            out.emplace_back(line);
    }
    if (out.empty()) return Error(ErrorKind::corrupt, "busybox --list-full names no applets");
    return out;
}

Result<void> add(tar::Writer& writer, const std::string& path, tar::Type type, uint32_t mode,
                 std::string_view content = {}) {
    tar::Entry entry;
    entry.path = path;
    entry.type = type;
    entry.mode = mode;
    if (type == tar::Type::symlink) entry.link_target = content;
    if (type == tar::Type::file) entry.size = content.size();
    TRY(writer.add(entry));
    if (type == tar::Type::file) TRY(writer.data(content));
    return {};
}

Result<std::string> make_tar(const std::string& program, std::vector<std::string> applets) {
    TextSink sink;
    tar::Writer writer(sink);
    for (const char* folder : {"bin", "dev", "etc", "home", "lib", "proc", "run", "sbin", "sys", "usr", "usr/bin",
                               "usr/sbin", "var", "var/www", "var/log", "var/spool"})
        TRY(add(writer, std::string(folder) + "/", tar::Type::directory, 0755));
    TRY(add(writer, "root/", tar::Type::directory, 0700));
    for (const char* folder : {"tmp/", "var/tmp/"}) TRY(add(writer, folder, tar::Type::directory, 01777));
    TRY(add(writer, "bin/busybox", tar::Type::file, 0755, program));
    std::ranges::sort(applets);
    for (const std::string& applet : applets) {
        bool known_folder = applet.starts_with("bin/") || applet.starts_with("sbin/") ||
                            applet.starts_with("usr/bin/") || applet.starts_with("usr/sbin/");
        if (known_folder) TRY(add(writer, applet, tar::Type::symlink, 0777, "/bin/busybox"));
    }
    TRY(add(writer, "etc/passwd", tar::Type::file, 0644, passwd));
    TRY(add(writer, "etc/group", tar::Type::file, 0644, group));
    TRY(add(writer, "etc/shadow", tar::Type::file, 0640, shadow));
    TRY(add(writer, "etc/nsswitch.conf", tar::Type::file, 0644, "hosts: files dns\n"));
    TRY(writer.finish());
    return sink.take();
}

} // namespace

Result<std::string> bootstrap_busybox(Engine& engine, const BaseImage& image, bool quiet) {
    ScratchFolder scratch = TRY(ScratchFolder::create());
    std::string program = TRY(find_program(scratch.path(), quiet));
    std::string archive = TRY(make_tar(program, TRY(applets_of(program, scratch.path()))));
    BaseImage base = image;
    base.changes = {"CMD [\"sh\"]", "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
    TextSource source(archive);
    return import_base(engine, base, [&](std::span<char> into) { return source.read(into); });
}

} // namespace hull::cli
