// debian:SUITE and ubuntu:SUITE: mmdebstrap with this machine's apt sources, its
// tar straight into the engine.
#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <optional>
#include <set>
#include <thread>

#include "apps/hull/bootstrap/apt_sources.h"
#include "apps/hull/bootstrap/bootstrap.h"
#include "apps/hull/bootstrap/run_tool.h"
#include "apps/hull/cli/session.h"
#include "apps/hull/format/human.h"
#include "base/clock.h"
#include "sys/child_program.h"
#include "sys/file.h"
#include "sys/nonblocking.h"
#include "sys/process.h"
#include "sys/ready.h"
#include "sys/signal_queue.h"
#include "sys/terminal_mode.h"

namespace hull::cli {

namespace {

constexpr size_t kept_log = 8000; // of mmdebstrap's messages, for an error
constexpr int tick_ms = 500;      // between two updates of the progress

// apt's settings of this machine that reach the network: proxies and the like.
// One with a password (user:password@) goes no further than this machine.
std::string network_settings(const std::string& dump) {
    constexpr std::string_view wanted[] = {"Acquire::http",       "Acquire::https",    "Acquire::Check-Valid-Until",
                                           "Acquire::Check-Date", "Acquire::ForceIPv", "Acquire::AllowInsecure",
                                           "Acquire::Retries"};
    constexpr std::string_view insecure_off = "Acquire::AllowInsecureRepositories \"0\";"; // apt's own default
    std::string out;
    for (std::string_view rest = dump; !rest.empty();) {
        size_t end = rest.find('\n');
        std::string_view line = rest.substr(0, end);
        rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
        for (std::string_view name : wanted)
            if (line.starts_with(name) && !line.ends_with(" \"\";") && line != insecure_off)
                out.append(line).append("\n");
    }
    return out;
}

// What mmdebstrap says on standard error, as one line that moves on a terminal
// and one line per phase elsewhere.
class Progress {
public:
    explicit Progress(bool quiet) : quiet_(quiet), live_(sys::is_terminal(BorrowedFd(2))), start_(monotonic_ns()) {}

    void feed(std::string_view text) {
        for (char c : text) {
            if (c == '\n' || c == '\r')
                take_line();
            else
                line_ += c;
        }
    }
    void add_bytes(size_t n) { bytes_ += n; }
    void tick() const {
        if (live_ && !quiet_ && !phase_.empty()) print_error("\r\033[K" + text());
    }
    void finish() {
        take_line();
        if (live_ && !quiet_) print_error("\r\033[K");
    }
    const std::string& log() const { return log_; }
    const std::string& packages() const { return packages_; }
    std::string elapsed() const {
        char out[32];
        std::snprintf(out, sizeof out, "%.0f s", static_cast<double>(monotonic_ns() - start_) / 1e9);
        return out;
    }
    uint64_t bytes() const { return bytes_; }

private:
    void take_line() {
        std::string line = std::exchange(line_, {});
        if (line.empty()) return;
        constexpr std::string_view counted = "hull-packages: ";
        if (line.starts_with(counted)) {
            packages_ = line.substr(counted.size());
            return;
        }
        log_ += line + "\n";
        if (log_.size() > 2 * kept_log) log_.erase(0, log_.size() - kept_log);
        if (!line.starts_with("I: ")) return;
        for (const char* detail : {"tempdir", "hook in shell", "signed-by", "chroot architecture", "success in"})
            if (line.find(detail) != line.npos) return;
        phase_ = line.substr(3);
        if (quiet_) return;
        if (live_)
            tick();
        else
            print_error("  " + phase_ + " (" + elapsed() + ")\n");
    }
    std::string text() const {
        std::string out = "  " + phase_ + " ";
        if (bytes_ > 0) out += format::decimal_size(static_cast<double>(bytes_.load())) + " ";
        return out + elapsed();
    }

    bool quiet_, live_;
    int64_t start_;
    std::string line_, phase_, log_, packages_;
    std::atomic<uint64_t> bytes_ = 0;
};

class Mmdebstrap {
public:
    static Result<void> start(Mmdebstrap& out, const std::vector<std::string>& args, bool quiet) {
        auto [tar_read, tar_write] = TRY(sys::make_pipe());
        auto [err_read, err_write] = TRY(sys::make_pipe());
        // Taken from here on: our end must wait for its end, or it leaves mounts.
        out.signals_.emplace(TRY(sys::SignalQueue::create({SIGINT, SIGTERM, SIGHUP})));
        sys::ProgramRequest request;
        request.args = args;
        request.null_input = true;
        request.output = tar_write;
        request.error = err_write;
        request.more_env = {"LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"};
        auto pid = sys::start_program(request);
        if (!pid.ok() && pid.error().kind() == ErrorKind::no_such_program)
            return missing_tool("mmdebstrap", "mmdebstrap");
        if (!pid.ok()) return std::move(pid).error();
        out.pid_ = *pid;
        out.tar_ = std::move(tar_read);
        out.errors_ = std::move(err_read);
        out.progress_.emplace(quiet);
        out.watcher_ = std::thread([&out] { out.watch(); });
        return {};
    }

    ~Mmdebstrap() {
        if (pid_ <= 0) return;
        stop(); // an error elsewhere: it must not go on, nor be left behind
        (void)end();
    }

    // Pieces of the tar; at its end only when mmdebstrap ended well.
    Result<size_t> read(std::span<char> into) {
        size_t n = TRY(sys::read(tar_, into));
        progress_->add_bytes(n);
        if (n == 0) TRY(end());
        return n;
    }

    Progress& progress() { return *progress_; }

private:
    Result<void> end() {
        if (pid_ <= 0) return {};
        tar_.reset();
        auto exit = sys::wait_for(std::exchange(pid_, -1));
        if (watcher_.joinable()) watcher_.join();
        progress_->finish();
        TRY(exit);
        if (interrupted_) return Error(ErrorKind::cancelled, "interrupted; nothing was kept");
        if (std::string why = bad_end(exit->status); !why.empty())
            return Error(ErrorKind::internal, "mmdebstrap failed (" + why + "):\n" + progress_->log());
        return {};
    }

    void stop() {
        auto fd = sys::pidfd_open(pid_);
        if (fd.ok()) (void)sys::pidfd_signal(*fd, SIGTERM).ok();
    }

    // Reads its messages until their end; passes a request to stop on.
    void watch() {
        std::array<char, 4096> piece;
        for (;;) {
            std::array<sys::Readiness, 2> waited{{{errors_.borrow()}, {signals_->fd()}}};
            if (!sys::wait_ready(waited, tick_ms).ok()) return;
            if (waited[1].ready && signals_->take()) {
                interrupted_ = true;
                stop();
            }
            progress_->tick();
            if (!waited[0].ready) continue;
            auto n = sys::read(errors_, piece);
            if (!n.ok() || *n == 0) return;
            progress_->feed({piece.data(), *n});
        }
    }

    std::optional<sys::SignalQueue> signals_;
    std::optional<Progress> progress_;
    UniqueFd tar_, errors_;
    std::thread watcher_;
    std::atomic<bool> interrupted_ = false;
    pid_t pid_ = -1;
};

// A key that the image's own packages don't bring is copied into it.
std::string keep_keyring(const std::string& path) {
    return "--customize-hook=[ -e \"$1" + path + "\" ] || install -D -m 644 " + path + " \"$1" + path + "\"";
}

Result<std::vector<std::string>> command_line(const std::string& distribution, const std::string& suite,
                                              const std::string& scratch) {
    auto sources = for_release(TRY(read_apt_sources("/etc/apt")), distribution, suite);
    if (sources.empty())
        return Error(ErrorKind::not_found, "no package source of " + distribution +
                                               " in /etc/apt/sources.list and /etc/apt/sources.list.d (a source with "
                                               "the component main whose address names " +
                                               distribution + ")");
    std::string list = scratch + "/" + distribution + ".sources";
    TRY(sys::replace_file(list, print_deb822(sources), 0644));
    std::vector<std::string> args{"mmdebstrap", "--variant=minbase", "--format=tar"};
    std::string dump = TRY(run_tool({.args = {"apt-config", "dump"}, .folder = scratch, .package = "apt"}));
    if (std::string settings = network_settings(dump); !settings.empty()) {
        TRY(sys::replace_file(scratch + "/apt.conf", settings, 0644));
        args.push_back("--aptopt=" + scratch + "/apt.conf");
        // Passwords are not for the image.
        args.emplace_back("--customize-hook=sed -i '/:[^\\/]*@/d' \"$1\"/etc/apt/apt.conf.d/99mmdebstrap");
    }
    for (const char* place : {"/etc/apt/auth.conf", "/etc/apt/auth.conf.d"}) {
        auto inside = sys::list_dir(place);
        if (!sys::exists(place) || (inside.ok() && inside->empty())) continue;
        std::string path = place;
        args.push_back("--setup-hook=mkdir -p \"$1\"/etc/apt && cp -r " + path + " \"$1\"/etc/apt/");
        args.push_back("--customize-hook=rm -rf \"$1\"" + path);
    }
    std::set<std::string> keyrings;
    for (const AptSource& source : sources)
        if (source.signed_by.starts_with('/')) keyrings.insert(source.signed_by);
    for (const std::string& path : keyrings) args.push_back(keep_keyring(path));
    args.emplace_back("--customize-hook=echo \"hull-packages: $(ls \"$1\"/var/lib/dpkg/info/*.list | wc -l)\" >&2");
    args.push_back(suite);
    args.emplace_back("-");
    args.push_back(list);
    return args;
}

} // namespace

Result<std::string> bootstrap_debian(Engine& engine, const std::string& distribution, const std::string& suite,
                                     const BaseImage& image, bool quiet) {
    ScratchFolder scratch = TRY(ScratchFolder::create());
    auto args = TRY(command_line(distribution, suite, scratch.path()));
    BaseImage base = image;
    base.changes = {"CMD [\"bash\"]", "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
    if (!quiet)
        print_error("Making " + image.reference + " with mmdebstrap (" + distribution + " " + suite + ", minbase)\n");
    Mmdebstrap tool;
    TRY(Mmdebstrap::start(tool, args, quiet));
    auto id = import_base(engine, base, [&](std::span<char> into) { return tool.read(into); });
    if (!id.ok()) return id;
    const Progress& done = tool.progress();
    if (!quiet)
        print_error("  " + done.packages() + " packages, " + format::decimal_size(static_cast<double>(done.bytes())) +
                    ", " + done.elapsed() + "\n");
    return id;
}

} // namespace hull::cli
