#include "codec/json.h"
#include "model/container.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hull::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;

TEST(CreateRequest, ReadsConfigHostConfigAndNetworks) {
    auto request = parse_create_request(R"({
        "Image": "busybox", "Cmd": ["true"], "Entrypoint": [], "ExposedPorts": {"80/tcp": {}},
        "Volumes": {"/data": {}}, "StopTimeout": -1, "Unknown": 1,
        "HostConfig": {"Binds": ["/a:/b"], "Memory": 1024, "Init": true, "MaskedPaths": [],
            "Mounts": [{"Type": "bind", "Source": "/s", "Target": "/t", "BindOptions": {"Propagation": "rslave"}},
                       {"Type": "volume", "Target": "/v", "VolumeOptions": {"NoCopy": true}}],
            "PortBindings": {"80/tcp": null}},
        "NetworkingConfig": {"EndpointsConfig": {"bridge": null, "other": {"IPAMConfig": {"IPv4Address": "10.0.0.2"}}}}})");
    ASSERT_TRUE(request.ok()) << request.error().message();
    EXPECT_EQ(request->config.image, "busybox");
    EXPECT_THAT(request->config.cmd, Optional(ElementsAre("true")));
    EXPECT_THAT(request->config.entrypoint, Optional(ElementsAre()));
    EXPECT_THAT(request->config.exposed_ports, ElementsAre("80/tcp"));
    EXPECT_THAT(request->config.volumes, ElementsAre("/data"));
    EXPECT_THAT(request->config.stop_timeout, Optional(-1));
    const HostConfig& host = request->host_config;
    EXPECT_THAT(host.binds, ElementsAre("/a:/b"));
    EXPECT_THAT(host.masked_paths, Optional(ElementsAre()));
    EXPECT_FALSE(host.readonly_paths);
    ASSERT_EQ(host.mounts.size(), 2U);
    EXPECT_EQ(host.mounts[0].bind_options->propagation, "rslave");
    EXPECT_EQ(host.mounts[1].volume_options, R"({"NoCopy":true})");
    EXPECT_TRUE(host.port_bindings.at("80/tcp").empty());
    EXPECT_EQ(request->networking_config.endpoints_config.at("other").ipam_config->ipv4_address, "10.0.0.2");
    EXPECT_TRUE(request->networking_config.endpoints_config.contains("bridge"));
}

TEST(CreateRequest, TakesACommandGivenAsText) {
    auto request = parse_create_request(R"({"Image": "x", "Cmd": "ls -l"})");
    ASSERT_TRUE(request.ok());
    EXPECT_THAT(request->config.cmd, Optional(ElementsAre("ls -l")));
}

TEST(CreateRequest, TakesTheRuntimeFromBesideTheHostConfig) {
    EXPECT_EQ(MUST(parse_create_request(R"({"Image": "x", "Runtime": "crun"})")).host_config.runtime, "crun");
    EXPECT_EQ(
        MUST(parse_create_request(R"({"Runtime": "crun", "HostConfig": {"Runtime": "runc"}})")).host_config.runtime,
        "runc");
}

TEST(CreateRequest, NamesTheFieldOfAWrongType) {
    auto request = parse_create_request(R"({"Image": "x", "HostConfig": {"Memory": "lots"}})");
    ASSERT_FALSE(request.ok());
    EXPECT_EQ(request.error().kind(), ErrorKind::invalid_argument);
    EXPECT_THAT(request.error().message(), HasSubstr("Memory"));
    EXPECT_FALSE(parse_create_request("[]").ok());
    EXPECT_FALSE(parse_create_request("{").ok());
}

TEST(HostConfigJson, EmptyOnesHaveDockersNullsAndLists) {
    std::string text = json::print(to_json(HostConfig{}));
    EXPECT_THAT(text, HasSubstr(R"("Binds":null)"));
    EXPECT_THAT(text, HasSubstr(R"("PortBindings":{})"));
    EXPECT_THAT(text, HasSubstr(R"("Dns":[])"));
    EXPECT_THAT(text, HasSubstr(R"("Devices":[])"));
    EXPECT_THAT(text, HasSubstr(R"("CapAdd":null)"));
    EXPECT_THAT(text, HasSubstr(R"("ConsoleSize":[0,0])"));
    EXPECT_THAT(text, testing::Not(HasSubstr("\"Mounts\"")));
    EXPECT_THAT(text, testing::Not(HasSubstr("\"Init\"")));
}

TEST(ContainerConfigJson, ReadsBackWhatItPrints) {
    ContainerConfig config;
    config.cmd = StringList{"a", "b"};
    config.entrypoint = StringList{};
    config.env = {"A=1"};
    config.exposed_ports = {"80/tcp", "53/udp"};
    config.volumes = {"/v"};
    config.healthcheck = Healthcheck{.test = {"CMD", "true"}, .interval = 5, .retries = 2};
    config.labels = {{"k", "v"}};
    auto again = container_config_from_json(to_json(config));
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(json::print(to_json(*again)), json::print(to_json(config)));
    EXPECT_THAT(again->exposed_ports, ElementsAre("80/tcp", "53/udp"));
}

} // namespace
} // namespace hull::model
