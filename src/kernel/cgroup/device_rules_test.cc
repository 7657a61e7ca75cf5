#include "kernel/cgroup/device_reference.h"
#include "kernel/cgroup/device_rules.h"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hull::kernel::cgroup {
namespace {

using model::oci::DeviceRule;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

const DeviceRule deny_all{.allow = false, .type = "", .major = {}, .minor = {}, .access = "rwm"};
const DeviceRule allow_all{.allow = true, .type = "a", .major = {}, .minor = {}, .access = "rwm"};

DeviceRule rule(bool allow, const char* type, std::optional<int64_t> major, std::optional<int64_t> minor,
                const char* access) {
    return {.allow = allow, .type = type, .major = major, .minor = minor, .access = access};
}

using reference::allowed;
using reference::Request;

bool run(const std::string& program, const Request& r) {
    auto verdict = reference::verdict_of(program, r);
    EXPECT_TRUE(verdict) << "not a program";
    return verdict.value_or(false);
}

// The kernel's model of v1's writes.
bool run(const std::vector<Write>& writes, const Request& r) {
    bool allow = true;
    std::vector<std::pair<DeviceMatch, bool>> exceptions;
    for (const Write& w : writes) {
        bool is_allow = w.file == "devices.allow";
        if (w.value == "a") {
            allow = is_allow;
            continue;
        }
        char type = 0, major[16], minor[16], access[4];
        EXPECT_EQ(sscanf(w.value.c_str(), "%c %15[^:]:%15s %3s", &type, major, minor, access), 4) << w.value;
        DeviceMatch m;
        m.type = type;
        m.major = major[0] == '*' ? -1 : atoi(major);
        m.minor = minor[0] == '*' ? -1 : atoi(minor);
        m.access = 0;
        for (const char* c = access; *c; ++c)
            m.access |= *c == 'r' ? access_read : *c == 'w' ? access_write : access_mknod;
        EXPECT_NE(is_allow, allow) << "an exception that says what the default says: " << w.value;
        exceptions.emplace_back(m, is_allow);
    }
    auto covers = [&](const DeviceMatch& m) {
        return m.type == r.type && (m.major == -1 || m.major == r.major) && (m.minor == -1 || m.minor == r.minor);
    };
    uint8_t matched = 0;
    for (const auto& [m, is_allow] : exceptions)
        if (covers(m)) matched |= m.access;
    return allow ? (matched & r.access) == 0 : (r.access & ~matched) == 0;
}

TEST(DeviceRules, NoRulesMeanNoRestriction) {
    auto rules = normalise({});
    ASSERT_TRUE(rules.ok());
    EXPECT_THAT(*rules, IsEmpty());
    EXPECT_EQ(device_program(*rules), "");
    EXPECT_THAT(*device_writes(*rules), IsEmpty());
}

TEST(DeviceRules, AllowsTheDevicesOfEveryContainerAfterDenyAll) {
    auto rules = *normalise({deny_all});
    std::string program = device_program(rules);
    auto writes = *device_writes(rules);
    for (auto& [major, minor] :
         std::vector<std::pair<int, int>>{{1, 3}, {1, 5}, {1, 7}, {1, 8}, {1, 9}, {5, 0}, {5, 2}, {136, 7}}) {
        Request r{'c', major, minor, access_read | access_write};
        EXPECT_TRUE(run(program, r)) << major << ":" << minor;
        EXPECT_TRUE(run(writes, r)) << major << ":" << minor;
    }
    EXPECT_FALSE(run(program, {'b', 8, 0, access_read}));
    EXPECT_TRUE(run(program, {'b', 8, 0, access_mknod}));
    EXPECT_FALSE(run(program, {'c', 10, 229, access_read}));
    EXPECT_FALSE(run(writes, {'c', 10, 229, access_read}));
}

TEST(DeviceRules, PrivilegedIsOneWrite) {
    EXPECT_THAT(*device_writes(*normalise({deny_all, allow_all})),
                ElementsAre(Write{.file = "devices.allow", .value = "a"}));
}

TEST(DeviceRules, RulesWithoutALeadingDenyAllDenyTheRest) {
    auto program = device_program(*normalise({rule(true, "c", 10, 229, "rw")}));
    EXPECT_TRUE(run(program, {'c', 10, 229, access_read | access_write}));
    EXPECT_FALSE(run(program, {'c', 10, 230, access_read}));
}

TEST(DeviceRules, JoinsRightsThatSeveralRulesGive) {
    auto rules = *normalise({deny_all, rule(true, "b", 8, 0, "r"), rule(true, "b", 8, 0, "w")});
    EXPECT_TRUE(run(device_program(rules), {'b', 8, 0, access_read | access_write}));
    EXPECT_THAT(*device_writes(rules), Contains(Write{.file = "devices.allow", .value = "b 8:0 rw"}));
}

TEST(DeviceRules, ALaterRuleTakesPartOfAnEarlierOneAway) {
    auto rules = *normalise({deny_all, rule(true, "b", 8, {}, "rwm"), rule(false, "b", 8, 1, "w")});
    auto program = device_program(rules);
    EXPECT_TRUE(run(program, {'b', 8, 1, access_read}));
    EXPECT_FALSE(run(program, {'b', 8, 1, access_read | access_write}));
    EXPECT_TRUE(run(program, {'b', 8, 2, access_write}));
    // v1 has no way to say that.
    auto writes = device_writes(rules);
    ASSERT_FALSE(writes.ok());
    EXPECT_EQ(writes.error().kind(), ErrorKind::unsupported);
}

TEST(DeviceRules, TypeAWithNumbersMeansBoth) {
    auto program = device_program(*normalise({deny_all, rule(true, "a", 9, 1, "rwm")}));
    EXPECT_TRUE(run(program, {'b', 9, 1, access_read}));
    EXPECT_TRUE(run(program, {'c', 9, 1, access_read}));
}

TEST(DeviceRules, RefusesNonsense) {
    EXPECT_FALSE(normalise({rule(true, "x", 1, 1, "r")}).ok());
    EXPECT_EQ(normalise({rule(true, "a", {}, {}, ""), rule(true, "c", 1, 1, "rx")}).error().message(),
              "linux.resources.devices[1].access: \"rx\": is not made of r, w and m");
    EXPECT_FALSE(normalise({rule(true, "c", -2, 1, "r")}).ok());
    EXPECT_FALSE(normalise({rule(true, "c", int64_t{1} << 32, 1, "r")}).ok());
}

TEST(DeviceRules, BothVariantsDoWhatTheRulesSay) {
    std::mt19937 random(7);
    auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    const char* accesses[] = {"r", "w", "m", "rw", "rm", "wm", "rwm", ""};
    const char* types[] = {"b", "c", "a", ""};
    int compared = 0;
    for (int round = 0; round < 3000; ++round) {
        std::vector<DeviceRule> list;
        for (int n = 1 + pick(6); n > 0; --n) {
            auto number = [&]() -> std::optional<int64_t> {
                return pick(3) == 0 ? std::nullopt : std::optional<int64_t>(pick(3));
            };
            list.push_back(rule(pick(2), types[pick(4)], number(), number(), accesses[pick(8)]));
        }
        auto rules = *normalise(list);
        std::string program = device_program(rules);
        auto writes = device_writes(rules);
        for (int tries = 0; tries < 10; ++tries) {
            Request r{pick(2) ? 'b' : 'c', pick(4), pick(4), static_cast<uint8_t>(1 + pick(7))};
            bool expected = allowed(rules, r);
            ASSERT_EQ(run(program, r), expected);
            if (writes.ok()) {
                ASSERT_EQ(run(*writes, r), expected);
            }
            compared += writes.ok();
        }
    }
    EXPECT_GT(compared, 1000);
}

} // namespace
} // namespace hull::kernel::cgroup
