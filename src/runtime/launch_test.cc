#include "runtime/launch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/random.h"
#include "kernel/namespaces.h"
#include "kernel/seccomp/seccomp.h"
#include "runtime/launch_fixture.h"
#include "runtime/rootfs.h"
#include "sys/file.h"
#include "sys/mount.h"
#include "sys/socket.h"

namespace hull::runtime {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST_F(LaunchTest, root_inside_is_nobody_outside) {
    auto running = start(shell_plan("sleep 60"));
    ASSERT_GT(running.pid, 0) << running.error.message();
    auto status = sys::read_file("/proc/" + std::to_string(running.pid) + "/status");
    stop(running);
    ASSERT_TRUE(status.ok());
    EXPECT_THAT(*status, HasSubstr("Uid:\t1879048192\t1879048192\t1879048192\t1879048192"));
    EXPECT_THAT(*status, HasSubstr("Gid:\t1879048192"));
    EXPECT_THAT(*status, HasSubstr("Groups:\t \n"));
}

TEST_F(LaunchTest, has_its_own_pid_host_name_and_environment) {
    auto ran = run(shell_plan("id -u; echo pid $$; hostname; pwd; echo $HOME"));
    ASSERT_TRUE(ran.executed) << ran.error.message();
    EXPECT_EQ(ran.out, "0\npid 1\nbox\n/\n/root\n");
    EXPECT_EQ(ran.exit_code, 0);
}

TEST_F(LaunchTest, times_every_step) {
    auto ran = run(shell_plan("true"));
    ASSERT_TRUE(ran.executed) << ran.error.message();
    std::vector<std::string> names;
    for (const auto& [name, ns] : ran.steps) names.push_back(name);
    EXPECT_THAT(names, testing::IsSupersetOf({"rootfs", "enter root", "mounts", "masks", "capabilities", "program"}));
}

TEST_F(LaunchTest, files_made_by_root_inside_belong_to_root_on_disk) {
    auto ran =
        run(shell_plan("touch /made; mkdir /folder; chown 1000:1000 /folder; touch /etc/passwd; chown 7 /etc/group"));
    ASSERT_EQ(ran.exit_code, 0) << ran.out << ran.error.message();
    auto made = sys::stat(path("container/upper/made"));
    ASSERT_TRUE(made.ok());
    EXPECT_EQ(made->st_uid, on_disk(0));
    EXPECT_EQ(made->st_gid, on_disk(0));
    EXPECT_EQ(sys::stat(path("container/upper/folder"))->st_uid, on_disk(1000));
    EXPECT_EQ(sys::stat(path("container/upper/etc/group"))->st_uid, on_disk(7));
    EXPECT_EQ(sys::stat(path("container/upper/etc/passwd"))->st_uid, on_disk(0));
    EXPECT_FALSE(sys::exists(path("lower/made")));
}

TEST_F(LaunchTest, overlay_works_by_paths_for_kernels_without_descriptors) {
    force_overlay_by(OverlayBy::paths);
    auto ran = run(shell_plan("touch /made && stat -c %u:%g /bin/busybox"));
    force_overlay_by(OverlayBy::automatic);
    ASSERT_TRUE(ran.executed) << ran.error.message();
    EXPECT_EQ(ran.out, "0:0\n");
    auto made = sys::stat(path("container/upper/made"));
    ASSERT_TRUE(made.ok());
    EXPECT_EQ(made->st_uid, on_disk(0));
}

TEST_F(LaunchTest, overlay_by_paths_takes_more_layers_than_their_paths_fit_a_page) {
    Plan plan = shell_plan("cat /layer0 /layer99");
    const std::string name(120, 'n');
    ASSERT_TRUE(sys::mkdir(path(name), 0755).ok());
    std::vector<std::string> layers;
    for (int i = 0; i < 100; ++i) {
        std::string folder = name + "/" + std::to_string(i);
        ASSERT_TRUE(sys::mkdir(path(folder), 0755).ok());
        write(folder + "/layer" + std::to_string(i), std::to_string(i) + ";");
        layers.push_back(path(folder));
    }
    layers.push_back(path("lower"));
    plan.rootfs.lower = layers;
    force_overlay_by(OverlayBy::paths);
    auto ran = run(plan);
    force_overlay_by(OverlayBy::automatic);
    EXPECT_EQ(ran.out, "0;99;") << ran.error.message();
}

TEST_F(LaunchTest, several_layers_hide_one_another_in_order) {
    ASSERT_TRUE(sys::mkdir(path("top"), 0755).ok());
    write("top/etc-version", "top");
    write("lower/etc-version", "bottom");
    Plan plan = shell_plan("cat /etc-version");
    plan.rootfs.lower = {path("top"), path("lower")};
    auto ran = run(plan);
    EXPECT_EQ(ran.out, "top") << ran.error.message();
}

// By paths, what one overlay lays over its layers must not be in the way of the next.
TEST_F(LaunchTest, an_image_is_mounted_by_its_layers) {
    ASSERT_TRUE(sys::mkdir(path("top"), 0755).ok());
    write("top/version", "top");
    write("lower/version", "bottom");
    Plan plan = shell_plan("cat /image/version && test -e /image/etc/group && ! test -e /one/etc/group && "
                           "stat -c %u:%g /image/version /one/version && ! touch /image/x 2>/dev/null");
    for (const char* target : {"/image", "/one"}) {
        MountPlan image;
        image.kind = MountPlan::Kind::bind;
        image.target = target;
        image.lower = {path("top"), path("lower")};
        image.attr_set = MOUNT_ATTR_RDONLY;
        image.idmap = plan.rootfs.idmap ? MountPlan::IdMap::container : MountPlan::IdMap::none;
        plan.mounts.push_back(image);
    }
    plan.mounts.back().lower.pop_back();
    const std::string owner = has_id_mapped_mounts() ? "0:0\n" : "65534:65534\n"; // of files that root made
    for (OverlayBy how : {OverlayBy::automatic, OverlayBy::paths}) {
        force_overlay_by(how);
        auto ran = run(plan);
        force_overlay_by(OverlayBy::automatic);
        ASSERT_TRUE(ran.executed) << ran.error.message();
        EXPECT_EQ(ran.out, "top" + owner + owner);
        EXPECT_EQ(ran.exit_code, 0);
    }
}

TEST_F(LaunchTest, a_plain_folder_is_a_root_too) {
    Plan plan = shell_plan("touch /made; stat -c %u /made");
    plan.rootfs = {};
    plan.rootfs.path = path("lower");
    plan.rootfs.idmap = has_id_mapped_mounts();
    auto ran = run(plan);
    ASSERT_TRUE(ran.executed) << ran.error.message();
    EXPECT_EQ(ran.out, "0\n");
    EXPECT_EQ(sys::stat(path("lower/made"))->st_uid, on_disk(0));
}

TEST_F(LaunchTest, without_id_mapped_mounts_a_root_that_needs_them_is_refused) {
    if (has_id_mapped_mounts()) GTEST_SKIP() << "they are there";
    Plan plan = shell_plan("true");
    plan.rootfs.idmap = true;
    auto ran = run(plan);
    EXPECT_FALSE(ran.executed);
    EXPECT_EQ(ran.error.kind(), ErrorKind::unsupported);
    EXPECT_THAT(ran.error.message(), HasSubstr("id-mapped mounts need mount_setattr (Linux 5.12)"));
}

TEST_F(LaunchTest, a_read_only_root_is_one) {
    Plan plan = shell_plan("touch /made; touch /dev/shm/made && echo shm");
    plan.rootfs.readonly = true;
    auto ran = run(plan);
    EXPECT_THAT(ran.out, HasSubstr("Read-only file system"));
    EXPECT_THAT(ran.out, HasSubstr("shm\n"));
}

TEST_F(LaunchTest, runs_in_the_hosts_user_namespace_when_told_to) {
    Plan plan = shell_plan("cat /proc/self/uid_map; touch /made; stat -c %u /made; ls -l /dev/null");
    use_host_users(plan);
    auto ran = run(plan);
    ASSERT_TRUE(ran.executed) << ran.error.message();
    EXPECT_THAT(ran.out, HasSubstr("4294967295"));
    EXPECT_THAT(ran.out, HasSubstr("crw-rw-rw-"));
}

TEST_F(LaunchTest, joins_namespaces_made_beforehand) {
    std::vector<kernel::IdMapping> map{{0, base_id, 65536}};
    auto pair = kernel::make_user_and_net_namespace(map, map);
    ASSERT_TRUE(pair.ok()) << pair.error().message();
    Plan plan = shell_plan("readlink /proc/self/ns/net; readlink /proc/self/ns/user; touch /made");
    plan.ns.user = {NamespaceUse::Mode::join, 0, ""};
    plan.ns.net = {NamespaceUse::Mode::join, 1, ""};
    auto ran = run(plan, std::array{pair->user.borrow(), pair->net.borrow()});
    ASSERT_TRUE(ran.executed) << ran.error.message();
    auto inode = [](const UniqueFd& fd) {
        struct stat info{};
        ::fstat(fd.get(), &info);
        return "[" + std::to_string(info.st_ino) + "]";
    };
    EXPECT_EQ(ran.out, "net:" + inode(pair->net) + "\nuser:" + inode(pair->user) + "\n");
    EXPECT_EQ(sys::stat(path("container/upper/made"))->st_uid, on_disk(0));
}

TEST_F(LaunchTest, setuid_programs_of_the_image_work) {
    write("lower/etc/passwd", "root::0:0:root:/root:/bin/sh\nworker:x:1000:1000::/home:/bin/sh\n");
    ::chmod(path("lower/bin/busybox").c_str(), 04755);
    Plan plan = shell_plan("id -u; su root -c 'id -u'");
    plan.process.user = "worker";
    auto ran = run(plan);
    EXPECT_EQ(ran.out, "1000\n0\n") << ran.error.message();
}

TEST_F(LaunchTest, has_the_usual_devices) {
    auto ran = run(shell_plan("for d in null zero full random urandom tty; do [ -c /dev/$d ] && echo $d; done;"
                              "stat -c %u /dev/null; echo x > /dev/null && readlink /dev/fd; readlink /dev/ptmx;"
                              "[ -d /dev/mqueue ] && [ -d /dev/pts ] && echo folders"));
    EXPECT_EQ(ran.out, "null\nzero\nfull\nrandom\nurandom\ntty\n0\n/proc/self/fd\npts/ptmx\nfolders\n")
        << ran.error.message();
}

TEST_F(LaunchTest, devices_appear_in_an_images_own_dev_folder) {
    Plan plan = shell_plan("echo x > /dev/null && [ -c /dev/zero ] && ls /dev | wc -l; [ -c /opt/null ] && echo opt");
    std::erase_if(plan.mounts, [](const MountPlan& m) { return m.target.starts_with("/dev"); });
    plan.devices.push_back({"/opt/null", 'c', 1, 3});
    auto ran = run(plan);
    EXPECT_EQ(ran.out, "6\nopt\n") << ran.error.message();
}

TEST_F(LaunchTest, masked_files_are_empty_and_read_only_ones_cant_be_written) {
    auto ran = run(shell_plan("wc -c < /proc/timer_list; wc -c < /proc/keys; ls /sys/firmware | wc -l;"
                              "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /sys/kernel/x"));
    EXPECT_THAT(ran.out, StartsWith("0\n0\n0\n"));
    EXPECT_THAT(ran.out, HasSubstr("ip_forward: Read-only file system"));
}

TEST_F(LaunchTest, settings_of_its_own_namespaces_are_written) {
    Plan plan = shell_plan("cat /proc/sys/net/ipv4/ip_unprivileged_port_start");
    plan.sysctls = {{"net.ipv4.ip_unprivileged_port_start", "0"}};
    EXPECT_EQ(run(plan).out, "0\n");
    plan.sysctls = {{"net.ipv4.no_such_thing", "0"}};
    auto ran = run(plan);
    EXPECT_FALSE(ran.executed);
    EXPECT_THAT(ran.error.message(), StartsWith("sysctl net.ipv4.no_such_thing=0: "));
}

TEST_F(LaunchTest, a_tmpfs_can_begin_with_what_the_image_has) {
    write("lower/etc/only", "here");
    ASSERT_EQ(::chown(path("lower/etc/only").c_str(), on_disk(0), on_disk(0)), 0);
    Plan plan = shell_plan("cat /etc/only; stat -c %u /etc/only; rm /etc/only");
    MountPlan tmpfs;
    tmpfs.fs_type = "tmpfs";
    tmpfs.target = "/etc";
    tmpfs.copy_up = true;
    plan.mounts.push_back(tmpfs);
    EXPECT_EQ(run(plan).out, "here0\n");
    EXPECT_TRUE(sys::exists(path("lower/etc/only")));
}

TEST_F(LaunchTest, a_tmpfs_has_the_mode_of_the_folder_that_it_hides) {
    ASSERT_TRUE(sys::mkdir(path("lower/closed"), 0711).ok());
    Plan plan = shell_plan("stat -c %a /closed /fresh /asked");
    for (const char* target : {"/closed", "/fresh", "/asked"}) {
        MountPlan tmpfs;
        tmpfs.fs_type = "tmpfs";
        tmpfs.target = target;
        plan.mounts.push_back(tmpfs);
    }
    ASSERT_TRUE(sys::mkdir(path("lower/asked"), 0711).ok());
    plan.mounts.back().data = "size=1m,mode=700";
    EXPECT_EQ(run(plan).out, "711\n1777\n700\n");
}

TEST_F(LaunchTest, nothing_of_the_host_is_left_in_its_mount_table) {
    // mountinfo: id parent device root mount-point ...
    Plan plan = shell_plan("while read id parent dev root point rest; do echo $point; done < /proc/self/mountinfo");
    plan.masked_paths = plan.readonly_paths = {};
    EXPECT_EQ(run(plan).out, "/\n/dev\n/proc\n/dev/pts\n/sys\n/dev/mqueue\n/dev/shm\n");
    EXPECT_THAT(run(shell_plan("ls -d /../../lower")).out, HasSubstr("No such file"));
}

TEST_F(LaunchTest, without_pivot_root_the_hosts_mounts_are_gone_too) {
    Plan plan = shell_plan("while read id parent dev root point rest; do echo $point; done < /proc/self/mountinfo");
    plan.rootfs.change = RootChange::move;
    plan.masked_paths = plan.readonly_paths = {};
    use_host_users(plan);
    auto ran = run(plan);
    EXPECT_EQ(ran.out, "/\n/dev\n/proc\n/dev/pts\n/sys\n/dev/mqueue\n/dev/shm\n") << ran.error.message();
}

TEST_F(LaunchTest, without_pivot_root_a_user_namespace_works_too) {
    Plan plan =
        shell_plan("ls -d /proc/1/root/lower /../lower; cat /proc/1/comm; mount -t tmpfs t /tmp || echo denied");
    plan.rootfs.change = RootChange::move;
    auto ran = run(plan);
    EXPECT_THAT(ran.out, testing::AllOf(HasSubstr("No such file"), HasSubstr("sh\n"), HasSubstr("denied")))
        << ran.error.message();
}

TEST_F(LaunchTest, without_pivot_root_mounts_below_folders_of_others_are_no_obstacle) {
    std::string folder = testing::TempDir() + "/hull-closed-" + std::to_string(::getpid());
    std::string inner = folder + "/mount";
    ASSERT_TRUE(sys::mkdir(folder, 0700).ok() && sys::mkdir(inner, 0755).ok());
    ASSERT_EQ(::mount("tmpfs", inner.c_str(), "tmpfs", 0, nullptr), 0);
    Plan plan = shell_plan("echo runs");
    plan.rootfs.change = RootChange::move;
    auto ran = run(plan);
    EXPECT_EQ(ran.out, "runs\n") << ran.error.message();
    EXPECT_EQ(::umount2(inner.c_str(), MNT_DETACH), 0);
    EXPECT_TRUE(sys::remove_tree(folder).ok());
}

TEST_F(LaunchTest, a_session_keyring_is_its_own_unless_told_otherwise) {
    constexpr int join_session_keyring = 1, set_permission = 5; // <linux/keyctl.h>
    constexpr unsigned possessor_only = 0x3f000000;
    const std::string name = "hull-" + random_hex(8);
    long keyring = ::syscall(SYS_keyctl, join_session_keyring, name.c_str());
    ASSERT_GT(keyring, 0);
    ASSERT_EQ(::syscall(SYS_keyctl, set_permission, keyring, possessor_only), 0);
    Plan plan = shell_plan("cat /proc/keys");
    plan.masked_paths = {};
    use_host_users(plan);
    EXPECT_THAT(run(plan).out, Not(HasSubstr(name)));
    plan.process.keyring = Keyring::inherited;
    EXPECT_THAT(run(plan).out, HasSubstr(name));
}

TEST_F(LaunchTest, loopback_of_a_new_network_is_up) {
    auto ran = run(shell_plan("cat /sys/class/net/lo/flags"));
    EXPECT_EQ(ran.out, "0x9\n");
}

// ---- links in the image (R3) -------------------------------------------------

TEST_F(LaunchTest, R3_a_link_instead_of_proc_is_refused) {
    ASSERT_EQ(::rmdir(path("lower/proc").c_str()), 0);
    ASSERT_TRUE(sys::mkdir(path("lower/elsewhere"), 0755).ok());
    ASSERT_EQ(::symlink("elsewhere", path("lower/proc").c_str()), 0);
    auto ran = run(shell_plan("true"));
    EXPECT_FALSE(ran.executed);
    EXPECT_EQ(ran.error.message(), "mount /proc: filesystem \"proc\" must be mounted on ordinary directory");
}

TEST_F(LaunchTest, R3_a_mount_target_that_leads_out_ends_inside) {
    ASSERT_TRUE(sys::mkdir(path("canary"), 0755).ok());
    ASSERT_TRUE(sys::mkdir(path("source"), 0755).ok());
    write("source/file", "data");
    ASSERT_EQ(::symlink(("../../../.." + path("canary")).c_str(), path("lower/out").c_str()), 0);
    ASSERT_EQ(::symlink("/tmp/hull-r3-dangling", path("lower/dangling").c_str()), 0);
    Plan plan = shell_plan("cat /out/file /dangling/file " + path("canary") + "/file");
    for (const char* target : {"/out", "/dangling"}) {
        MountPlan bind;
        bind.kind = MountPlan::Kind::bind;
        bind.source = path("source");
        bind.target = target;
        if (has_id_mapped_mounts()) bind.idmap = MountPlan::IdMap::container;
        plan.mounts.push_back(bind);
    }
    auto ran = run(plan);
    ASSERT_TRUE(ran.executed) << ran.error.message();
    EXPECT_EQ(ran.out, "datadatadata");
    EXPECT_TRUE(sys::list_dir(path("canary"))->empty());
    EXPECT_FALSE(sys::exists("/tmp/hull-r3-dangling"));
}

TEST_F(LaunchTest, R3_a_link_into_proc_is_no_mount_target) {
    ASSERT_EQ(::symlink("/proc/self", path("lower/volume").c_str()), 0);
    ASSERT_TRUE(sys::mkdir(path("source"), 0755).ok());
    Plan plan = shell_plan("true");
    MountPlan bind;
    bind.kind = MountPlan::Kind::bind;
    bind.source = path("source");
    bind.target = "/volume";
    plan.mounts.push_back(bind);
    auto ran = run(plan);
    EXPECT_FALSE(ran.executed);
    EXPECT_THAT(ran.error.message(), HasSubstr("\"/volume\" cannot be mounted because it is inside /proc"));
}

// ---- what a program finds (R2, R9) -------------------------------------------

TEST_F(LaunchTest, R2_only_the_standard_streams_are_open) {
    auto ran = run(shell_plan("ls /proc/$$/fd; true"));
    EXPECT_EQ(ran.out, "0\n1\n2\n") << ran.error.message();
}

TEST_F(LaunchTest, R2_a_working_folder_by_descriptor_is_refused) {
    for (int fd = 3; fd < 16; ++fd) {
        Plan plan = shell_plan("pwd");
        plan.process.cwd = "/proc/self/fd/" + std::to_string(fd);
        auto ran = run(plan);
        EXPECT_FALSE(ran.executed) << fd << ran.out;
    }
    Plan plan = shell_plan("pwd");
    plan.process.cwd = "/home/new/folder";
    EXPECT_EQ(run(plan).out, "/home/new/folder\n");
}

TEST_F(LaunchTest, R9_capabilities_are_those_asked_for_and_none_is_inheritable) {
    auto ran = run(shell_plan("grep -E '^(Cap|NoNewPrivs)' /proc/self/status"));
    EXPECT_EQ(ran.out, "CapInh:\t0000000000000000\nCapPrm:\t00000000a80425fb\nCapEff:\t00000000a80425fb\n"
                       "CapBnd:\t00000000a80425fb\nCapAmb:\t0000000000000000\nNoNewPrivs:\t0\n");
    Plan plan = shell_plan("grep -E '^(CapInh|CapPrm|CapBnd|CapAmb|NoNewPrivs)' /proc/self/status");
    plan.process.user = "worker";
    plan.process.no_new_privileges = true;
    plan.process.caps.permitted = plan.process.caps.effective = 0;
    EXPECT_EQ(run(plan).out, "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapBnd:\t00000000a80425fb\n"
                             "CapAmb:\t0000000000000000\nNoNewPrivs:\t1\n");
}

TEST_F(LaunchTest, ambient_capabilities_reach_a_user) {
    Plan plan = shell_plan("grep CapEff /proc/self/status");
    plan.process.user = "worker";
    auto& caps = plan.process.caps;
    caps.permitted = caps.effective = caps.inheritable = caps.ambient = 1 << 10; // NET_BIND_SERVICE
    EXPECT_EQ(run(plan).out, "CapEff:\t0000000000000400\n");
}

TEST_F(LaunchTest, R11_mounting_is_denied) {
    auto ran = run(shell_plan("mount -t tmpfs none /tmp; mount -t cgroup -o memory none /tmp"));
    EXPECT_THAT(ran.out, HasSubstr("denied"));
    EXPECT_NE(ran.exit_code, 0);
}

TEST_F(LaunchTest, R1_a_process_on_its_way_in_shows_nothing_of_itself) {
    // The gate holds it where all is set up but the program doesn't run yet.
    auto listener = sys::listen_unix(path("gate"), sys::SocketType::seqpacket, 0600);
    ASSERT_TRUE(listener.ok());
    Plan plan = shell_plan("true");
    plan.gate = Gate::socket;
    LaunchFds stdio;
    stdio.gate = *listener;
    auto running = follow(launch(plan, {}, stdio));
    ASSERT_TRUE(running.at_gate) << running.error.message();
    // Not dumpable: its /proc entries belong to the host's root alone.
    auto info = sys::stat("/proc/" + std::to_string(running.pid) + "/exe");
    auto entry = sys::stat("/proc/" + std::to_string(running.pid) + "/maps");
    stop(running);
    ASSERT_TRUE(info.ok() && entry.ok());
    EXPECT_EQ(entry->st_uid, 0U);
}

TEST_F(LaunchTest, a_seccomp_filter_is_loaded_for_users_and_root) {
    model::oci::Seccomp profile;
    profile.default_action = "SCMP_ACT_ALLOW";
    model::oci::SeccompSyscall denied;
    denied.names = {"mkdir", "mkdirat"};
    denied.action = "SCMP_ACT_ERRNO";
    profile.syscalls = {denied};
    auto filter = kernel::seccomp::compile(profile);
    ASSERT_TRUE(filter.ok()) << filter.error().message();
    Plan plan = shell_plan("mkdir /tmp/x; grep -E '^(Seccomp|CapEff|CapPrm):' /proc/self/status");
    plan.process.seccomp = filter->program;
    plan.process.seccomp_flags = filter->flags;
    EXPECT_EQ(run(plan).out, "mkdir: can't create directory '/tmp/x': Operation not permitted\n"
                             "CapPrm:\t00000000a80425fb\nCapEff:\t00000000a80425fb\nSeccomp:\t2\n");
    plan.process.user = "worker";
    plan.process.caps.permitted = plan.process.caps.effective = 0;
    for (bool no_new_privileges : {false, true}) {
        plan.process.no_new_privileges = no_new_privileges;
        EXPECT_EQ(run(plan).out, "mkdir: can't create directory '/tmp/x': Operation not permitted\n"
                                 "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nSeccomp:\t2\n");
    }
    plan.process.seccomp = "nonsense"; // a filter that can't be loaded fails the start
    EXPECT_FALSE(run(plan).executed);
}

// ---- users -------------------------------------------------------------------

TEST_F(LaunchTest, finds_users_and_groups_in_the_images_own_files) {
    Plan plan = shell_plan("id; echo $HOME; echo x > /dev/stdout");
    plan.process.user = "worker";
    auto ran = run(plan);
    EXPECT_EQ(ran.out, "uid=1000(worker) gid=1000(worker) groups=29(audio),44(video),1000(worker)\n/home/worker\nx\n");
    plan.process.user = "1000:0";
    plan.process.additional_groups = {"video", "77"};
    EXPECT_THAT(run(plan).out, StartsWith("uid=1000(worker) gid=0(root) groups=0(root),44(video),77\n"));
}

TEST_F(LaunchTest, R10_odd_users_are_errors) {
    for (const char* user : {"2147483648", "4294967296", "-1", "0x0", "nobody-here", "0:-1", "0:0x0"}) {
        Plan plan = shell_plan("id");
        plan.process.user = user;
        auto ran = run(plan);
        EXPECT_FALSE(ran.executed) << user << ran.out;
    }
    Plan plan = shell_plan("id");
    plan.process.user = "nobody-here";
    EXPECT_EQ(run(plan).error.message(), "unable to find user nobody-here: no matching entries in passwd file");
    plan.process.user = "70000";
    EXPECT_THAT(run(plan).error.message(), HasSubstr("user 70000 is outside of the container's user namespace"));
}

TEST_F(LaunchTest, an_account_file_that_is_no_file_is_an_error) {
    ASSERT_EQ(::unlink(path("lower/etc/passwd").c_str()), 0);
    ASSERT_EQ(::mkfifo(path("lower/etc/passwd").c_str(), 0644), 0);
    auto ran = run(shell_plan("true"));
    EXPECT_FALSE(ran.executed);
    EXPECT_EQ(ran.error.message(), "/etc/passwd is not a regular file");
}

// ---- limits ------------------------------------------------------------------

TEST_F(LaunchTest, limits_are_set) {
    Plan plan = shell_plan("ulimit -n; ulimit -Hn");
    plan.process.rlimits = {{RLIMIT_NOFILE, 512, 1024}};
    EXPECT_EQ(run(plan).out, "512\n1024\n");
}

TEST_F(LaunchTest, a_limit_above_what_the_host_allows_is_a_clear_error) {
    struct rlimit now{};
    ::getrlimit(RLIMIT_NOFILE, &now);
    Plan plan = shell_plan("true");
    plan.process.rlimits = {{RLIMIT_NOFILE, 512, 4'000'000'000}}; // beyond fs.nr_open in any case
    auto ran = run(plan);
    EXPECT_FALSE(ran.executed);
    EXPECT_THAT(ran.error.message(),
                StartsWith("ulimit nofile: the hard limit 4000000000 is above the " + std::to_string(now.rlim_max)));
}

// ---- programs ----------------------------------------------------------------

TEST_F(LaunchTest, says_as_docker_does_why_a_program_cant_be_run) {
    write("lower/etc/script", "#!/no/such/interpreter\n", 0755);
    write("lower/etc/nonsense", "nonsense", 0755);
    struct Case {
        const char* program;
        const char* message;
        ErrorKind kind;
    };
    for (const Case& c : {
             Case{"foo", "exec: \"foo\": executable file not found in $PATH", ErrorKind::no_such_program},
             Case{"/foo", "exec: \"/foo\": stat /foo: no such file or directory", ErrorKind::no_such_program},
             Case{"/etc", "exec: \"/etc\": is a directory", ErrorKind::not_executable},
             Case{"/etc/passwd", "exec: \"/etc/passwd\": permission denied", ErrorKind::not_executable},
             Case{"/etc/script", "exec /etc/script: no such file or directory", ErrorKind::no_such_program},
             Case{"/etc/nonsense", "exec /etc/nonsense: exec format error", ErrorKind::not_executable},
         }) {
        Plan plan = shell_plan("");
        plan.process.args = {c.program};
        auto ran = run(plan);
        EXPECT_FALSE(ran.executed);
        EXPECT_EQ(ran.error.message(), c.message);
        EXPECT_EQ(ran.error.kind(), c.kind) << c.program;
    }
}

TEST_F(LaunchTest, signals_and_exit_codes_come_through) {
    EXPECT_EQ(run(shell_plan("exit 3")).exit_code, 3);
    EXPECT_EQ(run(shell_plan("kill -TERM $$; exit 5")).exit_code, 5); // process 1 has no default action
    Plan plan = shell_plan("");
    plan.process.args = {"grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"};
    auto ran = run(plan);
    EXPECT_EQ(ran.out, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_F(LaunchTest, a_terminal_is_its_consoles_too) {
    Plan plan = shell_plan("tty; stty size; [ -c /dev/console ] && echo console; exit 7");
    plan.process.terminal = true;
    plan.process.rows = 24;
    plan.process.columns = 80;
    auto running = start(plan);
    ASSERT_GT(running.pid, 0) << running.error.message();
    ASSERT_TRUE(running.terminal);
    running.out = std::move(running.terminal);
    auto ran = finish(std::move(running));
    EXPECT_EQ(ran.out, "/dev/pts/0\r\n24 80\r\nconsole\r\n");
    EXPECT_EQ(ran.exit_code, 7);
}

TEST_F(LaunchTest, failure_leaves_no_mount_behind) {
    auto before = sys::read_file("/proc/self/mountinfo");
    Plan plan = shell_plan("true");
    plan.process.args = {"no-such-program"};
    EXPECT_FALSE(run(plan).executed);
    plan.mounts.push_back({});
    plan.mounts.back().kind = MountPlan::Kind::bind;
    plan.mounts.back().source = "/no/such/source";
    plan.mounts.back().target = "/mnt";
    auto ran = run(plan);
    EXPECT_EQ(ran.error.message(), "mount /mnt: open /no/such/source: No such file or directory");
    EXPECT_EQ(ran.error.kind(), ErrorKind::not_found);
    EXPECT_EQ(*before, *sys::read_file("/proc/self/mountinfo"));
}

TEST_F(LaunchTest, hooks_run_where_they_should) {
    ASSERT_TRUE(sys::mkdir(path("hooks"), 0755).ok());
    ASSERT_EQ(::chmod(path("hooks").c_str(), 0777), 0); // they run as root inside, a nobody here
    write("hook", "#!/bin/sh\ncat > " + path("hooks/state") + "\n", 0755);
    write("lower/bin/hook2", "#!/bin/sh\ncat > /state2\n", 0755);
    Plan plan = shell_plan("cat /state2");
    plan.stop_for_hooks = true;
    plan.create_container_hooks = {{path("hook"), {}, {"PATH=/bin"}, 10}};
    plan.start_container_hooks = {{"/bin/hook2", {}, {"PATH=/bin"}, 10}};
    auto ran = run(plan);
    EXPECT_EQ(ran.out, "{\"status\":\"created\",\"pid\":1,\"id\":\"x\"}") << ran.error.message();
    EXPECT_EQ(*sys::read_file(path("hooks/state")), "{\"status\":\"creating\",\"pid\":1,\"id\":\"x\"}");
    plan.create_container_hooks = {{"/bin/false", {}, {}, 10}};
    EXPECT_EQ(run(plan).error.message(), "error running createContainer hook #0: /bin/false: exit status 1");
    plan.create_container_hooks = {{"/bin/sleep", {"sleep", "60"}, {}, 1}};
    EXPECT_EQ(run(plan).error.message(), "error running createContainer hook #0: /bin/sleep: it took too long");
}

} // namespace
} // namespace hull::runtime
