#include "kernel/cgroup/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/cgroup/drivers.h"
#include "kernel/cgroup/files.h"

namespace hull::kernel::cgroup {
namespace {

using model::oci::BlockIoLimits;
using model::oci::CpuLimits;
using model::oci::MemoryLimits;
using model::oci::Resources;
using testing::ElementsAre;
using testing::Eq;
using testing::HasSubstr;
using testing::IsEmpty;

MATCHER_P2(Sets, file, value, "") { return arg.file == file && arg.value == value && !arg.inherit; }
MATCHER_P(Inherits, file, "") { return arg.file == file && arg.inherit; }
// Fine on a kernel without the file.
MATCHER_P2(MaySet, file, value, "") {
    return arg.file == file && arg.value == value && arg.if_missing == IfMissing::skip;
}

Machine v1_machine() {
    Machine m;
    m.version = Version::v1;
    for (const char* name : {"cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "hugetlb"})
        m.v1.push_back({std::string("/cg/") + name, name, {name}});
    m.v1.push_back({"/cg/systemd", "systemd", {"name=systemd"}});
    m.support = {.memory = true,
                 .swap = true,
                 .swappiness = true,
                 .oom_kill_disable = true,
                 .memory_reservation = true,
                 .cpu_shares = true,
                 .cpu_quota = true,
                 .cpu_realtime = true,
                 .cpuset = true,
                 .pids = true,
                 .io_weight = true,
                 .io_throttle = true,
                 .hugepages = true,
                 .devices = true,
                 .freezer = true,
                 .net_cls = true,
                 .net_prio = true,
                 .rdma = true};
    return m;
}

Machine v2_machine() {
    Machine m = v1_machine();
    m.version = Version::v2;
    m.v1.clear();
    m.unified = "/cg";
    m.unified_controllers = {"cpu", "cpuset", "io", "memory", "pids", "hugetlb", "rdma"};
    return m;
}

Resources with_memory(MemoryLimits memory) {
    Resources r;
    r.memory = memory;
    return r;
}
Resources with_cpu(CpuLimits cpu) {
    Resources r;
    r.cpu = std::move(cpu);
    return r;
}

TEST(V1Limits, WritesMemoryBeforeMemoryPlusSwap) {
    MemoryLimits m;
    m.limit = 1000;
    m.swap = 2000;
    m.reservation = 500;
    m.swappiness = 0;
    m.disable_oom_killer = true;
    auto w = *v1_limits(with_memory(m), v1_machine());
    EXPECT_THAT(w["memory"],
                ElementsAre(Sets("memory.limit_in_bytes", "1000"), Sets("memory.memsw.limit_in_bytes", "2000"),
                            Sets("memory.soft_limit_in_bytes", "500"), Sets("memory.swappiness", "0"),
                            Sets("memory.oom_control", "1")));
}

TEST(V1Limits, ZeroIsNotALimit) {
    MemoryLimits m;
    m.limit = 0;
    m.swap = 0;
    m.reservation = 0;
    CpuLimits c;
    c.shares = 0;
    c.quota = 0;
    c.period = 0;
    Resources r = with_memory(m);
    r.cpu = c;
    Machine none;
    EXPECT_THAT(*v1_limits(r, none), IsEmpty());
}

TEST(V1Limits, ACpusetTakesTheOtherHalfFromAbove) {
    CpuLimits c;
    c.cpus = "0-1";
    auto w = *v1_limits(with_cpu(c), v1_machine());
    EXPECT_THAT(w["cpuset"], ElementsAre(Sets("cpuset.cpus", "0-1"), Inherits("cpuset.mems")));
}

TEST(V1Limits, NamesTheLimitThatCantBeApplied) {
    Machine machine = v1_machine();
    machine.support.swap = false;
    MemoryLimits m;
    m.limit = 1000;
    m.swap = 2000;
    auto failed = v1_limits(with_memory(m), machine);
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.error().kind(), ErrorKind::unsupported);
    EXPECT_THAT(failed.error().message(), HasSubstr("swap"));
    m.swap = -1; // nothing to enforce
    EXPECT_TRUE(v1_limits(with_memory(m), machine).ok());

    machine.support = {};
    Resources pids;
    pids.pids_limit = 5;
    EXPECT_EQ(v1_limits(pids, machine).error().kind(), ErrorKind::unsupported);
    pids.pids_limit = -1;
    EXPECT_TRUE(v1_limits(pids, machine).ok());
    Resources unified;
    unified.unified["memory.high"] = "1";
    EXPECT_EQ(v1_limits(unified, v1_machine()).error().kind(), ErrorKind::unsupported);
}

TEST(V1Limits, WritesBlockIoForTheSchedulerThatIsThere) {
    BlockIoLimits b;
    b.weight = 500;
    b.throttle_read_bps = {{8, 0, 1024}};
    Resources r;
    r.block_io = b;
    EXPECT_THAT((*v1_limits(r, v1_machine()))["blkio"],
                ElementsAre(Sets("blkio.weight", "500"), Sets("blkio.throttle.read_bps_device", "8:0 1024")));
    Machine bfq = v1_machine();
    bfq.bfq_weight = true;
    EXPECT_THAT((*v1_limits(r, bfq))["blkio"].front(), Sets("blkio.bfq.weight", "500"));
}

TEST(Limits, RefuseWhatIsWrongAnywhere) {
    CpuLimits c;
    c.shares = 1;
    EXPECT_THAT(check_limits(with_cpu(c)).error().message(),
                Eq("linux.resources.cpu.shares: 1: the minimum allowed cpu-shares is 2"));
    c.shares = 262145;
    EXPECT_FALSE(check_limits(with_cpu(c)).ok());
    c = {};
    c.cpus = "0\n1";
    EXPECT_FALSE(check_limits(with_cpu(c)).ok());
    MemoryLimits m;
    m.swappiness = 101;
    EXPECT_FALSE(check_limits(with_memory(m)).ok());
    m = {};
    m.limit = 2000;
    m.swap = 1000;
    EXPECT_FALSE(check_limits(with_memory(m)).ok());
    Resources r;
    r.unified["../x.y"] = "1";
    EXPECT_FALSE(check_limits(r).ok());
}

TEST(V2Limits, TranslatesFromV1) {
    EXPECT_EQ(weight_of_shares(2), 1u);
    EXPECT_EQ(weight_of_shares(1024), 100u);
    EXPECT_EQ(weight_of_shares(262144), 10000u);
    EXPECT_EQ(weight_of_shares(512), 59u);
    EXPECT_EQ(weight_of_shares(2048), 174u);
    uint64_t last = 0;
    for (uint64_t shares = 2; shares <= 262144; shares += 7) {
        uint64_t weight = weight_of_shares(shares);
        ASSERT_GE(weight, std::max<uint64_t>(last, 1)) << shares;
        ASSERT_LE(weight, 10000u) << shares;
        last = weight;
    }
    EXPECT_EQ(weight_of_blkio(10), 1u);
    EXPECT_EQ(weight_of_blkio(1000), 10000u);
    Resources r;
    r.memory.emplace();
    r.memory->limit = 1000;
    r.memory->swap = 3000;
    r.memory->reservation = -1;
    r.cpu.emplace();
    r.cpu->shares = 1024;
    r.cpu->quota = 50000;
    r.cpu->period = 100000;
    r.cpu->cpus = "1";
    r.pids_limit = 7;
    r.block_io.emplace();
    r.block_io->throttle_write_iops = {{8, 16, 9}};
    r.unified["memory.high"] = "900";
    EXPECT_THAT(*v2_limits(r, v2_machine()),
                ElementsAre(Sets("memory.max", "1000"), Sets("memory.swap.max", "2000"), Sets("memory.low", "max"),
                            Sets("cpu.weight", "100"), Sets("cpu.max", "50000 100000"), Sets("cpuset.cpus", "1"),
                            Sets("io.max", "8:16 wiops=9"), Sets("pids.max", "7"), Sets("memory.high", "900")));
}

TEST(V1Limits, GiveNetworkAndRdmaToTheirControllers) {
    Resources r;
    r.network.emplace();
    r.network->class_id = 0x100001;
    r.network->priorities = {{"eth0", 500}, {"lo", 1}};
    r.rdma["mlx5_1"] = {.hca_handles = 3, .hca_objects = 10000};
    r.rdma["rxe3"] = {.hca_handles = {}, .hca_objects = 0};
    auto w = *v1_limits(r, v1_machine());
    EXPECT_THAT(w["net_cls"], ElementsAre(Sets("net_cls.classid", "1048577")));
    EXPECT_THAT(w["net_prio"], ElementsAre(Sets("net_prio.ifpriomap", "eth0 500"), Sets("net_prio.ifpriomap", "lo 1")));
    EXPECT_THAT(w["rdma"], ElementsAre(Sets("rdma.max", "mlx5_1 hca_handle=3 hca_object=10000"),
                                       Sets("rdma.max", "rxe3 hca_object=0")));
    Machine bare = v1_machine();
    bare.support = {};
    EXPECT_THAT(v1_limits(r, bare).error().message(), HasSubstr("no net_cls cgroup"));
    r.network->class_id = 0; // the kernel's default
    EXPECT_THAT(v1_limits(r, bare).error().message(), HasSubstr("no net_prio cgroup"));
    r.network.reset();
    EXPECT_THAT(v1_limits(r, bare).error().message(), HasSubstr("no rdma cgroup"));
}

TEST(V1Limits, LimitReservationsOfHugePagesWhereTheKernelCountsThem) {
    Resources r;
    r.hugepage_limits = {{"2MB", 4096}};
    EXPECT_THAT(
        (*v1_limits(r, v1_machine()))["hugetlb"],
        ElementsAre(Sets("hugetlb.2MB.limit_in_bytes", "4096"), MaySet("hugetlb.2MB.rsvd.limit_in_bytes", "4096")));
    EXPECT_THAT(*v2_limits(r, v2_machine()),
                ElementsAre(Sets("hugetlb.2MB.max", "4096"), MaySet("hugetlb.2MB.rsvd.max", "4096")));
}

TEST(Limits, ABurstOf0AndNoIdlingNeedNoKernelThatHasThem) {
    CpuLimits c;
    c.burst = 0;
    c.idle = 0;
    EXPECT_THAT((*v1_limits(with_cpu(c), v1_machine()))["cpu"],
                ElementsAre(MaySet("cpu.cfs_burst_us", "0"), MaySet("cpu.idle", "0")));
    EXPECT_THAT(*v2_limits(with_cpu(c), v2_machine()),
                ElementsAre(MaySet("cpu.max.burst", "0"), MaySet("cpu.idle", "0")));
    Machine bare;
    EXPECT_THAT(*v1_limits(with_cpu(c), bare), IsEmpty());
    EXPECT_THAT(*v2_limits(with_cpu(c), bare), IsEmpty());
    c.burst = 5;
    EXPECT_FALSE(v2_limits(with_cpu(c), bare).ok());
    EXPECT_FALSE(v1_limits(with_cpu(c), bare).ok());
}

TEST(Limits, RefuseABurstAboveTheQuotaAndOddIdling) {
    CpuLimits c;
    c.quota = 1000;
    c.burst = 1001;
    EXPECT_THAT(check_limits(with_cpu(c)).error().message(),
                Eq("linux.resources.cpu.burst: 1001: is larger than the quota 1000"));
    c.quota = -1;
    EXPECT_TRUE(check_limits(with_cpu(c)).ok());
    c.idle = 2;
    EXPECT_FALSE(check_limits(with_cpu(c)).ok());
}

TEST(Limits, RefuseNamesThatWouldBreakTheLine) {
    Resources r;
    r.network.emplace();
    r.network->priorities = {{"eth0 1\nlo", 5}};
    EXPECT_FALSE(check_limits(r).ok());
    r.network.reset();
    r.rdma["mlx hca_handle=1"] = {.hca_handles = 1, .hca_objects = {}};
    EXPECT_FALSE(check_limits(r).ok());
    r.rdma = {{"mlx", {}}};
    EXPECT_EQ(check_limits(r).error().message(),
              "linux.resources.rdma: \"mlx\": has neither hcaHandles nor hcaObjects");
    r.rdma.clear();
    r.unified["cgroup.procs"] = "1";
    EXPECT_EQ(check_limits(r).error().message(), "linux.resources.unified: \"cgroup.procs\": is no limit");
    r.unified.clear();
    r.hugepage_limits = {{"2MB", 1}, {"a/b", 1}};
    EXPECT_EQ(check_limits(r).error().message(),
              "linux.resources.hugepageLimits[1].pageSize: \"a/b\": is no size of pages");
    r.hugepage_limits.clear();
    r.block_io.emplace();
    r.block_io->weight_device.resize(1);
    r.block_io->weight_device[0].weight = 5;
    EXPECT_THAT(check_limits(r).error().message(), HasSubstr("linux.resources.blockIO.weightDevice[0].weight: 5: "));
}

TEST(V2Limits, CountSwapAloneWhereTheSpecificationCountsBoth) {
    auto swap_of = [](int64_t limit, int64_t swap) -> std::string {
        MemoryLimits m;
        if (limit != 0) m.limit = limit;
        if (swap != 0) m.swap = swap;
        auto writes = v2_limits(with_memory(m), v2_machine());
        if (!writes.ok()) return "error";
        for (const Write& w : *writes)
            if (w.file == "memory.swap.max") return w.value;
        return "none";
    };
    EXPECT_EQ(swap_of(1000, 1000), "0");
    EXPECT_EQ(swap_of(1000, 1500), "500");
    EXPECT_EQ(swap_of(1000, -1), "max");
    EXPECT_EQ(swap_of(0, -1), "max");
    EXPECT_EQ(swap_of(-1, 0), "max");
    EXPECT_EQ(swap_of(-1, 700), "700");
    EXPECT_EQ(swap_of(1000, 0), "none");
    EXPECT_EQ(swap_of(0, 700), "error");

    Machine swapless = v2_machine();
    swapless.support.swap = false;
    MemoryLimits m;
    m.limit = 1000;
    m.swap = 1000;
    EXPECT_TRUE(v2_limits(with_memory(m), swapless).ok()); // nothing can be swapped
    m.swap = 1001;
    EXPECT_FALSE(v2_limits(with_memory(m), swapless).ok());
}

TEST(V2Limits, WeighBlockIoForWhicheverSchedulerIsThere) {
    Resources r;
    r.block_io.emplace();
    r.block_io->weight = 100;
    r.block_io->weight_device = {{8, 0, 1000, {}}};
    auto w = *v2_limits(r, v2_machine());
    ASSERT_THAT(w, ElementsAre(MaySet("io.bfq.weight", "default 100"), Sets("io.weight", "default 910"),
                               MaySet("io.bfq.weight", "8:0 1000"), Sets("io.weight", "8:0 10000")));
    EXPECT_EQ(w[1].if_missing, IfMissing::require_previous);
}

TEST(V2Limits, WriteUnifiedLinesOneByOne) {
    Resources r;
    r.unified["io.max"] = "259:0 rbps=1\n253:0 wiops=2\n";
    r.unified["cgroup.max.depth"] = "3";
    EXPECT_THAT(*v2_limits(r, v2_machine()), ElementsAre(Sets("cgroup.max.depth", "3"), Sets("io.max", "259:0 rbps=1"),
                                                         Sets("io.max", "253:0 wiops=2")));
    r.unified = {{"misc.max", "res 1"}};
    EXPECT_THAT(v2_limits(r, v2_machine()).error().message(), HasSubstr("no misc controller"));
    for (const char* file :
         {"cgroup.procs", "cgroup.kill", "cgroup.freeze", "cgroup.subtree_control", "../memory.max"}) {
        r.unified = {{file, "1"}};
        EXPECT_EQ(v2_limits(r, v2_machine()).error().kind(), ErrorKind::invalid_argument) << file;
    }
}

TEST(V2Limits, RefuseTheNetworkOfV1) {
    Resources r;
    r.network.emplace();
    EXPECT_THAT(*v2_limits(r, v2_machine()), IsEmpty());
    r.network->class_id = 5;
    EXPECT_EQ(v2_limits(r, v2_machine()).error().kind(), ErrorKind::unsupported);
    r.network->class_id.reset();
    r.network->priorities = {{"eth0", 1}};
    EXPECT_THAT(v2_limits(r, v2_machine()).error().message(), HasSubstr("network"));
}

TEST(V2Limits, RefusesWhatV2DoesNotHave) {
    MemoryLimits m;
    m.swappiness = 10;
    EXPECT_EQ(v2_limits(with_memory(m), v2_machine()).error().kind(), ErrorKind::unsupported);
    Machine bare = v2_machine();
    bare.unified_controllers.clear();
    m = {};
    m.limit = 1000;
    EXPECT_EQ(v2_limits(with_memory(m), bare).error().kind(), ErrorKind::unsupported);
    EXPECT_THAT(*v2_limits({}, bare), IsEmpty());
}

TEST(CgroupPlan, HasAFolderInEveryHierarchyThatCounts) {
    auto plan = make_v1(v1_machine())->plan("hull/x", {});
    ASSERT_TRUE(plan.ok());
    std::vector<std::string> names;
    for (const Dir& dir : plan->dirs) {
        names.push_back(dir.name);
        EXPECT_EQ(dir.folder(), "/cg/" + dir.name + "/hull/x");
    }
    EXPECT_THAT(names, ElementsAre("cpu", "cpuacct", "memory", "devices", "freezer", "blkio", "pids"));
    EXPECT_EQ(plan->oom_file(), "/cg/memory/hull/x/memory.oom_control");

    Machine managed = v1_machine();
    managed.join_named = true;
    EXPECT_EQ(make_v1(managed)->plan("hull/x", {})->dirs.back().name, "systemd");
}

TEST(CgroupPlan, IsOneFolderOnV2) {
    Resources r;
    r.pids_limit = 3;
    r.devices.push_back({});
    auto plan = make_v2(v2_machine())->plan("/hull/x", r);
    ASSERT_TRUE(plan.ok());
    ASSERT_EQ(plan->dirs.size(), 1u);
    EXPECT_TRUE(plan->dirs[0].unified);
    EXPECT_EQ(plan->dirs[0].folder(), "/cg/hull/x");
    EXPECT_FALSE(plan->dirs[0].device_program.empty());
    EXPECT_EQ(plan->oom_file(), "/cg/hull/x/memory.events");
}

TEST(CgroupPlan, LeavesALimitOfOneProcessToInit) {
    for (int64_t limit : {0, 1}) {
        Resources r;
        r.pids_limit = limit;
        auto v1 = make_v1(v1_machine())->plan("hull/x", r);
        auto pids = std::ranges::find(v1->dirs, "pids", &Dir::name);
        EXPECT_THAT(pids->writes, IsEmpty());
        EXPECT_THAT(pids->late, ElementsAre(Sets("pids.max", "1")));
        auto v2 = make_v2(v2_machine())->plan("hull/x", r);
        EXPECT_THAT(v2->dirs[0].late, ElementsAre(Sets("pids.max", "1")));
    }
    Resources r;
    r.pids_limit = 2;
    EXPECT_THAT(make_v2(v2_machine())->plan("hull/x", r)->dirs[0].late, IsEmpty());
}

TEST(CgroupPlan, WithoutCgroupsIsEmptyAndRefusesLimits) {
    auto none = make_none({});
    EXPECT_THAT(none->plan("hull/x", {})->dirs, IsEmpty());
    Resources r;
    r.pids_limit = 3;
    EXPECT_EQ(none->plan("hull/x", r).error().kind(), ErrorKind::unsupported);
}

TEST(CgroupFiles, ReadTheirForms) {
    EXPECT_EQ(parse_number("42\n"), 42u);
    EXPECT_EQ(parse_number("max\n"), UINT64_MAX);
    EXPECT_EQ(parse_number("x"), 0u);
    EXPECT_THAT(parse_numbers("1 2 \n"), ElementsAre(1, 2));
    EXPECT_EQ(parse_keyed("a 1\nbad\nb 2\n")["b"], 2u);
    EXPECT_THAT(parse_pids("1\n22\n\nx\n"), ElementsAre(1, 22));
    auto io = parse_blkio("8:0 Read 10\n8:0 Total 10\nTotal 10\n");
    ASSERT_EQ(io.size(), 2u);
    EXPECT_EQ(io[0].op, "Read");
    EXPECT_EQ(io[1].value, 10u);
    auto pressure = parse_pressure("some avg10=1.25 avg60=0.00 avg300=0.03 total=99\n"
                                   "full avg10=100.00 avg60=0.00 avg300=0.00 total=7\n");
    ASSERT_TRUE(pressure.has_value());
    EXPECT_DOUBLE_EQ(pressure->some.avg10, 1.25);
    EXPECT_DOUBLE_EQ(pressure->some.avg300, 0.03);
    EXPECT_EQ(pressure->some.total_us, 99u);
    EXPECT_DOUBLE_EQ(pressure->full.avg10, 100);
    EXPECT_EQ(pressure->full.total_us, 7u);
    EXPECT_FALSE(parse_pressure("").has_value());
    EXPECT_DOUBLE_EQ(parse_pressure("some avg10=x avg60=1 total=\n")->some.avg10, 0);
    Usage usage;
    parse_io_stat("8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n", usage);
    EXPECT_EQ(usage.io_service_bytes.at(1).value, 2u);
    EXPECT_EQ(usage.io_serviced.at(0).minor, 16u);
}

} // namespace
} // namespace hull::kernel::cgroup
