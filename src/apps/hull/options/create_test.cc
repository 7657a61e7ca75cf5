#include "apps/hull/options/create.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hull::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Words = std::vector<std::string>;

Result<Creation> read(Words words, std::vector<std::pair<std::string, std::string>> proxy = {}) {
    Flags flags = TRY(Flags::parse({run_flags(), create_flags()}, words, Order::flags_first));
    return read_creation(flags, proxy);
}
std::string creation_error(Words words) {
    auto creation = read(std::move(words));
    return creation.ok() ? "" : creation.error().message();
}

TEST(Create, SplitsImageAndCommand) {
    auto c = read({"-it", "--name", "n", "image:tag", "sh", "-c", "--rm"});
    ASSERT_TRUE(c.ok()) << c.error().message();
    EXPECT_EQ(c->name, "n");
    EXPECT_EQ(c->request.config.image, "image:tag");
    EXPECT_THAT(*c->request.config.cmd, ElementsAre("sh", "-c", "--rm"));
    EXPECT_TRUE(c->request.config.tty);
    EXPECT_TRUE(c->request.config.open_stdin);
    EXPECT_FALSE(c->request.host_config.auto_remove);
    EXPECT_EQ(c->request.host_config.network_mode, "default");
    EXPECT_FALSE(read({"image"})->request.config.cmd.has_value());
}

TEST(Create, Resources) {
    auto c = read({"-m", "64m", "--memory-swap=-1", "--cpus", ".5", "--pids-limit", "7", "--ulimit", "nofile=1:2",
                   "--shm-size=1m", "--oom-kill-disable", "i"});
    ASSERT_TRUE(c.ok()) << c.error().message();
    const auto& host = c->request.host_config;
    EXPECT_EQ(host.memory, 64 << 20);
    EXPECT_EQ(host.memory_swap, -1);
    EXPECT_EQ(host.nano_cpus, 500'000'000);
    EXPECT_EQ(*host.pids_limit, 7);
    EXPECT_EQ(host.ulimits[0].hard, 2);
    EXPECT_EQ(host.shm_size, 1 << 20);
    EXPECT_TRUE(*host.oom_kill_disable);
    EXPECT_FALSE(read({"i"})->request.host_config.pids_limit.has_value());
}

TEST(Create, EntrypointCanBeTakenAway) {
    EXPECT_THAT(*read({"--entrypoint", "", "i"})->request.config.entrypoint, ElementsAre(""));
    EXPECT_FALSE(read({"i"})->request.config.entrypoint.has_value());
}

TEST(Create, Healthchecks) {
    auto c = read({"--health-cmd", "true", "--health-interval=5s", "--health-retries", "2", "i"});
    EXPECT_THAT(c->request.config.healthcheck->test, ElementsAre("CMD-SHELL", "true"));
    EXPECT_EQ(c->request.config.healthcheck->interval, 5'000'000'000);
    EXPECT_THAT(read({"--no-healthcheck", "i"})->request.config.healthcheck->test, ElementsAre("NONE"));
    EXPECT_EQ(creation_error({"--no-healthcheck", "--health-cmd=x", "i"}),
              "--no-healthcheck conflicts with --health-* options");
}

TEST(Create, Networks) {
    EXPECT_EQ(read({"--net=none", "i"})->request.host_config.network_mode, "none");
    EXPECT_TRUE(read({"--network", "host", "i"})->request.networking_config.endpoints_config.empty());
    auto c = read({"--network", "name=web,alias=a,ip=10.0.0.5", "i"});
    ASSERT_TRUE(c.ok()) << c.error().message();
    EXPECT_EQ(c->request.host_config.network_mode, "web");
    const auto& endpoint = c->request.networking_config.endpoints_config.at("web");
    EXPECT_THAT(endpoint.aliases, ElementsAre("a"));
    EXPECT_EQ(endpoint.ipam_config->ipv4_address, "10.0.0.5");
    EXPECT_EQ(creation_error({"--network=a", "--network=host", "i"}),
              "conflicting options: cannot attach both user-defined and non-user-defined network-modes");
    EXPECT_EQ(creation_error({"--network=a", "--network=a", "i"}), "network \"a\" is specified multiple times");
}

TEST(Create, Conflicts) {
    EXPECT_EQ(creation_error({"--rm", "--restart=always", "i"}),
              "conflicting options: cannot specify both --restart and --rm");
    EXPECT_THAT(creation_error({"--userns=x", "i"}), HasSubstr("invalid USER mode"));
    EXPECT_THAT(creation_error({"--pull=sometimes", "i"}), HasSubstr("invalid pull option: 'sometimes'"));
    EXPECT_THAT(creation_error({"--cpu-count=1", "i"}), HasSubstr("running on windows"));
    EXPECT_THAT(creation_error({"--use-api-socket", "i"}), HasSubstr("not supported"));
}

TEST(Create, ProxiesOfTheConfigurationYieldToTheCommandLine) {
    auto c = read({"-e", "http_proxy=mine", "i"}, {{"http_proxy", "theirs"}, {"no_proxy", "x"}});
    EXPECT_THAT(c->request.config.env, ElementsAre("http_proxy=mine", "no_proxy=x"));
}

TEST(Create, Attachments) {
    auto attach = [](Words words, bool detach) {
        auto flags = std::move(Flags::parse({run_flags(), create_flags()}, words, Order::flags_first)).value();
        model::ContainerConfig config;
        config.open_stdin = flags.on("interactive");
        auto a = read_attachment(flags, detach, config);
        if (!a.ok()) return a.error().message();
        return std::string(a->in ? "i" : "") + (a->out ? "o" : "") + (a->err ? "e" : "") +
               (config.stdin_once ? "1" : "");
    };
    EXPECT_EQ(attach({"i"}, false), "oe");
    EXPECT_EQ(attach({"-i", "i"}, false), "ioe1");
    EXPECT_EQ(attach({"-i", "i"}, true), "");
    EXPECT_EQ(attach({"-a", "STDERR", "i"}, false), "e");
    EXPECT_EQ(attach({"-a", "stdout", "i"}, true), "conflicting options: cannot specify both --attach and --detach");
    EXPECT_THAT(attach({"-a", "x", "i"}, false), HasSubstr("valid streams are"));
}

} // namespace
} // namespace hull::cli
