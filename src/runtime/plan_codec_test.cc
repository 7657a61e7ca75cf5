#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "runtime/plan.h"
#include "runtime/report_writer.h"

namespace hull::runtime {
namespace {

MountPlan any_mount() {
    MountPlan mount;
    mount.kind = *rc::gen::element(MountPlan::Kind::bind, MountPlan::Kind::dev, MountPlan::Kind::filesystem);
    mount.idmap = *rc::gen::element(MountPlan::IdMap::none, MountPlan::IdMap::own);
    mount.target = *rc::gen::arbitrary<std::string>();
    mount.source = *rc::gen::arbitrary<std::string>();
    mount.attr_set = *rc::gen::arbitrary<uint64_t>();
    mount.recursive = *rc::gen::arbitrary<bool>();
    mount.uid_map = {{*rc::gen::arbitrary<uint32_t>(), 2, 3}};
    return mount;
}

Plan any_plan() {
    Plan plan;
    plan.id = *rc::gen::arbitrary<std::string>();
    plan.ns.net = {NamespaceUse::Mode::join, *rc::gen::arbitrary<int>(), *rc::gen::arbitrary<std::string>()};
    plan.uid_map = {{0, *rc::gen::arbitrary<uint32_t>(), 65536}};
    plan.rootfs.lower = *rc::gen::arbitrary<std::vector<std::string>>();
    plan.mounts = {any_mount(), any_mount()};
    plan.devices = {{"/dev/x", 'b', *rc::gen::arbitrary<uint32_t>(), 2, 0600, 1, 2}};
    plan.masked_paths = *rc::gen::arbitrary<std::vector<std::string>>();
    plan.sysctls = {{"net.a", *rc::gen::arbitrary<std::string>()}};
    plan.cgroup.dirs = {{"/sys/fs/cgroup/pids",
                         "/x",
                         "pids",
                         false,
                         {{"pids.max", "5", kernel::cgroup::IfMissing::skip, false}},
                         {{"pids.max", "1"}},
                         "bytes"}};
    plan.process.args = *rc::gen::arbitrary<std::vector<std::string>>();
    plan.process.env = *rc::gen::arbitrary<std::vector<std::string>>();
    plan.process.seccomp = *rc::gen::arbitrary<std::string>();
    plan.process.seccomp_listener = *rc::gen::arbitrary<std::string>();
    plan.process.seccomp_metadata = *rc::gen::arbitrary<std::string>();
    plan.process.oom_score_adj = *rc::gen::arbitrary<int>();
    plan.process.rlimits = {{7, *rc::gen::arbitrary<uint64_t>(), 9}};
    plan.gate = Gate::socket;
    plan.start_container_hooks = {{"/hook", {"a"}, {"b=c"}, 5}};
    return plan;
}

RC_GTEST_PROP(PlanCodec, decode_undoes_encode, ()) {
    Plan plan = any_plan();
    std::string bytes = encode(plan);
    auto decoded = decode_plan(bytes);
    RC_ASSERT(decoded.ok());
    RC_ASSERT(encode(*decoded) == bytes);
    RC_ASSERT(decoded->mounts.back().target == plan.mounts.back().target);
    RC_ASSERT(decoded->process.args == plan.process.args);
    RC_ASSERT(decoded->cgroup == plan.cgroup);
}

RC_GTEST_PROP(PlanCodec, what_is_cut_short_is_refused, ()) {
    std::string bytes = encode(any_plan());
    size_t length = *rc::gen::inRange<size_t>(0, bytes.size());
    RC_ASSERT(!decode_plan(std::string_view(bytes).substr(0, length)).ok());
    RC_ASSERT(!decode_plan(bytes + "x").ok());
}

RC_GTEST_PROP(PlanCodec, changed_bytes_never_crash, ()) {
    std::string bytes = encode(any_plan());
    for (int i = 0; i < 8; ++i) bytes[*rc::gen::inRange<size_t>(0, bytes.size())] = *rc::gen::arbitrary<char>();
    (void)decode_plan(bytes).ok();
}

TEST(PlanCodec, exec_plans_and_plans_are_not_mixed_up) {
    ExecPlan plan;
    plan.process.args = {"true"};
    auto decoded = decode_exec_plan(encode(plan));
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(decoded->process.args, plan.process.args);
    EXPECT_FALSE(decode_plan(encode(plan)).ok());
}

TEST(PlanCodec, a_plan_beyond_the_bound_is_too_large) {
    auto decoded = decode_plan(std::string(max_plan_bytes + 1, 'x'));
    ASSERT_FALSE(decoded.ok());
    EXPECT_EQ(decoded.error().kind(), ErrorKind::too_large);
}

TEST(Report, decode_undoes_encode_and_refuses_the_rest) {
    ReportMessage message;
    message.kind = ReportKind::failed;
    message.steps = {{"rootfs", 12}};
    message.error_message = "no";
    std::string bytes = encode_report(message);
    auto decoded = decode_report(bytes);
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(decoded->steps.front().name, "rootfs");
    EXPECT_EQ(decoded->error_message, "no");
    EXPECT_FALSE(decode_report(bytes.substr(1)).ok());
    bytes[0] = 99;
    EXPECT_FALSE(decode_report(bytes).ok());
}

} // namespace
} // namespace hull::runtime
