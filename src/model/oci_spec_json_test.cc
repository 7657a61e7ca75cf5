#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/oci_spec.h"

namespace hull::model::oci {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

constexpr std::string_view full = R"({
  "ociVersion": "1.2.0",
  "process": {
    "terminal": true, "consoleSize": {"height": 24, "width": 80},
    "user": {"uid": 1000, "gid": 100, "umask": 18, "additionalGids": [5, 6]},
    "args": ["sh", "-c", "true"], "env": ["A=b", "PATH=/bin"], "cwd": "/srv",
    "capabilities": {"bounding": ["CAP_CHOWN"], "effective": ["CAP_CHOWN"], "inheritable": [],
                     "permitted": ["CAP_CHOWN"], "ambient": ["CAP_CHOWN"]},
    "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 1024, "hard": 18446744073709551615}],
    "noNewPrivileges": true, "apparmorProfile": "p", "selinuxLabel": "l", "oomScoreAdj": -500
  },
  "root": {"path": "rootfs", "readonly": true},
  "hostname": "h", "domainname": "d",
  "mounts": [{"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "ro"]},
             {"destination": "/data", "source": "/srv/data", "options": ["rbind", "idmap"],
              "uidMappings": [{"containerID": 0, "hostID": 7, "size": 1}],
              "gidMappings": [{"containerID": 0, "hostID": 8, "size": 2}]}],
  "hooks": {"prestart": [{"path": "/bin/a", "args": ["a", "b"], "env": ["X=1"], "timeout": 3}],
            "createRuntime": [{"path": "/bin/b"}], "createContainer": [{"path": "/bin/c"}],
            "startContainer": [{"path": "/bin/d"}], "poststart": [{"path": "/bin/e"}],
            "poststop": [{"path": "/bin/f"}]},
  "annotations": {"org.example": "1"},
  "linux": {
    "uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
    "gidMappings": [{"containerID": 0, "hostID": 200000, "size": 65536}],
    "sysctl": {"net.core.somaxconn": "256"},
    "cgroupsPath": "/hull/x",
    "namespaces": [{"type": "pid"}, {"type": "network", "path": "/proc/1/ns/net"}],
    "devices": [{"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 438, "uid": 0, "gid": 0}],
    "resources": {
      "devices": [{"allow": false, "access": "rwm"}, {"allow": true, "type": "c", "major": 10, "minor": 229, "access": "rw"}],
      "memory": {"limit": 536870912, "reservation": 1, "swap": -1, "kernel": 2, "kernelTCP": 3, "swappiness": 0,
                 "disableOOMKiller": false},
      "cpu": {"shares": 1024, "quota": 100000, "period": 50000, "burst": 1, "realtimeRuntime": 2,
              "realtimePeriod": 3, "cpus": "0-1", "mems": "0", "idle": 1},
      "pids": {"limit": 32771},
      "blockIO": {"weight": 10, "leafWeight": 11,
                  "weightDevice": [{"major": 8, "minor": 0, "weight": 500, "leafWeight": 300}],
                  "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 600}],
                  "throttleWriteBpsDevice": [{"major": 8, "minor": 0, "rate": 601}],
                  "throttleReadIOPSDevice": [{"major": 8, "minor": 0, "rate": 602}],
                  "throttleWriteIOPSDevice": [{"major": 8, "minor": 16, "rate": 300}]},
      "hugepageLimits": [{"pageSize": "2MB", "limit": 9223372036854771712}],
      "network": {"classID": 1048577, "priorities": [{"name": "eth0", "priority": 500}]},
      "rdma": {"mlx5_1": {"hcaHandles": 3, "hcaObjects": 10000}, "rxe3": {"hcaObjects": 1}},
      "unified": {"memory.high": "1"}
    },
    "seccomp": {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "architectures": ["SCMP_ARCH_X86_64"],
                "flags": ["SECCOMP_FILTER_FLAG_LOG"],
                "syscalls": [{"names": ["clone"], "action": "SCMP_ACT_ALLOW",
                              "args": [{"index": 0, "value": 2114060288, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]},
                             {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]},
    "rootfsPropagation": "slave",
    "maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"], "mountLabel": "m"
  }
})";

TEST(OciSpecJson, ReadsEveryProperty) {
    auto parsed = parse_spec(full);
    ASSERT_TRUE(parsed.ok()) << parsed.error().message();
    const Spec& s = *parsed;
    EXPECT_EQ(s.oci_version, "1.2.0");
    ASSERT_TRUE(s.process && s.root && s.hooks && s.linux_);
    EXPECT_EQ(s.process->console_size->height, 24u);
    EXPECT_EQ(s.process->user.umask, 18u);
    EXPECT_THAT(s.process->user.additional_gids, ElementsAre(5, 6));
    EXPECT_EQ(s.process->rlimits.at(0).hard, UINT64_MAX);
    EXPECT_EQ(s.process->oom_score_adj, -500);
    EXPECT_TRUE(s.root->readonly);
    EXPECT_EQ(s.mounts.at(1).uid_mappings.at(0).host_id, 7u);
    EXPECT_EQ(s.hooks->prestart.at(0).timeout, 3);
    EXPECT_EQ(s.hooks->poststop.at(0).path, "/bin/f");
    const Linux& l = *s.linux_;
    EXPECT_THAT(l.sysctl, ElementsAre(Pair("net.core.somaxconn", "256")));
    EXPECT_EQ(l.devices.at(0).file_mode, 438u);
    const Resources& r = *l.resources;
    EXPECT_FALSE(r.devices.at(0).major.has_value());
    EXPECT_EQ(r.devices.at(1).minor, 229);
    EXPECT_EQ(r.memory->swap, -1);
    EXPECT_EQ(r.memory->swappiness, 0u);
    EXPECT_EQ(r.cpu->idle, 1);
    EXPECT_EQ(r.pids_limit, 32771);
    EXPECT_EQ(r.block_io->throttle_write_iops.at(0).minor, 16);
    EXPECT_EQ(r.hugepage_limits.at(0).page_size, "2MB");
    EXPECT_EQ(l.seccomp->syscalls.at(1).errno_ret, 38u);
    EXPECT_EQ(l.seccomp->syscalls.at(0).args.at(0).value, 2114060288u);
}

TEST(OciSpecJson, PrintsWhatItReads) {
    auto first = parse_spec(full);
    ASSERT_TRUE(first.ok());
    std::string printed = print_spec(*first);
    auto again = parse_spec(printed);
    ASSERT_TRUE(again.ok()) << again.error().message();
    EXPECT_EQ(print_spec(*again), printed);
    EXPECT_THAT(printed, HasSubstr(R"("pids":{"limit":32771})"));
    EXPECT_THAT(printed, HasSubstr(R"("swappiness":0)"));
    EXPECT_THAT(printed, HasSubstr(R"("disableOOMKiller":false)"));
}

TEST(OciSpecJson, LeavesOutWhatIsAbsent) {
    Spec spec;
    spec.oci_version = "1.2.0";
    EXPECT_EQ(print_spec(spec), R"({"ociVersion":"1.2.0"})");
}

TEST(OciSpecJson, IgnoresUnknownPropertiesAndOtherPlatforms) {
    auto spec = parse_spec(R"({"ociVersion":"1.0.2","windows":{"layerFolders":["x"]},"solaris":{},"x-y":[1,{"a":2}],
                               "process":{"cwd":"/","args":["a"],"new":1}})");
    ASSERT_TRUE(spec.ok()) << spec.error().message();
    EXPECT_EQ(spec->process->cwd, "/");
    EXPECT_FALSE(spec->linux_.has_value());
}

TEST(OciSpecJson, NamesThePropertyOfAWrongType) {
    auto bad = parse_spec(R"({"linux":{"resources":{"memory":{"limit":"much"}}}})");
    ASSERT_FALSE(bad.ok());
    EXPECT_EQ(bad.error().kind(), ErrorKind::invalid_argument);
    EXPECT_THAT(bad.error().message(),
                testing::StrEq("linux.resources.memory.limit: invalid JSON: got string \"much\", want integer"));
}

TEST(OciSpecJson, RefusesIdsOutOfRange) {
    for (const char* uid : {"-1", "4294967296", "1e3", "\"0\"", "1.5"}) {
        auto bad = parse_spec(std::string(R"({"process":{"user":{"uid":)") + uid + "}}}");
        EXPECT_FALSE(bad.ok()) << uid;
    }
    auto good = parse_spec(R"({"process":{"user":{"uid":4294967295}}})");
    ASSERT_TRUE(good.ok());
    EXPECT_EQ(good->process->user.uid, 4294967295u);
}

TEST(OciSpecJson, ReadsHowAProcessIsScheduled) {
    auto process =
        parse_process(R"({"scheduler":{"policy":"SCHED_BATCH","nice":-3,"flags":["SCHED_FLAG_RESET_ON_FORK"]},
        "ioPriority":{"class":"IOPRIO_CLASS_BE","priority":6},"execCPUAffinity":{"initial":"0","final":"0-1"}})");
    ASSERT_TRUE(process.ok()) << process.error().message();
    EXPECT_EQ(process->scheduler->policy, "SCHED_BATCH");
    EXPECT_EQ(process->scheduler->nice, -3);
    EXPECT_EQ(process->scheduler->flags, std::vector<std::string>{"SCHED_FLAG_RESET_ON_FORK"});
    EXPECT_EQ(process->io_priority->io_class, "IOPRIO_CLASS_BE");
    EXPECT_EQ(process->io_priority->priority, 6);
    EXPECT_EQ(process->exec_cpu_affinity->initial, "0");
    EXPECT_EQ(process->exec_cpu_affinity->final_, "0-1");
}

TEST(OciSpecJson, ReadsWhatSurroundsAContainer) {
    auto spec = parse_spec(R"({"linux":{
        "timeOffsets":{"boottime":{"secs":-7,"nanosecs":5}},
        "netDevices":{"eth0":{"name":"x"},"eth1":{}},
        "intelRdt":{"closID":"gold","l3CacheSchema":"L3:0=f","schemata":["L2:0=f"],"enableMonitoring":true},
        "memoryPolicy":{"mode":"MPOL_BIND","nodes":"0","flags":["MPOL_F_STATIC_NODES"]},
        "personality":{"domain":"LINUX32"}}})");
    ASSERT_TRUE(spec.ok()) << spec.error().message();
    const Linux& l = *spec->linux_;
    EXPECT_EQ(l.time_offsets.at("boottime").seconds, -7);
    EXPECT_EQ(l.time_offsets.at("boottime").nanoseconds, 5u);
    EXPECT_EQ(l.net_devices.at("eth0").name, "x");
    EXPECT_EQ(l.net_devices.at("eth1").name, "");
    EXPECT_EQ(l.intel_rdt->clos_id, "gold");
    EXPECT_EQ(l.intel_rdt->schemata, std::vector<std::string>{"L2:0=f"});
    EXPECT_TRUE(l.intel_rdt->enable_monitoring);
    EXPECT_EQ(l.memory_policy->nodes, "0");
    EXPECT_EQ(l.personality->domain, "LINUX32");
}

TEST(OciSpecJson, BoundsSizeAndDepth) {
    std::string big(size_t{5} << 20, ' ');
    EXPECT_EQ(parse_spec("{" + big + "}").error().kind(), ErrorKind::too_large);
    std::string deep(100'000, '[');
    EXPECT_FALSE(parse_spec("{\"a\":" + deep).ok());
    EXPECT_FALSE(parse_spec("").ok());
    EXPECT_FALSE(parse_spec("[]").ok());
    EXPECT_FALSE(parse_spec("{} {}").ok());
}

TEST(OciSpecJson, ReadsAProcessOnItsOwn) {
    auto process = parse_process(R"({"terminal":true,"args":["sh"],"cwd":"/","user":{"uid":0,"gid":0}})");
    ASSERT_TRUE(process.ok());
    EXPECT_THAT(process->args, ElementsAre("sh"));
    EXPECT_FALSE(process->capabilities.has_value());
}

TEST(OciSpecJson, ReadsASeccompProfile) {
    auto profile = parse_seccomp(R"({"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read","write"],
                                     "action":"SCMP_ACT_ALLOW","args":null}]})");
    ASSERT_TRUE(profile.ok());
    ASSERT_THAT(profile->syscalls, SizeIs(1));
    EXPECT_THAT(profile->syscalls[0].args, IsEmpty());
}

} // namespace
} // namespace hull::model::oci
