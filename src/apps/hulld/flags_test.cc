#include "apps/hulld/flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/hulld/options.h"

namespace hull {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

FlagValues parsed(const std::vector<std::string>& args) { return MUST(parse_command_line(args)); }
std::string refused(const std::vector<std::string>& args) { return parse_command_line(args).error().message(); }

TEST(Flags, LongShortAndJoinedFormsAreTheSame) {
    for (const auto& args : std::vector<std::vector<std::string>>{
             {"--log-level", "warn"}, {"--log-level=warn"}, {"-l", "warn"}, {"-lwarn"}})
        EXPECT_THAT(parsed(args).at("log-level"), ElementsAre("warn"));
}

TEST(Flags, BooleansTakeAValueOnlyWithAnEqualsSign) {
    EXPECT_THAT(parsed({"--debug"}).at("debug"), ElementsAre("true"));
    EXPECT_THAT(parsed({"-D", "--icc=false"}).at("icc"), ElementsAre("false"));
}

TEST(Flags, ListsGatherAndOthersTakeTheLast) {
    auto values = parsed({"-H", "unix:///a", "--host=unix:///b", "--mtu", "1400", "--mtu=1300"});
    EXPECT_THAT(values.at("host"), ElementsAre("unix:///a", "unix:///b"));
    EXPECT_THAT(values.at("mtu"), ElementsAre("1300"));
}

TEST(Flags, MistakesAreToldInDockersWords) {
    EXPECT_EQ(refused({"--nosuch"}), "unknown flag: --nosuch\nSee 'hulld --help'.");
    EXPECT_EQ(refused({"--nosuch=1"}), "unknown flag: --nosuch\nSee 'hulld --help'.");
    EXPECT_EQ(refused({"-Z"}), "unknown shorthand flag: 'Z' in -Z\nSee 'hulld --help'.");
    EXPECT_EQ(refused({"extra"}), "\"hulld\" accepts no argument(s).\nSee 'hulld --help'.");
    EXPECT_EQ(refused({"--debug=maybe"}), "invalid argument \"maybe\" for \"-D, --debug\" flag: strconv.ParseBool: "
                                          "parsing \"maybe\": invalid syntax\nSee 'hulld --help'.");
    EXPECT_THAT(refused({"--mtu", "many"}), StartsWith("invalid argument \"many\" for \"--mtu\" flag"));
    EXPECT_EQ(refused({"--data-root"}), "flag needs an argument: --data-root\nSee 'hulld --help'.");
}

TEST(ConfigFile, KeysAreTheFlagsNames) {
    auto values = MUST(parse_config_file(R"({
        "debug": true, "hosts": ["unix:///a"], "mtu": 1400, "log-opts": {"max-size": "1m"},
        "default-ulimits": {"nofile": {"Name": "nofile", "Soft": 1, "Hard": 2}}})"));
    EXPECT_THAT(values.at("debug"), ElementsAre("true"));
    EXPECT_THAT(values.at("host"), ElementsAre("unix:///a"));
    EXPECT_THAT(values.at("mtu"), ElementsAre("1400"));
    EXPECT_THAT(values.at("log-opt"), ElementsAre("max-size=1m"));
    EXPECT_THAT(values.at("default-ulimit"), ElementsAre("nofile=1:2"));
    EXPECT_TRUE(MUST(parse_config_file("")).empty());
}

TEST(ConfigFile, UnknownKeysAndWrongTypesAreRefused) {
    EXPECT_EQ(parse_config_file(R"({"foo": 1, "debug": true})").error().message(),
              "the following directives don't match any configuration option: foo");
    EXPECT_FALSE(parse_config_file(R"({"debug": "yes"})").ok());
    EXPECT_FALSE(parse_config_file(R"({"hosts": "unix:///a"})").ok());
    EXPECT_FALSE(parse_config_file(R"({"debug":)").ok());
    EXPECT_FALSE(parse_config_file("[]").ok());
}

TEST(ConfigFile, WhatAFlagSaysTooIsAConflict) {
    auto merged = merge(parsed({"--debug"}), MUST(parse_config_file(R"({"debug": true})")));
    EXPECT_EQ(merged.error().message(),
              "the following directives are specified both as a flag and in the configuration file: debug: (from flag: "
              "true, from file: true)");
    auto fine = MUST(merge(parsed({"--debug"}), MUST(parse_config_file(R"({"mtu": 1400})"))));
    EXPECT_EQ(fine.size(), 2u);
}

Options options(const std::vector<std::string>& args) { return MUST(interpret(parsed(args))); }
Error mistake(const std::vector<std::string>& args) { return interpret(parsed(args)).error(); }

TEST(Options, DefaultsStandBesideTheExecRoot) {
    auto o = options({"--exec-root", "/x/exec/"});
    EXPECT_EQ(o.exec_root, "/x/exec");
    EXPECT_EQ(o.hosts.at(0).path, "/x/exec/hull.sock");
    EXPECT_EQ(o.pidfile, "/x/exec/hulld.pid");
    EXPECT_EQ(o.bridge->name, "hull0");
    EXPECT_EQ(o.engine.default_shm_size, 64 << 20);
}

TEST(Options, SizesLimitsAndLabelsAreRead) {
    auto o = options({"--default-shm-size=128m", "--default-ulimit", "nofile=1024:2048", "--label", "a=b"});
    EXPECT_EQ(o.engine.default_shm_size, 128 << 20);
    EXPECT_EQ(o.engine.default_ulimits.at(0).hard, 2048);
    EXPECT_EQ(o.engine.labels.at("a"), "b");
    EXPECT_FALSE(interpret(parsed({"--default-shm-size=lots"})).ok());
    EXPECT_FALSE(interpret(parsed({"--default-ulimit=nofile=2:1"})).ok());
    EXPECT_EQ(mistake({"--label", "a"}).message(), "bad attribute format: a");
}

TEST(Options, TheBridgeIsDescribedOrLeftOut) {
    auto o = options({"-b", "br9", "--bip", "10.9.0.1/24", "--iptables=false"});
    EXPECT_EQ(o.bridge->address->str(), "10.9.0.1/24");
    EXPECT_EQ(o.bridge->firewall, net::Switch::off);
    EXPECT_FALSE(options({"--bridge", "none"}).bridge.has_value());
    EXPECT_FALSE(options({"--bridge", "none"}).engine.bridge_network);
    EXPECT_FALSE(interpret(parsed({"--bip", "10.9.0.1/99"})).ok());
}

TEST(Options, TcpNeedsMutualTls) {
    EXPECT_THAT(mistake({"-H", "tcp://0.0.0.0:2375"}).message(), HasSubstr("TCP needs mutual TLS"));
    EXPECT_THAT(mistake({"-H", "tcp://0.0.0.0:2375", "--tls"}).message(), HasSubstr("TCP needs mutual TLS"));
    EXPECT_THAT(mistake({"--tls"}).message(), HasSubstr("--tlsverify"));
    auto o = options({"-H", "tcp://[::1]", "-H", "tcp://:99", "-H", "1.2.3.4:5", "--tlsverify", "--tlskey", "/k"});
    EXPECT_EQ(o.hosts.at(0).text(), "tcp://[::1]:2376");
    EXPECT_EQ(o.hosts.at(1).text(), "tcp://:99");
    EXPECT_EQ(o.hosts.at(2).text(), "tcp://1.2.3.4:5");
    EXPECT_EQ(o.tls->key, "/k");
    EXPECT_EQ(o.tls->client_authority, "/etc/hull/ca.pem");
    for (const char* bad : {"tcp://a:b", "tcp://a:70000", "tcp://a b:1", "tcp://[::1", "tcp://::1:5", "ssh://x"})
        EXPECT_FALSE(interpret(parsed({"-H", bad, "--tlsverify"})).ok()) << bad;
}

TEST(Options, ServiceSettingsAreRead) {
    EXPECT_EQ(options({"--metrics-addr", "127.0.0.1:9323"}).metrics->port, "9323");
    EXPECT_EQ(options({"--log-format=json"}).log_format, LogFormat::json);
    EXPECT_EQ(mistake({"--log-format=xml"}).message(), "unknown log format: xml (text, json or journald)");
    EXPECT_EQ(options({"--docker-socket"}).hosts.at(1).path, "/var/run/docker.sock");
}

TEST(Options, WhatCannotBeHonouredIsRefused) {
    EXPECT_EQ(mistake({"--storage-driver", "btrfs"}).kind(), ErrorKind::unsupported);
    EXPECT_EQ(mistake({"--live-restore=false"}).kind(), ErrorKind::unsupported);
    EXPECT_THAT(mistake({"--userns-remap", "somebody"}).message(), HasSubstr("\"default\" or \"host\""));
    EXPECT_THAT(mistake({"--exec-opt", "native.cgroupdriver=other"}).message(), HasSubstr("cgroupfs and =systemd"));
    EXPECT_THAT(mistake({"--exec-opt", "native.cgroupdriver=systemd", "--cgroup-parent", "/x"}).message(),
                HasSubstr("should be a valid slice"));
    EXPECT_EQ(options({"--exec-opt", "native.cgroupdriver=systemd"}).engine.cgroup_parent, "system.slice");
    EXPECT_EQ(mistake({"--log-level", "bad"}).message(), "unable to parse logging level: bad");
    EXPECT_FALSE(options({"--userns-remap", "host"}).engine.user_namespaces);
}

TEST(ConfigFile, GarbageCollectionOfTheBuildCache) {
    auto rules_of = [](const char* text) { return MUST(interpret(MUST(parse_config_file(text)))).builder_gc; };
    EXPECT_EQ(rules_of("{}").size(), 4U); // by itself, as Docker's
    auto usual = rules_of(R"({"builder": {"gc": {"enabled": true, "defaultKeepStorage": "5GB"}}})");
    ASSERT_EQ(usual.size(), 4U);
    EXPECT_EQ(usual[2].reserved_bytes, uint64_t{5} << 30);
    auto own = rules_of(R"({"builder": {"gc": {"enabled": true, "policy": [
        {"keepStorage": "1GB", "filter": ["unused-for=48h", "type=exec.cachemount"]},
        {"all": true, "maxUsedSpace": 1000, "minFreeSpace": "1k"}]}}})");
    ASSERT_EQ(own.size(), 2U);
    EXPECT_EQ(own[0].unused_for_ns, int64_t{48} * 3600 * 1'000'000'000);
    EXPECT_EQ(own[0].filters, std::vector<std::string>{"type==exec.cachemount"});
    EXPECT_TRUE(own[1].all && own[1].max_used_bytes == 1000 && own[1].min_free_bytes == 1024);
}

// Every key of dockerd's reference is honoured, or refused by its name.
TEST(ConfigFile, KeysOfDockerAreKnown) {
    const char* fine = R"({"proxies": {"http-proxy": "http://p:1", "no-proxy": "a"}, "features": {"buildkit": true},
        "experimental": true, "bip": "", "mtu": 0, "default-gateway-v6": "", "ipv6": false, "selinux-enabled": false,
        "authorization-plugins": [], "userland-proxy": false, "ip6tables": true, "raw-logs": false,
        "default-address-pools": [{"base": "10.9.0.0/16", "size": 24}], "ip": "127.0.0.1", "host-gateway-ip": "10.1.1.1",
        "default-network-opts": {"bridge": {"com.docker.network.driver.mtu": "1400"}}, "max-download-attempts": 2,
        "runtimes": {"kata": {"runtimeType": "io.containerd.runc.v2", "options": {"BinaryName": "/k"}}},
        "builder": {"gc": {"enabled": false}}})";
    auto o = MUST(interpret(MUST(parse_config_file(fine))));
    EXPECT_EQ(o.registries.http_proxy, "http://p:1");
    EXPECT_EQ(o.engine.address_pools.at(0).base.str(), "10.9.0.0/16");
    EXPECT_EQ(o.engine.bridge_network_options.at("com.docker.network.driver.mtu"), "1400");
    EXPECT_EQ(o.engine.host_gateway.at(0), "10.1.1.1");
    EXPECT_EQ(o.engine.runtimes.at("kata").path, "/k");
    EXPECT_EQ(o.registries.attempts, 2);
    EXPECT_TRUE(o.builder_gc.empty());
    EXPECT_TRUE(o.engine.experimental && o.engine.features.at("buildkit"));
}

TEST(ConfigFile, WhatCannotBeHonouredIsRefusedByName) {
    const std::pair<const char*, const char*> refused[] = {
        {R"({"containerd": "/run/x"})", "--containerd is not supported"},
        {R"({"authorization-plugins": ["a"]})", "--authorization-plugin is not supported"},
        {R"({"selinux-enabled": true})", "--selinux-enabled is not supported"},
        {R"({"features": {"nope": true}})", "--feature nope is not known"},
        {R"({"builder": {"gc": {"odd": true}}})", "the directive builder: gc has no odd"},
        {R"({"builder": {"gc": {"defaultKeepStorage": "10%"}}})", "parts of the disk are not supported"},
        {R"({"builder": {"gc": {"policy": [{"filter": ["inuse=1"]}]}}})", "the filter inuse is not supported"},
        {R"({"builder": {"gc": {"policy": [{"keepStorage": "much"}]}}})", "invalid size: 'much'"},
        {R"({"builder": {"history": {}}})", "the directive builder: history is not supported"},
        {R"({"proxies": {"ftp-proxy": "x"}})", "not ftp-proxy"},
        {R"({"default-address-pools": [{"base": "10.9.0.0/16"}]})", "base and size"},
        {R"({"default-address-pools": [{"base": "10.9.0.0/16", "size": 8}]})", "invalid default address pool"},
        {R"({"default-network-opts": {"macvlan": {"a": "b"}}})", "only networks of the driver bridge"},
        {R"({"runtimes": {"k": {"runtimeType": "io.containerd.kata.v2"}}})", "needs containerd"},
        {R"({"firewall-backend": "iptables"})", "nftables"},
        {R"({"ip": "x"})", "no IP address"},
    };
    for (const auto& [text, message] : refused) {
        auto values = parse_config_file(text);
        auto error = values.ok() ? interpret(*values).error() : values.error();
        EXPECT_THAT(error.message(), HasSubstr(message)) << text;
    }
}

} // namespace
} // namespace hull
