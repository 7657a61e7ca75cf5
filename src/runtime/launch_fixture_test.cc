#include "runtime/launch_fixture.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"
#include "kernel/caps.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/nonblocking.h"
#include "sys/process.h"

namespace hull::runtime {

namespace {

constexpr uint64_t docker_caps = 0xa80425fb;

MountPlan filesystem(const std::string& type, const std::string& target, const std::string& data, uint64_t attr) {
    MountPlan mount;
    mount.fs_type = type;
    mount.source = type;
    mount.target = target;
    mount.data = data;
    mount.attr_set = attr;
    return mount;
}

std::vector<MountPlan> docker_mounts() {
    constexpr uint64_t safe = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    std::vector<MountPlan> mounts;
    mounts.push_back(filesystem("proc", "/proc", "", safe));
    MountPlan dev = filesystem("tmpfs", "/dev", "mode=755,size=65536k", MOUNT_ATTR_NOSUID);
    dev.kind = MountPlan::Kind::dev;
    mounts.push_back(dev);
    mounts.push_back(filesystem("devpts", "/dev/pts", "newinstance,ptmxmode=0666,mode=0620,gid=5",
                                MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
    mounts.push_back(filesystem("sysfs", "/sys", "", safe | MOUNT_ATTR_RDONLY));
    mounts.push_back(filesystem("mqueue", "/dev/mqueue", "", safe));
    mounts.push_back(filesystem("tmpfs", "/dev/shm", "mode=1777,size=65536k", safe));
    return mounts;
}

std::vector<DevicePlan> docker_devices() {
    return {{"/dev/null", 'c', 1, 3},   {"/dev/zero", 'c', 1, 5},    {"/dev/full", 'c', 1, 7},
            {"/dev/random", 'c', 1, 8}, {"/dev/urandom", 'c', 1, 9}, {"/dev/tty", 'c', 5, 0}};
}

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

} // namespace

void LaunchTest::SetUp() {
    ASSERT_EQ(::geteuid(), 0U) << "these tests need root";
    ASSERT_TRUE(sys::exists("/bin/busybox")) << "these tests need the package busybox-static";
    root_ = "/tmp/hull-launch-" + random_hex(8);
    ASSERT_TRUE(sys::mkdir_parents(root_, 0755).ok());
    for (const char* dir : {"lower", "container", "container/upper", "container/work"})
        ASSERT_TRUE(sys::mkdir(path(dir), 0755).ok());
    make_busybox_tree();
    if (has_id_mapped_mounts()) return;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_))
        ASSERT_EQ(::lchown(entry.path().c_str(), base_id, base_id), 0);
}

bool LaunchTest::has_id_mapped_mounts() { return sys::mount_way() == sys::MountWay::detached; }

void LaunchTest::TearDown() { ASSERT_TRUE(sys::remove_tree(root_).ok()); }

void LaunchTest::make_busybox_tree() {
    for (const char* dir : {"bin", "etc", "proc", "sys", "dev", "tmp", "root", "home"})
        ASSERT_TRUE(sys::mkdir(path("lower/") + dir, 0755).ok());
    ::chmod(path("lower/tmp").c_str(), 01777);
    std::filesystem::copy_file("/bin/busybox", path("lower/bin/busybox"));
    ::chmod(path("lower/bin/busybox").c_str(), 0755);
    for (const char* applet : {"sh",    "cat",    "ls",      "id",   "stat", "touch",    "mkdir",    "sleep", "true",
                               "mount", "umount", "unshare", "echo", "grep", "readlink", "hostname", "tty",   "chown",
                               "mknod", "stty",   "su",      "ln",   "rm",   "wc",       "env",      "pwd",   "ps"})
        ASSERT_EQ(::symlink("busybox", (path("lower/bin/") + applet).c_str()), 0);
    write("lower/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nworker:x:1000:1000::/home/worker:/bin/sh\n");
    write("lower/etc/group", "root:x:0:\nworker:x:1000:\naudio:x:29:worker\nvideo:x:44:worker\n");
}

void LaunchTest::write(const std::string& relative, const std::string& text, unsigned mode) {
    ASSERT_TRUE(sys::replace_file(path(relative), text, mode).ok());
    ::chmod(path(relative).c_str(), mode);
}

Plan LaunchTest::shell_plan(const std::string& script) const {
    Plan plan;
    plan.id = "test";
    for (auto member : {&Namespaces::user, &Namespaces::pid, &Namespaces::mount, &Namespaces::net, &Namespaces::ipc,
                        &Namespaces::uts, &Namespaces::cgroup})
        (plan.ns.*member).mode = NamespaceUse::Mode::fresh;
    plan.uid_map = plan.gid_map = {{0, base_id, 65536}};
    plan.hostname = "box";
    plan.rootfs.lower = {path("lower")};
    plan.rootfs.upper = path("container/upper");
    plan.rootfs.work = path("container/work");
    plan.rootfs.idmap = has_id_mapped_mounts();
    plan.mounts = docker_mounts();
    plan.devices = docker_devices();
    plan.masked_paths = {"/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/acpi", "/proc/scsi", "/sys/firmware"};
    plan.readonly_paths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
    plan.process.args = {"sh", "-c", script};
    plan.process.env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"};
    plan.process.caps.bounding = plan.process.caps.permitted = plan.process.caps.effective =
        docker_caps & kernel::kernel_capabilities();
    return plan;
}

void LaunchTest::use_host_users(Plan& plan) {
    plan.ns.user = {};
    plan.uid_map.clear();
    plan.gid_map.clear();
    plan.rootfs.idmap = false;
}

LaunchTest::Running LaunchTest::start(const Plan& plan, std::span<const BorrowedFd> fds) {
    auto pipe = sys::make_pipe();
    LaunchFds stdio;
    stdio.stdout_ = stdio.stderr_ = pipe->second;
    auto pending = launch(plan, fds, stdio);
    pipe->second.reset();
    Running running = follow(std::move(pending));
    running.out = std::move(pipe->first);
    return running;
}

LaunchTest::Running LaunchTest::follow(Result<PendingLaunch> pending) {
    Running running;
    if (!pending.ok()) {
        running.error = std::move(pending).error();
        return running;
    }
    bool executed = false;
    bool refused = false;
    while (!refused && !pending->report.done()) {
        for (auto& event : pending->report.wait(10000)) {
            switch (event.kind) {
            case LaunchEvent::Kind::step: running.steps.emplace_back(event.name, event.ns); break;
            case LaunchEvent::Kind::pid:
                running.pid = event.pid;
                running.pidfd = std::move(event.fd);
                break;
            case LaunchEvent::Kind::terminal: running.terminal = std::move(event.fd); break;
            case LaunchEvent::Kind::at_hooks: EXPECT_TRUE(pending->report.resume("{\"id\":\"x\"}").ok()); break;
            case LaunchEvent::Kind::at_gate: running.at_gate = pending->report.resume("").ok(); break;
            case LaunchEvent::Kind::listener:
                running.listener = std::move(event.fd);
                refused = on_listener && !on_listener(running);
                if (refused)
                    pending->report = {};
                else
                    EXPECT_TRUE(pending->report.resume("").ok());
                break;
            case LaunchEvent::Kind::executed: executed = true; break;
            case LaunchEvent::Kind::failed: running.error = std::move(event.error); break;
            }
        }
    }
    ::waitpid(pending->intermediate, nullptr, 0);
    if (!executed && !running.at_gate && running.pid > 0) {
        ::waitpid(running.pid, nullptr, 0);
        running.pid = 0;
    }
    return running;
}

Ran LaunchTest::finish(Running running) {
    Ran ran;
    ran.error = std::move(running.error);
    ran.steps = std::move(running.steps);
    ran.executed = running.pid > 0;
    std::array<char, 4096> buffer{};
    for (;;) {
        auto n = sys::read(running.out, buffer);
        if (!n.ok() || *n == 0) break;
        ran.out.append(buffer.data(), *n);
    }
    if (running.pid > 0) {
        ::waitpid(running.pid, &ran.status, 0);
        ran.exit_code = code_of(ran.status);
    }
    return ran;
}

void LaunchTest::stop(Running& running) {
    if (running.pid <= 0) return;
    ::kill(running.pid, SIGKILL);
    ::waitpid(running.pid, nullptr, 0);
    running.pid = 0;
}

Ran LaunchTest::run(const Plan& plan, std::span<const BorrowedFd> fds) { return finish(start(plan, fds)); }

} // namespace hull::runtime
