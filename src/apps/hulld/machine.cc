#include "apps/hulld/machine.h"

#include <array>

#include <fcntl.h>
#include <sys/sysmacros.h>

#include "sys/child_program.h"
#include "sys/file.h"
#include "sys/inotify.h"
#include "sys/nonblocking.h"
#include "sys/process.h"
#include "sys/ready.h"

namespace hull {

namespace {

constexpr size_t max_ps_output = size_t{16} << 20;
constexpr int max_depth = 16;

// Folders and nodes in /dev that belong to the host alone, or that every
// container has of its own.
constexpr std::string_view left_out[] = {"pts", "shm", "fd", "mqueue", "console", ".lxc", ".lxd-mounts", ".udev"};

bool is_left_out(std::string_view name) {
    for (std::string_view one : left_out)
        if (one == name) return true;
    return false;
}

bool is_device(const struct stat& st) { return S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode); }

engine::DeviceNode to_node(const std::string& path, const struct stat& st) {
    engine::DeviceNode node;
    node.path = path;
    node.type = S_ISBLK(st.st_mode) ? 'b' : 'c';
    node.major = major(st.st_rdev);
    node.minor = minor(st.st_rdev);
    node.mode = st.st_mode & 07777;
    node.uid = st.st_uid;
    node.gid = st.st_gid;
    return node;
}

Result<void> walk_devices(const std::string& dir, int depth, std::vector<engine::DeviceNode>& out) {
    if (depth > max_depth) return {};
    for (const std::string& name : TRY(sys::list_dir(dir))) {
        if (is_left_out(name)) continue;
        std::string path = dir + "/" + name;
        auto st = sys::lstat(path);
        if (!st.ok()) continue; // gone meanwhile: devices come and go
        if (S_ISDIR(st->st_mode))
            TRY(walk_devices(path, depth + 1, out));
        else if (is_device(*st))
            out.push_back(to_node(path, *st));
    }
    return {};
}

class InotifyWatch final : public engine::FileWatch {
public:
    explicit InotifyWatch(UniqueFd fd) : fd_(std::move(fd)) {}
    bool wait(int timeout_ms) override {
        std::array<sys::Readiness, 1> entries{{{.fd = fd_}}};
        auto ready = sys::wait_ready(entries, timeout_ms);
        if (!ready.ok() || !*ready) return false;
        std::array<char, 4096> events; // NOLINT: only drained
        while (true) {
            auto n = sys::read_now(fd_, events);
            if (!n.ok() || !*n || **n == 0) return true;
        }
    }

private:
    UniqueFd fd_;
};

struct Output {
    UniqueFd pipe;
    std::string text;
    bool open = true;
};

// Both pipes at once, so that a program that fills one doesn't wait for ever.
Result<void> read_both(std::array<Output, 2>& outputs) {
    std::array<char, 16384> buffer; // NOLINT: filled before it is read
    while (outputs[0].open || outputs[1].open) {
        std::array<sys::Readiness, 2> entries;
        for (size_t i = 0; i < 2; ++i) entries[i].fd = outputs[i].open ? outputs[i].pipe.borrow() : BorrowedFd();
        TRY(sys::wait_ready(entries));
        for (size_t i = 0; i < 2; ++i) {
            if (!entries[i].ready) continue;
            size_t n = TRY(sys::read(outputs[i].pipe, buffer));
            if (n == 0) outputs[i].open = false;
            outputs[i].text.append(buffer.data(), n);
            if (outputs[i].text.size() > max_ps_output)
                return Error(ErrorKind::too_large, "the output is larger than 16 MiB");
        }
    }
    return {};
}

class Machine final : public engine::HostPort {
public:
    engine::PathKind kind(const std::string& path) override {
        auto st = sys::stat(path);
        if (!st.ok()) return engine::PathKind::missing;
        if (S_ISDIR(st->st_mode)) return engine::PathKind::directory;
        return is_device(*st) ? engine::PathKind::device : engine::PathKind::other;
    }

    Result<engine::DeviceNode> device(const std::string& path) override {
        struct stat st = TRY(sys::stat(path));
        if (!is_device(st)) return Error(ErrorKind::invalid_argument, path + " is not a device node");
        return to_node(path, st);
    }

    Result<std::vector<engine::DeviceNode>> devices_below(const std::string& dir) override {
        std::vector<engine::DeviceNode> nodes;
        TRY(walk_devices(dir, 0, nodes));
        return nodes;
    }

    Result<void> make_directories(const std::string& path) override { return sys::mkdir_parents(path, 0755); }

    Result<std::string> read_file(const std::string& path, size_t limit) override {
        return sys::read_file(path, limit);
    }

    Result<std::unique_ptr<engine::FileWatch>> watch(const std::string& path) override {
        return std::unique_ptr<engine::FileWatch>(std::make_unique<InotifyWatch>(TRY(sys::watch_file(path))));
    }

    Result<std::string> ps(const std::vector<std::string>& arguments) override {
        auto [out, out_writer] = TRY(sys::make_pipe());
        auto [err, err_writer] = TRY(sys::make_pipe());
        sys::ProgramRequest request;
        request.args = {"ps"};
        request.args.insert(request.args.end(), arguments.begin(), arguments.end());
        request.output = out_writer;
        request.error = err_writer;
        request.null_input = true;
        pid_t child = TRY(sys::start_program(request).context("run ps"));
        out_writer.reset();
        err_writer.reset();
        std::array<Output, 2> outputs{Output{std::move(out), {}, true}, Output{std::move(err), {}, true}};
        auto read = read_both(outputs);
        outputs[0].pipe.reset(); // a ps that still writes ends by that
        outputs[1].pipe.reset();
        sys::Exit exit = TRY(sys::wait_for(child));
        TRY(std::move(read).context("run ps"));
        if (exit.status != 0) return Error(ErrorKind::invalid_argument, "error running ps: " + outputs[1].text);
        return std::move(outputs[0].text);
    }
};

} // namespace

std::unique_ptr<engine::HostPort> make_machine() { return std::make_unique<Machine>(); }

} // namespace hull
