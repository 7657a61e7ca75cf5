#include "kernel/cgroup/systemd/properties.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/cgroup/systemd/scope.h"
#include "kernel/cgroup/systemd/unit.h"

namespace hull::kernel::cgroup::systemd {
namespace {

using model::oci::DeviceRule;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

constexpr uint64_t infinity = UINT64_MAX;

NamedValues of(std::vector<Write> writes) { return limit_properties(writes); }

TEST(SystemdUnit, IsAScopeInASlice) {
    auto p = place("", "hull-runtime", "a1", Instance::system);
    EXPECT_EQ(p->unit, "hull-runtime-a1.scope");
    EXPECT_EQ(p->slice, "system.slice");
    EXPECT_EQ(p->path, "/system.slice/hull-runtime-a1.scope");
    p = place("machine-qemu.slice:libpod:b2", "x", "y", Instance::system);
    EXPECT_EQ(p->path, "/machine.slice/machine-qemu.slice/libpod-b2.scope");
    EXPECT_EQ(place(":p:n", "x", "y", Instance::user)->slice, "user.slice");
    EXPECT_EQ(place("-.slice:p:n", "x", "y", Instance::system)->path, "/p-n.scope");
    EXPECT_EQ(place("-:p:n", "x", "y", Instance::system)->slice, "-.slice");
    EXPECT_EQ(place("a.slice::n", "x", "y", Instance::system)->unit, "-n.scope");
}

TEST(SystemdUnit, SlicesLieInSlices) {
    EXPECT_EQ(*expand_slice("a-b-c.slice"), "/a.slice/a-b.slice/a-b-c.slice");
    EXPECT_EQ(*expand_slice("-.slice"), "");
    for (const char* bad : {"", ".slice", "a", "a/b.slice", "-a.slice", "a-.slice", "a--b.slice", "a b.slice"})
        EXPECT_FALSE(expand_slice(bad).ok()) << bad;
}

TEST(SystemdUnit, OtherPathsSayWhatIsExpected) {
    EXPECT_THAT(place("/a/b", "x", "y", Instance::system).error().message(), HasSubstr("slice:prefix:name"));
    EXPECT_THAT(place(":p:b.slice", "x", "y", Instance::system).error().message(), HasSubstr("can't hold processes"));
    EXPECT_FALSE(place(":p:a/b", "x", "y", Instance::system).ok());
    EXPECT_FALSE(place(":p:" + std::string(300, 'n'), "x", "y", Instance::system).ok());
}

TEST(SystemdProperties, SayLimitsOfV2) {
    EXPECT_THAT(of({{"memory.max", "1000"},
                    {"memory.swap.max", "0"},
                    {"memory.low", "max"},
                    {"pids.max", "7"},
                    {"cpu.weight", "100"},
                    {"cpuset.cpus", "0-2,9"},
                    {"cpuset.mems", "0"},
                    {"hugetlb.2MB.max", "0"}}),
                UnorderedElementsAre(Pair("MemoryMax", Value(uint64_t{1000})),
                                     Pair("MemorySwapMax", Value(uint64_t{0})), Pair("MemoryLow", Value(infinity)),
                                     Pair("TasksMax", Value(uint64_t{7})), Pair("CPUWeight", Value(uint64_t{100})),
                                     Pair("AllowedCPUs", Value(Bytes{std::string("\x07\x02", 2)})),
                                     Pair("AllowedMemoryNodes", Value(Bytes{"\x01"}))));
}

TEST(SystemdProperties, SayLimitsOfV1) {
    EXPECT_THAT(of({{"memory.limit_in_bytes", "-1"},
                    {"cpu.shares", "512"},
                    {"blkio.weight", "300"},
                    {"cpuset.mems", "", IfMissing::fail, true},
                    {"pids.max", "max"}}),
                UnorderedElementsAre(Pair("MemoryLimit", Value(infinity)), Pair("CPUShares", Value(uint64_t{512})),
                                     Pair("BlockIOWeight", Value(uint64_t{300})), Pair("TasksMax", Value(infinity))));
}

TEST(SystemdProperties, TurnAQuotaIntoATimePerSecond) {
    auto quota = [](const char* text) { return std::get<uint64_t>(of({{"cpu.max", text}})["CPUQuotaPerSecUSec"]); };
    EXPECT_EQ(quota("50000 100000"), 500'000u);
    EXPECT_EQ(quota("50000"), 500'000u);        // of the kernel's own period
    EXPECT_EQ(quota("33333 100000"), 340'000u); // up to a hundredth of a second
    EXPECT_EQ(quota("max 50000"), infinity);
    EXPECT_EQ(quota("400000 100000"), 4'000'000u);
    auto v1 = of({{"cpu.cfs_period_us", "20000"}, {"cpu.cfs_quota_us", "10000"}});
    EXPECT_EQ(v1["CPUQuotaPeriodUSec"], Value(uint64_t{20000}));
    EXPECT_EQ(v1["CPUQuotaPerSecUSec"], Value(uint64_t{500'000}));
    EXPECT_EQ(of({{"cpu.cfs_quota_us", "-1"}})["CPUQuotaPerSecUSec"], Value(infinity));
}

TEST(SystemdProperties, NameDevicesByTheirNumbers) {
    EXPECT_THAT(of({{"io.weight", "default 910"},
                    {"io.weight", "8:0 5"},
                    {"io.max", "8:0 rbps=10 wiops=max"},
                    {"io.max", "8:16 rbps=20"}}),
                UnorderedElementsAre(
                    Pair("IOWeight", Value(uint64_t{910})),
                    Pair("IODeviceWeight", Value(TextNumbers{{"/dev/block/8:0", 5}})),
                    Pair("IOReadBandwidthMax", Value(TextNumbers{{"/dev/block/8:0", 10}, {"/dev/block/8:16", 20}})),
                    Pair("IOWriteIOPSMax", Value(TextNumbers{{"/dev/block/8:0", infinity}}))));
}

NamedValues devices(std::vector<DeviceRule> rules) { return device_properties(*normalise(rules)); }

TEST(SystemdProperties, AllowDevicesOneByOne) {
    auto p = devices({{.allow = false, .type = "a", .major = {}, .minor = {}, .access = "rwm"},
                      {.allow = true, .type = "b", .major = 8, .minor = 3, .access = "r"},
                      {.allow = true, .type = "c", .major = 10, .minor = {}, .access = "rw"}});
    EXPECT_EQ(p["DevicePolicy"], Value(std::string("strict")));
    const auto& list = std::get<TextPairs>(p["DeviceAllow"]);
    EXPECT_THAT(list, testing::IsSupersetOf(TextPairs{
                          {"/dev/block/8:3", "r"}, {"char-10", "rw"}, {"char-*", "m"}, {"/dev/char/1:3", "rwm"}}));
}

TEST(SystemdProperties, SayNothingOfDevicesThatTheyHaveNoWordsFor) {
    EXPECT_THAT(devices({}), IsEmpty());
    EXPECT_THAT(devices({{.allow = true, .type = "a", .major = {}, .minor = {}, .access = "rwm"}}), IsEmpty());
    EXPECT_THAT(devices({{.allow = true, .type = "c", .major = {}, .minor = 5, .access = "r"}}), IsEmpty());
}

TEST(SystemdProperties, BitsOfAListHaveABound) {
    EXPECT_EQ(bits_of_list("0,2-3"), "\x0d");
    EXPECT_EQ(bits_of_list(" 8 , "), std::string("\0\x01", 2));
    for (const char* bad : {"", "x", "3-1", "1-", "-1", "4000000000"}) EXPECT_EQ(bits_of_list(bad), "") << bad;
}

Value annotated(const char* name, const char* text) {
    auto found = annotation_properties({{std::string("org.systemd.property.") + name, text}});
    return found.ok() ? found->begin()->second : Value(std::string("refused"));
}

TEST(SystemdAnnotations, AreReadInGVariantsTextForm) {
    EXPECT_EQ(annotated("Abc", "true"), Value(true));
    EXPECT_EQ(annotated("Abc", "5"), Value(int32_t{5}));
    EXPECT_EQ(annotated("Abc", "uint64 18446744073709551615"), Value(UINT64_MAX));
    EXPECT_EQ(annotated("Abc", "byte 7"), Value(uint8_t{7}));
    EXPECT_EQ(annotated("Abc", "-1.5"), Value(-1.5));
    EXPECT_EQ(annotated("Abc", " 'it\\'s' "), Value(std::string("it's")));
    EXPECT_EQ(annotated("Abc", "\"a\\nb\""), Value(std::string("a\nb")));
    EXPECT_EQ(annotated("Abc", "['a', \"b\"]"), Value(std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(annotated("Abc", "@as []"), Value(std::vector<std::string>{}));
    for (const char* bad : {"", "'a", "tru", "uint64 -1", "byte 256", "[1", "['a' 'b']", "['a',", "uint64", "5 6 7",
                            "1.5.2", "int32 2147483648", "{'a': 1}"})
        EXPECT_EQ(annotated("Abc", bad), Value(std::string("refused"))) << bad;
}

TEST(SystemdAnnotations, TakeSeconds) {
    auto found = annotation_properties({{"org.systemd.property.TimeoutStopSec", "uint64 2"},
                                        {"org.systemd.property.RuntimeMaxSec", "1.5"},
                                        {"org.systemd.property.RandomizedUSec", "uint64 3"},
                                        {"org.other", "x"}});
    ASSERT_TRUE(found.ok()) << found.error().message();
    EXPECT_THAT(*found, UnorderedElementsAre(Pair("TimeoutStopUSec", Value(uint64_t{2'000'000})),
                                             Pair("RuntimeMaxUSec", Value(uint64_t{1'500'000})),
                                             Pair("RandomizedUSec", Value(uint64_t{3}))));
    EXPECT_EQ(annotated("AbcSec", "-1"), Value(std::string("refused")));
    EXPECT_EQ(annotated("AbcSec", "'x'"), Value(std::string("refused")));
    EXPECT_FALSE(annotation_properties({{"org.systemd.property.A-b", "true"}}).ok());
    EXPECT_FALSE(annotation_properties({{"org.systemd.property.", "true"}}).ok());
}

TEST(SystemdScope, LeavesSystemdsOwnHierarchyAlone) {
    Plan plan;
    plan.dirs = {{"/cg/memory", "/s.slice/u.scope", "memory", false, {{"memory.limit_in_bytes", "5"}}, {}, {}},
                 {"/cg/systemd", "/s.slice/u.scope", "systemd", false, {}, {}, {}}};
    ASSERT_TRUE(put_in_scope(plan, Version::v1, {}, {"unix:path=/b", "u.scope", "s.slice", "d", {}}).ok());
    ASSERT_EQ(plan.dirs.size(), 1u);
    EXPECT_EQ(plan.dirs[0].name, "memory");
    EXPECT_EQ(plan.scope.unit, "u.scope");
    for (const char* name : {"MemoryLimit", "Slice", "Delegate", "BlockIOAccounting", "DefaultDependencies"})
        EXPECT_THAT(plan.scope.properties, HasSubstr(name));
}

TEST(SystemdScope, AnUpdateOfThePeriodAloneLeavesTheQuota) {
    Plan plan;
    plan.dirs = {{"/cg", "/u.scope", "", true, {{"cpu.max", "max 50000"}}, {}, {}}};
    model::oci::Resources r;
    r.cpu.emplace().period = 50000;
    EXPECT_THAT(update_properties(plan, r), Not(HasSubstr("CPUQuotaPerSecUSec")));
    r.cpu->quota = -1;
    EXPECT_THAT(update_properties(plan, r), HasSubstr("CPUQuotaPerSecUSec"));
}

} // namespace
} // namespace hull::kernel::cgroup::systemd
