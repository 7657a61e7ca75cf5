#include "apps/hull-runtime/features.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/caps.h"
#include "kernel/mount_options.h"
#include "kernel/seccomp/seccomp.h"
#include "model/oci_spec.h"

namespace hull::oci_runtime {
namespace {

using testing::IsSupersetOf;
using testing::MatchesRegex;

std::vector<std::string> texts(const json::Value& array) {
    std::vector<std::string> out;
    for (const json::Value& v : array.as_array()) out.emplace_back(v.as_string());
    std::set<std::string> unique(out.begin(), out.end());
    EXPECT_EQ(unique.size(), out.size()) << "a name is there twice";
    return out;
}

const json::Value& in_linux(const json::Object& features, const char* name) {
    return features.at("linux").as_object().at(name);
}

// The shape of the specification's features schema.
TEST(Features, HaveTheShapeOfTheSpecification) {
    json::Object f = features();
    EXPECT_THAT(std::string(f.at("ociVersionMin").as_string()), MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
    EXPECT_THAT(std::string(f.at("ociVersionMax").as_string()), MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
    for (const auto& pair : f.at("annotations").as_object()) EXPECT_TRUE(pair.value().is_string());
    for (const char* name : {"v1", "v2", "systemd", "systemdUser", "rdma"})
        EXPECT_TRUE(in_linux(f, "cgroup").as_object().at(name).is_bool()) << name;
    for (const char* name : {"seccomp", "apparmor", "selinux", "intelRdt", "netDevices"})
        EXPECT_TRUE(in_linux(f, name).as_object().at("enabled").is_bool()) << name;
    EXPECT_TRUE(in_linux(f, "mountExtensions").as_object().at("idmap").as_object().at("enabled").is_bool());
    static const std::set<std::string, std::less<>> known{"ociVersionMin",
                                                          "ociVersionMax",
                                                          "hooks",
                                                          "mountOptions",
                                                          "linux",
                                                          "annotations",
                                                          "potentiallyUnsafeConfigAnnotations"};
    for (const auto& pair : f) EXPECT_TRUE(known.contains(std::string_view(pair.key()))) << pair.key();
}

TEST(Features, NameHooksNamespacesAndCapabilitiesOfTheSpecification) {
    json::Object f = features();
    EXPECT_EQ(texts(f.at("hooks")).size(), 6U);
    EXPECT_THAT(texts(in_linux(f, "namespaces")),
                IsSupersetOf({"cgroup", "ipc", "mount", "network", "pid", "user", "uts"}));
    auto capabilities = texts(in_linux(f, "capabilities"));
    EXPECT_EQ(capabilities.size(), static_cast<size_t>(kernel::known_capabilities));
    for (const auto& name : capabilities) {
        EXPECT_THAT(name, MatchesRegex("CAP_[A-Z_]+"));
        EXPECT_TRUE(kernel::capability_number(name)) << name;
    }
}

TEST(Features, EveryMountOptionIsTaken) {
    auto names = texts(features().at("mountOptions"));
    EXPECT_THAT(names, IsSupersetOf({"bind", "idmap", "nosymfollow", "ro", "rro", "rnoatime", "rslave", "tmpcopyup"}));
    for (const std::string& name : names) {
        auto parsed = kernel::parse_mount_options(std::vector{name}, false);
        ASSERT_TRUE(parsed.ok()) << name << ": " << parsed.error().message();
        // Not one of them goes through to the file system unread, but for the few that only it can do.
        bool for_filesystem = name == "sync" || name == "dirsync" || name == "lazytime" || name == "mand" ||
                              name == "iversion" || name == "acl" || name.starts_with("no");
        if (!for_filesystem) {
            EXPECT_EQ(parsed->data, "") << name;
        }
    }
}

TEST(Features, EveryWordOfSeccompIsTaken) {
    json::Object f = features();
    const json::Object& seccomp = in_linux(f, "seccomp").as_object();
    auto compiles = [](auto change) {
        model::oci::Seccomp profile;
        profile.default_action = "SCMP_ACT_ALLOW";
        profile.architectures = {"SCMP_ARCH_X86_64"};
        auto& rule = profile.syscalls.emplace_back();
        rule.names = {"getpid"};
        rule.action = "SCMP_ACT_ERRNO";
        change(profile, rule);
        auto filter = kernel::seccomp::compile(profile);
        EXPECT_TRUE(filter.ok()) << filter.error().message();
    };
    for (const std::string& name : texts(seccomp.at("actions")))
        compiles([&](auto& profile, auto& rule) {
            rule.action = name;
            if (name == "SCMP_ACT_NOTIFY") profile.listener_path = "/run/agent";
        });
    for (const std::string& name : texts(seccomp.at("operators")))
        compiles([&](auto&, auto& rule) { rule.args = {{0, 1, 1, name}}; });
    for (const std::string& name : texts(seccomp.at("archs")))
        compiles([&](auto& profile, auto&) { profile.architectures.push_back(name); });
    for (const std::string& name : texts(seccomp.at("supportedFlags")))
        compiles([&](auto& profile, auto&) { profile.flags = {name}; });
}

} // namespace
} // namespace hull::oci_runtime
