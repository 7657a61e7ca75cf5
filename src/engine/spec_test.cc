#include <fstream>
#include <functional>
#include <set>

#include "engine/spec_builder.h"
#include "engine/test_engine.h"

namespace hull::engine {
namespace {

using test::EngineTest;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
namespace oci = model::oci;

// From a create request to the spec that the runtime gets.
class SpecTest : public EngineTest {
protected:
    oci::Spec spec_of(model::CreateRequest asked) {
        id_ = run("", std::move(asked));
        return runtime_.last(id_).spec;
    }
    static const oci::Mount* mount_at(const oci::Spec& spec, const std::string& path) {
        for (const oci::Mount& mount : spec.mounts)
            if (mount.destination == path) return &mount;
        return nullptr;
    }
    static std::string namespace_path(const oci::Spec& spec, const std::string& type) {
        for (const oci::Namespace& one : spec.linux_->namespaces)
            if (one.type == type) return one.path.empty() ? "new" : one.path;
        return "host";
    }
    Error refused(model::CreateRequest asked) {
        auto created = containers_->create(std::move(asked), {});
        EXPECT_FALSE(created.ok());
        return created.ok() ? Error(ErrorKind::internal, "it was taken") : created.error();
    }
    std::string start_error(model::CreateRequest asked) {
        auto started = containers_->start(create("", std::move(asked)).str());
        return started.ok() ? "it was started" : started.error().message();
    }
    ContainerId id_;
};

TEST_F(SpecTest, DefaultsAreDockersWithAUserNamespace) {
    oci::Spec spec = spec_of(request());
    EXPECT_THAT(spec.process->args, ElementsAre("sh"));
    EXPECT_THAT(spec.process->env, ElementsAre("PATH=/bin", "HOSTNAME=" + id_.str().substr(0, 12), "IMAGE=1"));
    EXPECT_EQ(spec.process->cwd, "/");
    EXPECT_EQ(spec.process->capabilities->bounding.size(), 14U);
    EXPECT_THAT(spec.process->capabilities->inheritable, IsEmpty());
    EXPECT_THAT(spec.process->capabilities->ambient, IsEmpty());
    for (const char* type : {"user", "mount", "network", "uts", "pid", "ipc", "cgroup"})
        EXPECT_EQ(namespace_path(spec, type), "new") << type;
    ASSERT_EQ(spec.linux_->uid_mappings.size(), 1U);
    EXPECT_EQ(spec.linux_->uid_mappings[0].host_id, 0x70000000U);
    EXPECT_EQ(spec.linux_->resources->pids_limit, 2048);
    EXPECT_TRUE(spec.linux_->seccomp);
    EXPECT_THAT(spec.linux_->masked_paths, Contains("/proc/kcore"));
    EXPECT_EQ(spec.linux_->cgroups_path, "/hull/" + id_.str());
    for (const char* path : {"/proc", "/dev", "/dev/pts", "/sys", "/sys/fs/cgroup", "/dev/mqueue", "/dev/shm",
                             "/etc/resolv.conf", "/etc/hosts", "/etc/hostname"})
        EXPECT_TRUE(mount_at(spec, path)) << path;
    EXPECT_TRUE(runtime_.last(id_).had_sandbox);
}

TEST_F(SpecTest, CommandAndEntryPointMergeAsDockerMergesThem) {
    auto asked = request();
    asked.config.entrypoint = model::StringList{"/entry"};
    EXPECT_THAT(spec_of(asked).process->args, ElementsAre("/entry")); // the image's command is dropped
    asked.config.cmd = model::StringList{"a", "b"};
    EXPECT_THAT(spec_of(asked).process->args, ElementsAre("/entry", "a", "b"));
    asked.config.entrypoint = model::StringList{};
    EXPECT_THAT(spec_of(asked).process->args, ElementsAre("a", "b"));
    asked.config.entrypoint = model::StringList{""};
    EXPECT_THAT(spec_of(asked).process->args, ElementsAre("a", "b"));
    asked.config.cmd = model::StringList{};
    EXPECT_EQ(refused(asked).message(), "no command specified");
}

TEST_F(SpecTest, SystemdGetsWhatItNeeds) {
    auto asked = request();
    asked.config.cmd = model::StringList{"/sbin/init"};
    oci::Spec spec = spec_of(asked);
    EXPECT_THAT(mount_at(spec, "/sys/fs/cgroup")->options, Contains("rw"));
    ASSERT_TRUE(mount_at(spec, "/run") && mount_at(spec, "/run/lock"));
    EXPECT_EQ(mount_at(spec, "/run")->type, "tmpfs");
    EXPECT_THAT(spec.process->env, Contains("container=docker"));
    EXPECT_EQ(inspect(id_).config.stop_signal, "SIGRTMIN+3");

    asked.config.stop_signal = "SIGINT";
    asked.config.env = {"container=mine"};
    asked.host_config.security_opt = {"writable-cgroups=false"};
    asked.host_config.tmpfs = {{"/run", "size=1m"}};
    spec = spec_of(asked);
    EXPECT_THAT(mount_at(spec, "/sys/fs/cgroup")->options, Contains("ro"));
    EXPECT_THAT(mount_at(spec, "/run")->options, Contains("size=1m"));
    EXPECT_THAT(spec.process->env, Contains("container=mine"));
    EXPECT_EQ(inspect(id_).config.stop_signal, "SIGINT");
}

TEST_F(SpecTest, OtherProgramsDontWriteCgroupsUnlessAskedTo) {
    auto asked = request();
    asked.config.cmd = model::StringList{"/usr/bin/initialise"};
    oci::Spec spec = spec_of(asked);
    EXPECT_THAT(mount_at(spec, "/sys/fs/cgroup")->options, Contains("ro"));
    EXPECT_FALSE(mount_at(spec, "/run"));
    EXPECT_THAT(spec.process->env, Not(Contains("container=docker")));
    asked.host_config.security_opt = {"writable-cgroups=true"};
    EXPECT_THAT(mount_at(spec_of(asked), "/sys/fs/cgroup")->options, Contains("rw"));
    asked.host_config.userns_mode = "host"; // cgroup v1: nothing would keep it from lifting its limits
    ContainerId id = create("", asked);
    EXPECT_EQ(containers_->start(id.str()).error().kind(), ErrorKind::unsupported);
}

// Who shares the host's users would own its own limits.
TEST_F(SpecTest, SystemdWithTheHostsUsersDoesntWriteCgroups) {
    auto asked = request();
    asked.config.cmd = model::StringList{"/sbin/init"};
    asked.host_config.userns_mode = "host";
    EXPECT_THAT(mount_at(spec_of(asked), "/sys/fs/cgroup")->options, Contains("ro"));
}

TEST_F(SpecTest, HostNamespacesAndPrivilegedMeanTheHostsUsers) {
    for (auto change : std::vector<std::function<void(model::HostConfig&)>>{
             [](auto& host) { host.userns_mode = "host"; }, [](auto& host) { host.privileged = true; },
             [](auto& host) { host.network_mode = "host"; }, [](auto& host) { host.pid_mode = "host"; },
             [](auto& host) { host.ipc_mode = "host"; }}) {
        host_.files["/proc/sys/kernel/hostname"] = std::make_shared<test::FakeHost::File>("machine\n");
        auto asked = request();
        change(asked.host_config);
        oci::Spec spec = spec_of(asked);
        EXPECT_EQ(namespace_path(spec, "user"), "host");
        EXPECT_THAT(spec.linux_->uid_mappings, IsEmpty());
    }
}

TEST_F(SpecTest, JoiningAContainerJoinsItsUserNamespaceToo) {
    run("donor");
    auto asked = request();
    asked.host_config.network_mode = "container:donor";
    asked.host_config.pid_mode = "container:donor";
    oci::Spec spec = spec_of(asked);
    std::string pid = std::to_string(MUST(containers_->inspect("donor", false)).state.pid);
    EXPECT_EQ(namespace_path(spec, "user"), "/proc/" + pid + "/ns/user");
    EXPECT_EQ(namespace_path(spec, "network"), "/proc/" + pid + "/ns/net");
    EXPECT_EQ(namespace_path(spec, "pid"), "/proc/" + pid + "/ns/pid");
    EXPECT_EQ(spec.linux_->uid_mappings[0].host_id, 0x70000000U);
    EXPECT_FALSE(runtime_.last(id_).had_sandbox);
    // Its end gives back nothing of the donor's.
    runtime_.end(id_, 0);
    EXPECT_EQ(sandboxes_.ranges_out, 1);
}

TEST_F(SpecTest, JoiningAStoppedOrUnknownContainerFailsTheStart) {
    create("stopped");
    auto asked = request();
    asked.host_config.network_mode = "container:stopped";
    EXPECT_EQ(containers_->start(create("", asked).str()).error().kind(), ErrorKind::conflict);
    asked.host_config.network_mode = "container:nobody";
    EXPECT_EQ(containers_->start(create("", asked).str()).error().message(), "No such container: nobody");
}

TEST_F(SpecTest, PrivilegedOpensEverything) {
    auto asked = request();
    asked.host_config.privileged = true;
    oci::Spec spec = spec_of(asked);
    EXPECT_EQ(spec.process->capabilities->bounding.size(), 41U);
    EXPECT_FALSE(spec.linux_->seccomp);
    EXPECT_THAT(spec.linux_->masked_paths, IsEmpty());
    EXPECT_THAT(mount_at(spec, "/sys")->options, Contains("rw"));
    EXPECT_TRUE(spec.linux_->resources->devices.front().allow);
    EXPECT_EQ(spec.linux_->devices.at(0).path, "/dev/kvm");
}

TEST_F(SpecTest, CapabilitiesAreAddedAndDropped) {
    auto asked = request();
    asked.host_config.cap_drop = {"all"};
    asked.host_config.cap_add = {"net_admin", "CAP_CHOWN"};
    EXPECT_THAT(spec_of(asked).process->capabilities->bounding, ElementsAre("CAP_CHOWN", "CAP_NET_ADMIN"));
    EXPECT_THAT(inspect(id_).host_config.cap_add, ElementsAre("CAP_NET_ADMIN", "CAP_CHOWN"));
    asked.host_config.cap_drop = {"NET_RAW"};
    asked.host_config.cap_add = {"ALL"};
    EXPECT_EQ(spec_of(asked).process->capabilities->bounding.size(), 40U);
    asked.host_config.cap_add = {"FLY"};
    EXPECT_EQ(refused(asked).message(), "invalid CapAdd: unknown capability: \"CAP_FLY\"");
}

TEST_F(SpecTest, BindsMountsAndTmpfs) {
    host_.kinds["/there"] = PathKind::directory;
    host_.put("/proc/self/mountinfo",
              "20 1 8:1 / / rw - ext4 /dev/sda rw\n21 20 8:2 / /there rw shared:7 - ext4 /dev/sdb rw\n");
    auto asked = request();
    asked.host_config.binds = {"/made:/data/deep:ro,z", "/there:/data:rshared"};
    asked.host_config.tmpfs["/scratch"] = "size=1m,exec";
    asked.host_config.mounts.push_back({.type = "bind", .source = "/there", .target = "/m", .read_only = true});
    oci::Spec spec = spec_of(asked);
    EXPECT_THAT(host_.made, ElementsAre("/made"));
    EXPECT_THAT(mount_at(spec, "/data/deep")->options, ElementsAre("rbind", "rro", "rprivate"));
    EXPECT_THAT(mount_at(spec, "/data")->options, ElementsAre("rbind", "rshared"));
    EXPECT_LT(mount_at(spec, "/data"), mount_at(spec, "/data/deep"));
    EXPECT_THAT(mount_at(spec, "/scratch")->options, ElementsAre("nosuid", "nodev", "rprivate", "size=1m", "exec"));
    EXPECT_THAT(mount_at(spec, "/m")->options, Contains("rro"));
    EXPECT_EQ(spec.linux_->rootfs_propagation, "shared");
    EXPECT_EQ(inspect(id_).mounts.size(), 3U); // without the one of --tmpfs
}

TEST_F(SpecTest, PropagationWantsAMountOfTheHostThatHasIt) {
    host_.kinds["/there"] = host_.kinds["/there/deep"] = PathKind::directory;
    host_.put("/proc/self/mountinfo",
              "20 1 8:1 / / rw - ext4 /dev/sda rw\n21 20 8:2 / /there rw master:7 - ext4 /dev/sdb rw\n");
    auto asked = request();
    asked.host_config.binds = {"/there/deep:/data:rslave"};
    EXPECT_THAT(mount_at(spec_of(asked), "/data")->options, ElementsAre("rbind", "rslave"));
    asked.host_config.binds = {"/there/deep:/data:rshared"};
    EXPECT_EQ(start_error(asked), "path /there/deep is mounted on /there but it is not a shared mount");
    asked.host_config.binds = {"/thereabout:/data:slave"};
    EXPECT_EQ(start_error(asked), "path /thereabout is mounted on / but it is not a shared or slave mount");
}

TEST_F(SpecTest, NetworkFilesLieOnWhatIsMountedAtEtc) {
    auto asked = request();
    asked.host_config.tmpfs["/etc"] = "";
    oci::Spec spec = spec_of(asked);
    EXPECT_LT(mount_at(spec, "/etc"), mount_at(spec, "/etc/hosts"));
    host_.kinds["/config"] = PathKind::directory;
    asked.host_config.tmpfs.clear();
    asked.host_config.binds = {"/config:/etc:ro"};
    EXPECT_EQ(mount_at(spec_of(asked), "/etc/hosts"), nullptr); // nor can a place be made there
    host_.kinds["/config/hosts"] = PathKind::other;
    EXPECT_NE(mount_at(spec_of(asked), "/etc/hosts"), nullptr);
}

TEST_F(SpecTest, BadMountsAreRefusedInDockersWords) {
    auto with_mount = [](model::MountRequest mount) {
        auto asked = request();
        asked.host_config.mounts = {std::move(mount)};
        return asked;
    };
    EXPECT_EQ(refused(with_mount({.type = "bind", .source = "/nowhere", .target = "/x"})).message(),
              "invalid mount config for type \"bind\": bind source path does not exist: /nowhere");
    EXPECT_EQ(refused(with_mount({.type = "bind", .source = "/s", .target = "/"})).kind(), ErrorKind::invalid_argument);
    EXPECT_EQ(refused(with_mount({.type = "volume", .source = "a/b", .target = "/x"})).kind(),
              ErrorKind::invalid_argument);
    EXPECT_EQ(
        refused(with_mount(
                    {.type = "volume", .source = "named", .target = "/x", .volume_options = R"({"Subpath":"../up"})"}))
            .message(),
        "invalid mount config for type \"volume\": subpath must be a relative path within the volume");
    auto with_bind = [](const char* bind) {
        auto asked = request();
        asked.host_config.binds = {bind};
        return asked;
    };
    EXPECT_EQ(refused(with_bind("name:/x:rshared")).message(), "invalid mode: rshared");
    EXPECT_EQ(refused(with_bind("/a:/x:nocopy")).message(), "invalid mode: nocopy");
    EXPECT_EQ(refused(with_bind("n:/x")).kind(), ErrorKind::invalid_argument) << "too short a name";
    EXPECT_EQ(refused(with_bind("/a:/b:fast")).message(), "invalid mode: fast");
    EXPECT_EQ(refused(with_bind("/a:relative")).kind(), ErrorKind::invalid_argument);
    EXPECT_EQ(refused(with_bind("a")).message(), "invalid volume specification: 'a'");
    auto twice = request();
    twice.host_config.binds = {"/a:/x", "/b:/x/"};
    EXPECT_EQ(refused(twice).message(), "Duplicate mount point: /x");
}

TEST_F(SpecTest, AnonymousVolumesGoWithTheContainerWhenAskedTo) {
    auto asked = request();
    asked.config.volumes = {"/data"};
    oci::Spec spec = spec_of(asked);
    std::string source = mount_at(spec, "/data")->source;
    EXPECT_TRUE(source.starts_with((root_ / "volumes").string())) << source;
    EXPECT_EQ(inspect(id_).mounts.at(0).type, "volume");
    ASSERT_TRUE(containers_->remove(id_.str(), {.force = true, .volumes = true}).ok());
    EXPECT_FALSE(std::filesystem::exists(source));
    source = mount_at(spec_of(asked), "/data")->source;
    ASSERT_TRUE(containers_->remove(id_.str(), {.force = true}).ok());
    EXPECT_TRUE(std::filesystem::exists(source));
    auto report = MUST(engine_->volumes().prune({}, false));
    EXPECT_EQ(report.deleted.size(), 1U);
    EXPECT_FALSE(std::filesystem::exists(source));
}

TEST_F(SpecTest, NamedVolumesStayAndAreKnownAfterARestart) {
    auto asked = request();
    asked.host_config.binds = {"data:/data"};
    const std::string source = mount_at(spec_of(asked), "/data")->source;
    EXPECT_EQ(source, (root_ / "volumes/data/_data").string());
    EXPECT_EQ(engine_->volumes().remove("data", false).error().kind(), ErrorKind::conflict);
    restart();
    auto used = engine_->volumes().remove("data", false);
    EXPECT_EQ(used.error().message(), "remove data: volume is in use - [" + id_.str() + "]");
    ASSERT_TRUE(containers_->remove(id_.str(), {.force = true, .volumes = true}).ok());
    EXPECT_TRUE(engine_->volumes().remove("data", false).ok());
    EXPECT_EQ(engine_->volumes().remove("data", false).error().message(), "get data: no such volume");
    EXPECT_TRUE(engine_->volumes().remove("data", true).ok());
    EXPECT_FALSE(std::filesystem::exists(source));
}

TEST_F(SpecTest, ResourcesReachTheSpec) {
    auto asked = request();
    model::HostConfig& host = asked.host_config;
    host.memory = 64 << 20;
    host.nano_cpus = 500'000'000;
    host.cpu_shares = 512;
    host.pids_limit = 10;
    host.oom_score_adj = 100;
    host.ulimits = {{.name = "nofile", .hard = 20, .soft = 10}};
    host.sysctls["net.core.somaxconn"] = "100";
    host.shm_size = 1 << 20;
    host_.kinds["/dev/fuse"] = PathKind::device;
    host.devices = {{.path_on_host = "/dev/fuse", .path_in_container = "/dev/fuse", .cgroup_permissions = "rwm"}};
    host.group_add = {"5", "audio"};
    oci::Spec spec = spec_of(asked);
    EXPECT_EQ(spec.linux_->resources->memory->limit, 64 << 20);
    EXPECT_EQ(spec.linux_->resources->memory->swap, 128 << 20);
    EXPECT_EQ(spec.linux_->resources->cpu->quota, 50'000);
    EXPECT_EQ(spec.linux_->resources->cpu->period, 100'000U);
    EXPECT_EQ(spec.linux_->resources->pids_limit, 10);
    EXPECT_EQ(spec.process->oom_score_adj, 100);
    EXPECT_EQ(spec.process->rlimits.at(0).type, "RLIMIT_NOFILE");
    EXPECT_EQ(spec.linux_->sysctl.at("net.core.somaxconn"), "100");
    EXPECT_THAT(mount_at(spec, "/dev/shm")->options, Contains("size=1048576"));
    EXPECT_EQ(spec.linux_->devices.at(0).minor, 229);
    EXPECT_THAT(spec.process->user.additional_gids, ElementsAre(5U));
    EXPECT_THAT(spec.process->user.additional_groups, ElementsAre("audio"));
}

TEST_F(SpecTest, WhatIsntThereIsRefusedNotDropped) {
    auto with = [](std::function<void(model::CreateRequest&)> change) {
        auto asked = request();
        change(asked);
        return asked;
    };
    EXPECT_EQ(refused(with([](auto& a) { a.host_config.port_bindings["80/icmp"] = {{}}; })).message(),
              "Invalid proto: icmp");
    EXPECT_EQ(refused(with([](auto& a) {
                  a.host_config.port_bindings["80/tcp"] = {{.host_ip = "", .host_port = "x"}};
              })).message(),
              "invalid port specification: \"x\"");
    EXPECT_EQ(refused(with([](auto& a) { a.host_config.volumes_from = {"x"}; })).message(), "No such container: x");
    EXPECT_EQ(refused(with([](auto& a) { a.host_config.volumes_from = {"x:y"}; })).message(), "invalid mode: y");
    EXPECT_EQ(refused(with([](auto& a) { a.host_config.storage_opt["size"] = "1m"; })).message(),
              "storage-opt size 1m is too small: 16m is the least");
    EXPECT_EQ(refused(with([](auto& a) {
                  a.host_config.device_requests.emplace_back();
                  a.host_config.device_requests[0].capabilities = {{"tpu", "v4"}};
              })).message(),
              "could not select device driver \"\" with capabilities: [[tpu v4]]");
    EXPECT_EQ(refused(with([](auto& a) { a.host_config.runtime = "kata"; })).message(),
              "unknown or invalid runtime name: kata");
    EXPECT_EQ(refused(with([](auto& a) { a.host_config.isolation = "hyperv"; })).kind(), ErrorKind::invalid_argument);
    EXPECT_EQ(refused(with([](auto& a) { a.host_config.memory = 1024; })).message(),
              "Minimum memory limit allowed is 6MB");
    EXPECT_EQ(refused(with([](auto& a) { a.host_config.sysctls["kernel.core_pattern"] = "|x"; })).kind(),
              ErrorKind::invalid_argument);
    EXPECT_EQ(refused(with([](auto& a) { a.host_config.sysctls["net/../kernel/core_pattern"] = "|x"; })).kind(),
              ErrorKind::invalid_argument);
    EXPECT_EQ(refused(with([](auto& a) { a.host_config.security_opt = {"magic=on"}; })).kind(),
              ErrorKind::invalid_argument);
    EXPECT_EQ(refused(with([](auto& a) { a.host_config.security_opt = {"seccomp={broken"}; })).kind(),
              ErrorKind::invalid_argument);
    EXPECT_EQ(refused(with([](auto& a) { a.host_config.log_config.type = "gelf"; })).message(),
              "error looking up logging plugin gelf: plugin \"gelf\" not found");
    EXPECT_EQ(refused(with([](auto& a) { a.config.image = "nothere"; })).message(), "No such image: nothere:latest");
    EXPECT_EQ(refused(with([](auto& a) { a.config.working_dir = "x"; })).kind(), ErrorKind::invalid_argument);
    EXPECT_EQ(refused(with([](auto& a) { a.config.env = {"=x"}; })).kind(), ErrorKind::invalid_argument);
    EXPECT_TRUE(MUST(containers_->list({.all = true, .limit = 0, .size = false, .filters = {}})).empty());
    EXPECT_TRUE(std::filesystem::is_empty(root_ / "containers" / ".trash"));
}

TEST_F(SpecTest, SeccompFollowsCapabilitiesAndOptions) {
    auto names = [](const oci::Spec& spec) {
        std::set<std::string> all;
        for (const auto& rule : spec.linux_->seccomp->syscalls)
            if (rule.action == "SCMP_ACT_ALLOW" && rule.args.empty()) all.insert(rule.names.begin(), rule.names.end());
        return all;
    };
    auto asked = request();
    auto plain = names(spec_of(asked));
    EXPECT_THAT(plain, Contains("read"));
    for (const char* name : {"mount", "unshare", "setns", "bpf", "keyctl", "io_uring_setup", "userfaultfd"})
        EXPECT_THAT(plain, Not(Contains(name)));
    asked.host_config.cap_add = {"SYS_ADMIN"};
    EXPECT_THAT(names(spec_of(asked)), Contains("mount"));
    asked.host_config.security_opt = {"seccomp=unconfined", "no-new-privileges"};
    oci::Spec spec = spec_of(asked);
    EXPECT_FALSE(spec.linux_->seccomp);
    EXPECT_TRUE(spec.process->no_new_privileges);
    asked.host_config.security_opt = {
        R"(seccomp={"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["chmod"],"action":"SCMP_ACT_ERRNO"}]})"};
    EXPECT_EQ(spec_of(asked).linux_->seccomp->default_action, "SCMP_ACT_ALLOW");
}

TEST_F(SpecTest, InitIsPutInFrontOrMissedAloud) {
    auto asked = request();
    asked.host_config.init = true;
    ContainerId without = create("", asked);
    EXPECT_EQ(containers_->start(without.str()).error().kind(), ErrorKind::unsupported);
    host_.kinds["/usr/bin/docker-init"] = PathKind::other;
    oci::Spec spec = spec_of(asked);
    EXPECT_THAT(spec.process->args, ElementsAre("/sbin/docker-init", "--", "sh"));
    EXPECT_EQ(mount_at(spec, "/sbin/docker-init")->source, "/usr/bin/docker-init");
}

TEST_F(SpecTest, FilesOfTheNetworkAreWritten) {
    host_.put("/etc/resolv.conf", "nameserver 127.0.0.53\nnameserver 10.0.0.1\nsearch example.org\n");
    auto asked = request();
    asked.config.hostname = "web";
    asked.host_config.extra_hosts = {"gate:host-gateway", "db:10.1.1.1"};
    spec_of(asked);
    auto text = [&](const char* name) {
        std::ifstream file(root_ / "containers" / id_.str() / name);
        return std::string(std::istreambuf_iterator<char>(file), {});
    };
    EXPECT_EQ(text("hostname"), "web\n");
    EXPECT_THAT(text("hosts"), HasSubstr("172.17.0.2\tweb\n"));
    EXPECT_THAT(text("hosts"), HasSubstr("172.17.0.1\tgate\n"));
    EXPECT_THAT(text("hosts"), HasSubstr("10.1.1.1\tdb\n"));
    EXPECT_THAT(text("resolv.conf"), HasSubstr("nameserver 10.0.0.1\nsearch example.org\n"));
    EXPECT_THAT(text("resolv.conf"), Not(HasSubstr("127.0.0.53")));
}

TEST(SecurityOptions, TheDefaultAppArmorProfileIsForWhoSaysNothing) {
    EngineOptions options;
    options.apparmor_profile = "hull-default";
    model::HostConfig host;
    EXPECT_EQ(MUST(parse_security_options(host, options)).apparmor, ""); // the kernel has none
    options.apparmor = true;
    EXPECT_EQ(MUST(parse_security_options(host, options)).apparmor, "hull-default");
    host.privileged = true;
    EXPECT_EQ(MUST(parse_security_options(host, options)).apparmor, "");
    host.security_opt = {"apparmor=mine"};
    EXPECT_EQ(MUST(parse_security_options(host, options)).apparmor, "mine");
    host.privileged = false;
    host.security_opt = {"apparmor=unconfined"};
    EXPECT_EQ(MUST(parse_security_options(host, options)).apparmor, "");
}

} // namespace
} // namespace hull::engine
