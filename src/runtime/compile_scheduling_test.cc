#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/compile_parts.h"

namespace hull::runtime {
namespace {

using testing::Eq;
using testing::HasSubstr;
using testing::StartsWith;

TEST(CompileScheduler, words_become_the_kernels_numbers) {
    model::oci::Scheduler config;
    config.policy = "SCHED_FIFO";
    config.priority = 10;
    config.flags = {"SCHED_FLAG_RESET_ON_FORK"};
    auto plan = compile_scheduler(config);
    ASSERT_TRUE(plan.ok()) << plan.error().message();
    EXPECT_EQ(plan->policy, 1u);
    EXPECT_EQ(plan->priority, 10u);
    EXPECT_EQ(plan->flags, 1u);
    config = {};
    config.policy = "SCHED_DEADLINE";
    config.runtime = 1'000'000;
    config.deadline = config.period = 10'000'000;
    EXPECT_EQ(compile_scheduler(config)->period, 10'000'000u);
}

TEST(CompileScheduler, what_does_not_fit_together_is_refused_by_name) {
    auto refused = [](const char* policy, int nice, int priority, uint64_t runtime) {
        model::oci::Scheduler config;
        config.policy = policy;
        config.nice = nice;
        config.priority = priority;
        config.runtime = runtime;
        auto plan = compile_scheduler(config);
        return plan.ok() ? std::string() : plan.error().message();
    };
    EXPECT_THAT(refused("SCHED_FAIR", 0, 0, 0), StartsWith(".policy: \"SCHED_FAIR\": unknown"));
    EXPECT_THAT(refused("SCHED_OTHER", 20, 0, 0), StartsWith(".nice: 20: "));
    EXPECT_THAT(refused("SCHED_OTHER", 0, 1, 0), HasSubstr("priority"));
    EXPECT_THAT(refused("SCHED_RR", 0, 0, 0), Eq(".priority: 0: is not within 1 to 99"));
    EXPECT_EQ(refused("SCHED_RR", 5, 1, 0), ""); // the kernel has no use for it, and doesn't mind
    EXPECT_THAT(refused("SCHED_BATCH", 0, 0, 1), HasSubstr("SCHED_DEADLINE"));
}

TEST(CompileIoPriority, class_and_level_are_one_number) {
    EXPECT_EQ(*compile_io_priority({"IOPRIO_CLASS_BE", 5}), 2 << 13 | 5);
    EXPECT_EQ(*compile_io_priority({"IOPRIO_CLASS_IDLE", 0}), 3 << 13);
    EXPECT_FALSE(compile_io_priority({"IOPRIO_CLASS_BE", 8}).ok());
    EXPECT_FALSE(compile_io_priority({"IOPRIO_CLASS_NONE", 0}).ok());
}

TEST(CompileMemoryPolicy, modes_say_whether_they_need_nodes) {
    auto plan = compile_memory_policy({"MPOL_BIND", "0,64", {"MPOL_F_STATIC_NODES"}});
    ASSERT_TRUE(plan.ok()) << plan.error().message();
    EXPECT_EQ(plan->mode, 2u | 1u << 15);
    EXPECT_EQ(plan->nodes, (std::vector<uint64_t>{1, 1}));
    EXPECT_TRUE(compile_memory_policy({"MPOL_PREFERRED", "", {}}).ok());
    EXPECT_FALSE(compile_memory_policy({"MPOL_BIND", "", {}}).ok());
    EXPECT_FALSE(compile_memory_policy({"MPOL_DEFAULT", "0", {}}).ok());
    EXPECT_FALSE(compile_memory_policy({"MPOL_BIND", "x", {}}).ok());
    EXPECT_FALSE(compile_memory_policy({"MPOL_BIND", "0", {"MPOL_F_NONE"}}).ok());
}

TEST(CompilePersonality, has_two_domains_and_no_flags) {
    EXPECT_EQ(*compile_personality({"LINUX", {}}), 0u);
    EXPECT_EQ(*compile_personality({"LINUX32", {}}), 8u);
    EXPECT_FALSE(compile_personality({"BSD", {}}).ok());
    EXPECT_FALSE(compile_personality({"LINUX", {"ADDR_NO_RANDOMIZE"}}).ok());
}

TEST(CompileTimeOffsets, are_lines_for_the_kernel) {
    model::oci::Linux config;
    Namespaces ns;
    EXPECT_EQ(*compile_time_offsets(config, ns), "");
    config.time_offsets["boottime"] = {-5, 7};
    EXPECT_FALSE(compile_time_offsets(config, ns).ok());
    ns.time.mode = NamespaceUse::Mode::fresh;
    EXPECT_EQ(*compile_time_offsets(config, ns), "boottime -5 7\n");
    config.time_offsets["realtime"] = {1, 0};
    EXPECT_THAT(compile_time_offsets(config, ns).error().message(), HasSubstr("timeOffsets.realtime"));
    config.time_offsets.erase("realtime");
    config.time_offsets["monotonic"] = {0, 1'000'000'000};
    EXPECT_THAT(compile_time_offsets(config, ns).error().message(), HasSubstr("timeOffsets.monotonic.nanosecs"));
}

} // namespace
} // namespace hull::runtime
