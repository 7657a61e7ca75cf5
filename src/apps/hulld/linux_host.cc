#include "apps/hulld/linux_host.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <string_view>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "apps/hulld/cdi_files.h"
#include "base/clock.h"
#include "kernel/emulation.h"
#include "store/log_archive.h"
#include "sys/file.h"
#include "sys/file_at.h"
#include "sys/inotify.h"
#include "sys/poll.h"
#include "sys/process.h"
#include "sys/run_program.h"
#include "sys/socket.h"
#include "sys/tree.h"

namespace hull {
namespace {

using engine::DeviceNode;
using engine::FileIdentity;
using engine::FileReader;
using engine::FileWatch;
using engine::PathKind;

constexpr size_t kPsLimit = size_t{16} << 20;

bool is_device(const struct stat& st) { return S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode); }

DeviceNode to_node(const std::string& path, const struct stat& st) {
    return {.path = path,
            .type = S_ISBLK(st.st_mode) ? 'b' : 'c',
            .major = major(st.st_rdev),
            .minor = minor(st.st_rdev),
            .mode = st.st_mode & 07777,
            .uid = st.st_uid,
            .gid = st.st_gid};
}

class Reader : public FileReader {
public:
    Reader(UniqueFd fd, FileIdentity identity) : fd_(std::move(fd)), identity_(identity) {}
    FileIdentity identity() const override { return identity_; }
    Result<uint64_t> size() override { return sys::file_length(fd_); }
    Result<size_t> read_at(uint64_t offset, std::span<char> into) override { return sys::read_at(fd_, offset, into); }

private:
    UniqueFd fd_;
    FileIdentity identity_;
};

// A rotated log that was compressed; expanded when it is read.
class CompressedReader : public FileReader {
public:
    CompressedReader(store::CompressedLog log, std::string path) : log_(std::move(log)), path_(std::move(path)) {}
    FileIdentity identity() const override { return {.device = log_.device, .inode = log_.inode, .birth = log_.birth}; }
    Result<uint64_t> size() override {
        TRY(expand());
        return sys::file_length(plain_);
    }
    Result<size_t> read_at(uint64_t offset, std::span<char> into) override {
        TRY(expand());
        return sys::read_at(plain_, offset, into);
    }

private:
    Result<void> expand() {
        if (!plain_) plain_ = TRY(store::expand(log_, path_));
        return {};
    }
    store::CompressedLog log_;
    std::string path_;
    UniqueFd plain_;
};

class Watch : public FileWatch {
public:
    Watch(UniqueFd inotify, UniqueFd epoll) : inotify_(std::move(inotify)), epoll_(std::move(epoll)) {}
    bool wait(int timeout_ms) override {
        std::array<epoll_event, 1> events;
        auto ready = sys::epoll_wait(epoll_, events, timeout_ms);
        if (!ready.ok() || *ready == 0) return false;
        // Reading resets it; what changed doesn't matter.
        std::array<char, 4096> buffer;
        (void)sys::read(inotify_, buffer);
        return true;
    }

private:
    UniqueFd inotify_, epoll_;
};

// One end of a socket pair; what comes is stream frames: a type byte, three
// zeros, four bytes of length, the text.
class FrameCapture : public engine::Capture {
public:
    FrameCapture(UniqueFd own, UniqueFd client, UniqueFd epoll)
        : own_(std::move(own)), client_(std::move(client)), epoll_(std::move(epoll)) {}

    UniqueFd take_client() override { return std::move(client_); }

    std::string read(size_t limit, int64_t timeout_ms) override {
        int64_t deadline = monotonic_ns() + timeout_ms * 1'000'000;
        std::string raw, text;
        std::array<char, 8192> chunk;
        for (;;) {
            int64_t left = (deadline - monotonic_ns()) / 1'000'000;
            std::array<epoll_event, 1> events;
            if (left <= 0) break;
            auto ready = sys::epoll_wait(epoll_, events, static_cast<int>(left));
            if (!ready.ok()) break;
            if (*ready == 0) continue;
            auto got = sys::read(own_, chunk);
            if (!got.ok() || *got == 0) break;
            raw.append(chunk.data(), *got);
            take_frames(raw, limit, text);
        }
        return text;
    }

private:
    static void take_frames(std::string& raw, size_t limit, std::string& text) {
        constexpr size_t header = 8;
        size_t at = 0;
        while (raw.size() - at >= header) {
            size_t length = 0;
            for (size_t i = 4; i < header; ++i) length = length << 8 | static_cast<unsigned char>(raw[at + i]);
            if (raw.size() - at - header < length) break;
            size_t room = limit - std::min(limit, text.size());
            text.append(raw, at + header, std::min(length, room));
            at += header + length;
        }
        raw.erase(0, at);
    }

    UniqueFd own_, client_, epoll_;
};

class LinuxHost : public engine::HostPort {
public:
    PathKind kind(const std::string& path) override {
        auto st = sys::stat(path);
        if (!st.ok()) return PathKind::missing;
        if (S_ISDIR(st->st_mode)) return PathKind::directory;
        return is_device(*st) ? PathKind::device : PathKind::other;
    }

    Result<DeviceNode> device(const std::string& path) override {
        struct stat st = TRY(sys::stat(path));
        if (!is_device(st)) return Error(ErrorKind::invalid_argument, "not a device node");
        return to_node(path, st);
    }

    Result<std::vector<DeviceNode>> devices_below(const std::string& dir) override {
        std::vector<DeviceNode> nodes;
        struct stat top = TRY(sys::stat(dir));
        TRY(collect(dir, top.st_dev, nodes));
        std::ranges::sort(nodes, {}, &DeviceNode::path);
        return nodes;
    }

    Result<void> make_directories(const std::string& path) override { return sys::mkdir_parents(path, 0755); }
    Result<std::string> read_file(const std::string& path, size_t limit) override {
        return sys::read_file(path, limit);
    }

    Result<std::unique_ptr<FileReader>> open(const std::string& path) override {
        auto opened = sys::open(path, O_RDONLY | O_NOFOLLOW);
        if (!opened.ok() && opened.error().kind() == ErrorKind::not_found) {
            auto compressed = store::open_compressed(path);
            if (compressed.ok())
                return std::unique_ptr<FileReader>(std::make_unique<CompressedReader>(std::move(*compressed), path));
        }
        UniqueFd fd = TRY(std::move(opened));
        struct stat st = TRY(sys::stat_fd(fd));
        uint64_t birth = TRY(sys::birth_of(fd));
        FileIdentity identity{.device = st.st_dev, .inode = st.st_ino, .birth = birth};
        return std::unique_ptr<FileReader>(std::make_unique<Reader>(std::move(fd), identity));
    }

    Result<std::unique_ptr<FileWatch>> watch(const std::string& path) override {
        UniqueFd inotify = TRY(sys::watch_file(path));
        UniqueFd epoll = TRY(sys::epoll_create());
        TRY(sys::epoll_add(epoll, inotify, EPOLLIN, 0));
        return std::unique_ptr<FileWatch>(std::make_unique<Watch>(std::move(inotify), std::move(epoll)));
    }

    Result<void> compress_rotated(const std::string& path, unsigned max_files) override {
        return store::compress_rotated(path, max_files);
    }

    Result<std::unique_ptr<engine::Capture>> capture() override {
        auto [own, client] = TRY(sys::socket_pair(sys::SocketType::stream));
        UniqueFd epoll = TRY(sys::epoll_create());
        TRY(sys::epoll_add(epoll, own, EPOLLIN, 0));
        return std::unique_ptr<engine::Capture>(
            std::make_unique<FrameCapture>(std::move(own), std::move(client), std::move(epoll)));
    }

    Result<UniqueFd> net_namespace(int pid) override {
        return sys::open("/proc/" + std::to_string(pid) + "/ns/net", O_RDONLY);
    }
    std::string descriptor_path(BorrowedFd fd) override {
        return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd.get());
    }
    void kill_process(int pid) override {
        // By descriptor: the number may belong to somebody else a moment later.
        if (auto process = sys::pidfd_open(pid); process.ok()) (void)sys::pidfd_signal(*process, SIGKILL);
    }

    std::string emulator(const std::string& architecture) override {
        return kernel::find_emulator(architecture).value_or("");
    }
    std::vector<engine::CdiSpec> cdi_specs(const std::vector<std::string>& folders) override {
        return read_cdi_specs(folders);
    }

    Result<std::string> ps(const std::vector<std::string>& arguments) override {
        std::vector<std::string> args = {"ps"};
        args.insert(args.end(), arguments.begin(), arguments.end());
        auto run = sys::run_program("ps", args, kPsLimit);
        if (!run.ok() && run.error().code() == ENOENT)
            return Error(ErrorKind::unsupported, "there is no ps on this machine (Debian: package procps)");
        sys::ProgramOutput ran = TRY(std::move(run));
        if (ran.exit_code != 0) return Error(ErrorKind::invalid_argument, "error running ps: " + ran.output);
        return std::move(ran.output);
    }

private:
    static Result<void> collect(const std::string& dir, dev_t device, std::vector<DeviceNode>& nodes) {
        for (const std::string& name : TRY(sys::list_dir(dir))) {
            std::string path = dir + "/" + name;
            auto st = sys::lstat(path);
            if (!st.ok()) continue; // it went away
            // Other mounts (pts, shm, mqueue) and the terminals of the host stay out.
            if (S_ISDIR(st->st_mode)) {
                if (st->st_dev == device) TRY(collect(path, device, nodes));
            } else if (is_device(*st) && name != "console" && name != "ptmx") {
                nodes.push_back(to_node(path, *st));
            }
        }
        return {};
    }
};

} // namespace

std::unique_ptr<engine::HostPort> make_linux_host() { return std::make_unique<LinuxHost>(); }

} // namespace hull
