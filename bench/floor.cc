// What the kernel itself takes to start a program: the floor under every
// engine's times. Prints one line of microseconds per repetition.
//
//   floor exec N PROGRAM ARGS...            fork + exec + exit
//   floor box N ROOT SCRATCH PROGRAM ARGS... all namespaces but the network's,
//                                           user map, overlay of ROOT, pivot_root, exec, exit
//   floor netbox N ROOT SCRATCH PROGRAM ARGS... the same with a network namespace
//
// SCRATCH is an empty folder for overlay's upper and work. Needs root.
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr uint64_t k_namespaces =
    CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
constexpr unsigned k_detach = 2; // MNT_DETACH, of a header that clashes with <linux/mount.h>

[[noreturn]] void die(const char* doing) {
    std::fprintf(stderr, "floor: %s: %s\n", doing, std::strerror(errno));
    std::_Exit(1);
}

void check(long result, const char* doing) {
    if (result < 0) die(doing);
}

void write_file(const std::string& path, std::string_view text) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    check(fd, path.c_str());
    check(::write(fd, text.data(), text.size()), path.c_str());
    ::close(fd);
}

void wait_for(pid_t pid) {
    int status = 0;
    check(::waitpid(pid, &status, 0), "wait");
    if (status != 0) {
        std::fprintf(stderr, "floor: the program failed\n");
        std::_Exit(1);
    }
}

void run_plain(char** argv) {
    const pid_t pid = ::fork();
    check(pid, "fork");
    if (pid == 0) {
        ::execv(argv[0], argv);
        die("exec");
    }
    wait_for(pid);
}

int detached_overlay(const std::string& root, const std::string& scratch) {
    const int context = static_cast<int>(::syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC));
    check(context, "fsopen");
    const std::string upper = scratch + "/upper", work = scratch + "/work";
    for (const auto& [key, value] : {std::pair("lowerdir", &root), {"upperdir", &upper}, {"workdir", &work}})
        check(::syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, key, value->c_str(), 0), key);
    check(::syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0), "fsconfig");
    const int mount = static_cast<int>(::syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0));
    check(mount, "fsmount");
    ::close(context);
    return mount;
}

[[noreturn]] void enter_and_exec(int mount, int go, const std::string& root, char** argv) {
    char byte;
    if (::read(go, &byte, 1) != 1) die("read");
    check(::syscall(SYS_move_mount, mount, "", AT_FDCWD, root.c_str(), MOVE_MOUNT_F_EMPTY_PATH), "move_mount");
    check(::chdir(root.c_str()), "chdir");
    check(::syscall(SYS_pivot_root, ".", "."), "pivot_root");
    check(::syscall(SYS_umount2, ".", k_detach), "umount");
    ::execv(argv[0], argv);
    die("exec");
}

void run_boxed(const std::string& root, const std::string& scratch, uint64_t namespaces, char** argv) {
    const int mount = detached_overlay(root, scratch);
    int go[2];
    check(::pipe2(go, O_CLOEXEC), "pipe");
    clone_args args{};
    args.flags = namespaces;
    args.exit_signal = SIGCHLD;
    const pid_t pid = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
    check(pid, "clone3");
    if (pid == 0) enter_and_exec(mount, go[0], root, argv);
    const std::string proc = "/proc/" + std::to_string(pid);
    write_file(proc + "/uid_map", "0 0 4294967295");
    write_file(proc + "/gid_map", "0 0 4294967295");
    check(::write(go[1], "", 1), "write");
    ::close(go[0]);
    ::close(go[1]);
    ::close(mount);
    wait_for(pid);
}

template <class F>
void repeat(int times, F&& once) {
    once(); // warms the caches
    for (int i = 0; i < times; ++i) {
        const auto start = std::chrono::steady_clock::now();
        once();
        const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
        std::printf("%.1f\n", took.count());
    }
}

} // namespace

int main(int argc, char** argv) {
    const std::string_view mode = argc > 1 ? argv[1] : "";
    const int times = argc > 2 ? std::atoi(argv[2]) : 0;
    if (mode == "exec" && argc > 3) {
        repeat(times, [&] { run_plain(argv + 3); });
    } else if ((mode == "box" || mode == "netbox") && argc > 5) {
        const std::string root = argv[3], scratch = argv[4];
        ::mkdir((scratch + "/upper").c_str(), 0755);
        ::mkdir((scratch + "/work").c_str(), 0755);
        const uint64_t namespaces = k_namespaces | (mode == "netbox" ? CLONE_NEWNET : 0);
        repeat(times, [&] { run_boxed(root, scratch, namespaces, argv + 5); });
    } else {
        std::fprintf(stderr, "usage: floor exec|box|netbox N [ROOT SCRATCH] PROGRAM ARGS...\n");
        return 2;
    }
    return 0;
}
