#include "runtime/compile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "sys/mount.h"

namespace hull::runtime {
namespace {

using model::oci::Spec;
using testing::Eq;
using testing::HasSubstr;
using testing::StartsWith;

Spec small_spec() {
    Spec spec;
    spec.root = model::oci::Root{"/root/fs", false};
    spec.process.emplace();
    spec.process->args = {"true"};
    spec.process->cwd = "/";
    spec.linux_.emplace();
    for (const char* type : {"pid", "mount", "network", "ipc", "uts", "user"})
        spec.linux_->namespaces.push_back({type, ""});
    spec.linux_->uid_mappings = spec.linux_->gid_mappings = {{0, 100000, 65536}};
    return spec;
}

std::string error_of(const Spec& spec, const CompileOptions& options = {}) {
    auto plan = compile(spec, options);
    return plan.ok() ? "no error" : plan.error().message();
}

TEST(Compile, a_small_spec_has_default_devices_and_new_namespaces) {
    auto plan = compile(small_spec(), {});
    ASSERT_TRUE(plan.ok()) << plan.error().message();
    EXPECT_EQ(plan->devices.size(), 6U);
    EXPECT_EQ(plan->ns.user.mode, NamespaceUse::Mode::fresh);
    EXPECT_EQ(plan->ns.cgroup.mode, NamespaceUse::Mode::host);
    EXPECT_EQ(plan->uid_map, (std::vector<IdRange>{{0, 100000, 65536}}));
    EXPECT_EQ(plan->rootfs.path, "/root/fs");
    EXPECT_FALSE(plan->rootfs.idmap);
}

TEST(Compile, users_and_groups_by_name_are_left_to_the_containers_files) {
    Spec spec = small_spec();
    spec.process->user.username = "worker";
    spec.process->user.additional_groups = {"audio"};
    spec.process->user.additional_gids = {5};
    auto plan = compile(spec, {});
    ASSERT_TRUE(plan.ok());
    EXPECT_EQ(plan->process.user, "worker");
    EXPECT_EQ(plan->process.additional_groups, std::vector<std::string>{"audio"});
    EXPECT_EQ(plan->process.additional_gids, std::vector<uint32_t>{5});
}

TEST(Compile, the_last_value_of_a_variable_counts) {
    Spec spec = small_spec();
    spec.process->env = {"A=1", "B=2", "A=3", "A1=4"};
    auto plan = compile(spec, {});
    ASSERT_TRUE(plan.ok());
    EXPECT_EQ(plan->process.env, (std::vector<std::string>{"B=2", "A=3", "A1=4"}));
}

TEST(Compile, given_namespaces_take_the_place_of_new_ones) {
    CompileOptions options;
    options.user_ns = 1;
    options.net_ns = 2;
    auto plan = compile(small_spec(), options);
    ASSERT_TRUE(plan.ok());
    EXPECT_EQ(plan->ns.user.mode, NamespaceUse::Mode::join);
    EXPECT_EQ(plan->ns.net.fd, 2);
    EXPECT_EQ(plan->ns.ipc.mode, NamespaceUse::Mode::fresh);
}

TEST(Compile, bind_mounts_are_mapped_where_the_engine_wants_it) {
    Spec spec = small_spec();
    spec.mounts.push_back({"/data//x/", "bind", "/host", {"rbind", "ro", "rslave", "nosuid"}, {}, {}});
    CompileOptions options;
    options.idmap_by_default = true;
    auto plan = compile(spec, options);
    ASSERT_TRUE(plan.ok());
    const MountPlan& mount = plan->mounts.front();
    EXPECT_EQ(mount.kind, MountPlan::Kind::bind);
    EXPECT_EQ(mount.target, "/data/x");
    EXPECT_TRUE(mount.recursive);
    EXPECT_EQ(mount.attr_set, uint64_t{MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID});
    EXPECT_EQ(mount.propagation, uint64_t{MS_SLAVE | MS_REC});
    EXPECT_EQ(mount.idmap, MountPlan::IdMap::container);
    EXPECT_EQ(compile(spec, {})->mounts.front().idmap, MountPlan::IdMap::none);
}

TEST(Compile, relative_paths_start_in_the_bundle) {
    Spec spec = small_spec();
    spec.root->path = "rootfs";
    EXPECT_EQ(error_of(spec), "root.path: \"rootfs\": is not an absolute path");
    CompileOptions options;
    options.bundle = "/bundle";
    EXPECT_EQ(compile(spec, options)->rootfs.path, "/bundle/rootfs");
}

TEST(Compile, R3_nothing_may_cover_proc_but_the_files_that_may) {
    Spec spec = small_spec();
    spec.mounts.push_back({"/proc/./sys/../cpuinfo", "bind", "/x", {"bind"}, {}, {}});
    EXPECT_EQ(error_of(spec), "no error");
    for (const char* target : {"/proc/sys", "/proc/self/attr", "//proc/1", "/foo/../proc/kcore"}) {
        spec.mounts.back().destination = target;
        EXPECT_THAT(error_of(spec), HasSubstr("cannot be mounted because it is inside /proc")) << target;
    }
    spec.mounts.back().destination = "/";
    EXPECT_THAT(error_of(spec), StartsWith("mounts[0].destination: \"/\": nothing can be mounted on /"));
}

TEST(Compile, R7_only_settings_of_its_own_namespaces_are_allowed) {
    Spec spec = small_spec();
    auto error_for = [&](const std::string& name) {
        spec.linux_->sysctl = {{name, "1"}};
        return error_of(spec);
    };
    for (const char* name : {"net.ipv4.ip_forward", "net/ipv4/conf/eth0.1/forwarding", "kernel.shmmax", "kernel.msgmax",
                             "fs.mqueue.msg_max", "kernel.domainname"})
        EXPECT_EQ(error_for(name), "no error") << name;
    for (const char* name : {"kernel.core_pattern", "vm.swappiness", "kernel/core_pattern", "net", "",
                             "net.ipv4/../../kernel.core_pattern", "net/../kernel/core_pattern", "net..x", "/net/x"})
        EXPECT_NE(error_for(name), "no error") << name;
    std::erase_if(spec.linux_->namespaces, [](const auto& ns) { return ns.type == "network"; });
    EXPECT_THAT(error_for("net.ipv4.ip_forward"), HasSubstr("host's network namespace"));
}

TEST(Compile, what_cant_be_honoured_is_an_error) {
    Spec spec = small_spec();
    spec.process->apparmor_profile = "docker-default";
    EXPECT_THAT(error_of(spec), StartsWith("process.apparmorProfile: \"docker-default\": can't be applied"));
    spec = small_spec();
    spec.linux_->mount_label = "system_u:object_r:svirt_sandbox_file_t:s0";
    EXPECT_THAT(error_of(spec), HasSubstr("SELinux is not enabled"));
    spec = small_spec();
    spec.hooks.emplace();
    spec.hooks->poststop = {{"relative", {}, {}, {}}};
    EXPECT_EQ(error_of(spec), "hooks.poststop[0].path: \"relative\": is not absolute");
    spec.hooks->poststop = {{"/x", {}, {}, 0}};
    EXPECT_EQ(error_of(spec), "hooks.poststop[0].timeout: 0: is not above zero");
    spec = small_spec();
    spec.process->capabilities.emplace();
    spec.process->capabilities->bounding = {"CAP_NONSENSE"};
    EXPECT_EQ(error_of(spec), "process.capabilities.bounding[0]: \"CAP_NONSENSE\": unknown capability");
    spec = small_spec();
    spec.process->rlimits = {{"RLIMIT_NOFILE", 10, 20}};
    EXPECT_THAT(error_of(spec), StartsWith("process.rlimits[0].soft: 20: RLIMIT_NOFILE: the soft limit (20)"));
    spec = small_spec();
    spec.process->user.uid = 4294967295U;
    EXPECT_THAT(error_of(spec), StartsWith("process.user.uid: 4294967295: uids and gids must be in range"));
    spec = small_spec();
    spec.mounts.push_back({"/x", "bind", "/y", {"bind", "nonsense"}, {}, {}});
    EXPECT_THAT(error_of(spec),
                Eq("mounts[0].options[1]: \"nonsense\": unknown option of a bind mount (the mount on /x)"));
    spec = small_spec();
    spec.process->terminal = true;
    EXPECT_THAT(error_of(spec), HasSubstr("a terminal needs a devpts mount"));
}

TEST(Compile, errors_name_the_field_by_its_path) {
    using Change = void (*)(Spec&);
    const std::pair<const char*, Change> wrong[] = {
        {"linux.namespaces[6].type: \"user\": is given twice",
         [](Spec& s) { s.linux_->namespaces.push_back({"user", ""}); }},
        {"linux.namespaces[0].path: \"x\": is not absolute", [](Spec& s) { s.linux_->namespaces[0].path = "x"; }},
        {"linux.uidMappings: id map: the range \"0 5 0\" has no ids",
         [](Spec& s) { s.linux_->uid_mappings = {{0, 5, 0}}; }},
        {"linux.readonlyPaths[1]: \"x\": is not absolute", [](Spec& s) { s.linux_->readonly_paths = {"/x", "x"}; }},
        {"linux.sysctl.vm.x: sysctl \"vm.x\" is not in a separate kernel namespace",
         [](Spec& s) { s.linux_->sysctl = {{"vm.x", "1"}}; }},
        {"linux.devices[0].major: 4096: is not within 0 to 4095",
         [](Spec& s) {
             s.linux_->devices.resize(1);
             s.linux_->devices[0].path = "/dev/x";
             s.linux_->devices[0].type = "c";
             s.linux_->devices[0].major = 4096;
         }},
        {"linux.personality.domain: \"BSD\": is neither LINUX nor LINUX32",
         [](Spec& s) { s.linux_->personality = {"BSD", {}}; }},
        {"process.args: no command specified", [](Spec& s) { s.process->args.clear(); }},
        {"process.env[1]: \"=x\": is not NAME=value", [](Spec& s) { s.process->env = {"A=b", "=x"}; }},
        {"process.user.additionalGids[0]: 4294967295: uids and gids must be in range 0-2147483647",
         [](Spec& s) { s.process->user.additional_gids = {4294967295U}; }},
        {"process.capabilities.effective[1]: \"CAP_KILL\": effective capabilities must be permitted ones",
         [](Spec& s) {
             s.process->capabilities.emplace();
             s.process->capabilities->permitted = {"CAP_CHOWN"};
             s.process->capabilities->effective = {"CAP_CHOWN", "CAP_KILL"};
         }},
        {"mounts[0].destination: is missing or empty",
         [](Spec& s) { s.mounts.push_back({"", "tmpfs", "", {}, {}, {}}); }},
    };
    for (const auto& [error, change] : wrong) {
        Spec spec = small_spec();
        change(spec);
        EXPECT_EQ(error_of(spec), error);
    }
}

TEST(Compile, a_bound_dev_has_its_own_nodes) {
    Spec spec = small_spec();
    spec.mounts.push_back({"/dev", "bind", "/dev", {"rbind"}, {}, {}});
    auto plan = compile(spec, {});
    ASSERT_TRUE(plan.ok());
    EXPECT_TRUE(plan->devices.empty());
}

TEST(Compile, a_tmpfs_on_dev_gets_the_nodes) {
    Spec spec = small_spec();
    spec.mounts.push_back({"/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}, {}, {}});
    spec.linux_->devices.push_back({"/dev/null", "c", 1, 3, 0600, 5, 6});
    auto plan = compile(spec, {});
    ASSERT_TRUE(plan.ok());
    EXPECT_EQ(plan->mounts.front().kind, MountPlan::Kind::dev);
    EXPECT_EQ(plan->mounts.front().data, "mode=755,size=65536k");
    EXPECT_EQ(plan->devices.size(), 6U);
    EXPECT_EQ(plan->devices.back().mode, 0600U);
}

// As `docker run --privileged` lists every device of the host.
TEST(Compile, ptmx_stays_a_link) {
    Spec spec = small_spec();
    model::oci::Device ptmx;
    ptmx.path = "/dev/ptmx";
    ptmx.type = "c";
    ptmx.major = 5;
    ptmx.minor = 2;
    spec.linux_->devices.push_back(ptmx);
    auto plan = compile(spec, {});
    ASSERT_TRUE(plan.ok());
    EXPECT_EQ(plan->devices.size(), 6U);
}

TEST(Compile, an_exec_takes_the_containers_filter_and_users) {
    auto container = compile(small_spec(), {});
    ASSERT_TRUE(container.ok());
    container->process.seccomp = "filter";
    model::oci::Process process;
    process.args = {"id"};
    auto plan = compile_exec(process, *container);
    ASSERT_TRUE(plan.ok());
    EXPECT_EQ(plan->process.seccomp, "filter");
    EXPECT_EQ(plan->process.cwd, "/");
    EXPECT_EQ(plan->uid_map, container->uid_map);
}

} // namespace
} // namespace hull::runtime
