#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/hull/options/mounts.h"
#include "apps/hull/options/values.h"
#include "base/random.h"
#include "sys/file.h"
#include "sys/process.h"

namespace hull::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

struct TestFile {
    std::string path = "/tmp/hull-options-test-" + random_hex(12);
    explicit TestFile(std::string_view text) { EXPECT_TRUE(sys::replace_file(path, text, 0600).ok()); }
    ~TestFile() { (void)sys::unlink(path).ok(); }
};

TEST(Volume, KnowsBindsAndAnonymousOnes) {
    EXPECT_EQ(parse_volume("/data")->anonymous, "/data");
    EXPECT_EQ(parse_volume("/a:/b:ro,z")->bind, "/a:/b:ro,z");
    EXPECT_EQ(parse_volume("name:/b")->bind, "name:/b");
    std::string here = *sys::current_folder();
    EXPECT_EQ(parse_volume("./x:/b")->bind, here + "/x:/b");
    EXPECT_EQ(parse_volume(".:/b")->bind, here + ":/b");
}

TEST(Volume, RefusesEmptyParts) {
    EXPECT_EQ(parse_volume("").error().message(), "invalid empty volume spec");
    EXPECT_THAT(parse_volume("a::b").error().message(), HasSubstr("empty section between colons"));
    EXPECT_THAT(parse_volume("/a:/b:ro:x").error().message(), HasSubstr("too many colons"));
}

TEST(Mount, ReadsBindsWithOptions) {
    auto m = parse_mount("type=bind,source=/a,target=/b,readonly,bind-propagation=rslave");
    ASSERT_TRUE(m.ok()) << m.error().message();
    EXPECT_EQ(m->type, "bind");
    EXPECT_EQ(m->source, "/a");
    EXPECT_EQ(m->target, "/b");
    EXPECT_TRUE(m->read_only);
    EXPECT_EQ(m->bind_options->propagation, "rslave");
    EXPECT_FALSE(parse_mount("type=bind,src=/a,dst=/b,ro=false")->read_only);
}

TEST(Mount, ReadsTmpfsAndVolumes) {
    auto tmpfs = parse_mount("type=tmpfs,destination=/t,tmpfs-size=64m,tmpfs-mode=1770");
    EXPECT_EQ(tmpfs->tmpfs_options->size_bytes, 64 << 20);
    EXPECT_EQ(tmpfs->tmpfs_options->mode, 01770u);
    auto volume = parse_mount("source=v,target=/v,volume-nocopy,volume-opt=a=b,\"volume-opt=o=x,y\",volume-driver=d");
    EXPECT_EQ(volume->type, "volume");
    EXPECT_EQ(volume->volume_options, R"({"NoCopy":true,"DriverConfig":{"Options":{"a":"b","o":"x,y"},"Name":"d"}})");
}

TEST(Mount, RefusesWhatDoesNotFit) {
    EXPECT_THAT(parse_mount("type=bind,source=/a").error().message(), HasSubstr("target is required"));
    EXPECT_THAT(parse_mount("nonsense").error().message(), HasSubstr("must be a key=value pair"));
    EXPECT_THAT(parse_mount("a=b,target=/x").error().message(), HasSubstr("unknown option 'a' in 'a=b'"));
    EXPECT_THAT(parse_mount("type=tmpfs,target=/t,bind-propagation=x").error().message(),
                HasSubstr("cannot mix 'bind-*'"));
}

TEST(Environment, TakesMissingValuesFromOurOwn) {
    ::setenv("HULL_TEST_SET", "1", 1);
    ::unsetenv("HULL_TEST_UNSET");
    TestFile file("# comment\n\n  A=1 2\nHULL_TEST_SET\r\nHULL_TEST_UNSET\n");
    EXPECT_THAT(*read_environment({file.path}, {"B=2", "HULL_TEST_SET"}),
                ElementsAre("A=1 2", "HULL_TEST_SET=1", "B=2", "HULL_TEST_SET=1"));
}

TEST(Environment, SaysWhatIsWrong) {
    TestFile file("A B=1\n");
    EXPECT_THAT(read_environment({file.path}, {}).error().message(), HasSubstr("variable 'A B' contains whitespaces"));
    EXPECT_THAT(read_environment({"/nonexistent/env"}, {}).error().message(), HasSubstr("no such file or directory"));
    EXPECT_FALSE(read_environment({}, {"=x"}).ok());
}

TEST(Labels, KeysNeedNoValue) {
    auto labels = read_labels({}, {"a=b=c", "d"});
    EXPECT_EQ(labels->at("a"), "b=c");
    EXPECT_EQ(labels->at("d"), "");
}

TEST(Ulimit, SoftAndHard) {
    EXPECT_EQ(parse_ulimit("nofile=1024:2048")->hard, 2048);
    EXPECT_EQ(parse_ulimit("core=-1")->soft, -1);
    EXPECT_THAT(parse_ulimit("nofile=3:2").error().message(),
                HasSubstr("soft limit must be less than or equal to hard limit: 3 > 2"));
    EXPECT_THAT(parse_ulimit("nope=1").error().message(), HasSubstr("invalid ulimit type: nope"));
    EXPECT_THAT(parse_ulimit("nofile").error().message(), HasSubstr("invalid ulimit argument: nofile"));
}

TEST(Device, PathsAndPermissions) {
    auto d = parse_device("/dev/a:/dev/b:rw");
    EXPECT_EQ(d->path_on_host, "/dev/a");
    EXPECT_EQ(d->path_in_container, "/dev/b");
    EXPECT_EQ(d->cgroup_permissions, "rw");
    EXPECT_EQ(parse_device("/dev/a:r")->path_in_container, "/dev/a");
    EXPECT_EQ(parse_device("/dev/a")->cgroup_permissions, "rwm");
    EXPECT_FALSE(parse_device("/dev/a:/dev/b:x").ok());
    EXPECT_TRUE(is_cdi_device("vendor.com/gpu=0"));
    EXPECT_FALSE(is_cdi_device("/dev/a"));
}

TEST(Values, RatesRestartCpusHosts) {
    EXPECT_EQ(parse_rate_device("/dev/sda:1mb", Rate::bytes)->rate, 1u << 20);
    EXPECT_FALSE(parse_rate_device("/dev/sda:1mb", Rate::operations).ok());
    EXPECT_EQ(parse_weight_device("/dev/sda:500")->weight, 500);
    EXPECT_FALSE(parse_weight_device("/dev/sda:5").ok());
    EXPECT_EQ(parse_restart("on-failure:3")->maximum_retry_count, 3);
    EXPECT_EQ(parse_restart("on-failure:x").error().message(),
              "invalid restart policy format: maximum retry count must be an integer");
    EXPECT_EQ(*parse_cpus("1.5"), 1'500'000'000);
    EXPECT_EQ(*parse_cpus(".25"), 250'000'000);
    EXPECT_EQ(*parse_extra_host("a=10.0.0.1"), "a:10.0.0.1");
    EXPECT_EQ(*parse_extra_host("a:::1"), "a:::1");
    EXPECT_EQ(*parse_extra_host("a:host-gateway"), "a:host-gateway");
    EXPECT_FALSE(parse_extra_host("a").ok());
}

TEST(Gpus, CountsAndNames) {
    EXPECT_EQ(parse_gpus("all")->count, -1);
    EXPECT_EQ(parse_gpus("2")->count, 2);
    auto named = parse_gpus("\"device=0,1\",capabilities=utility");
    ASSERT_TRUE(named.ok());
    EXPECT_THAT(named->device_ids, ElementsAre("0", "1"));
    EXPECT_EQ(named->count, 0);
    EXPECT_THAT(named->capabilities, ElementsAre(ElementsAre("gpu", "utility")));
}

TEST(SecurityOptions, ReadsTheProfileFile) {
    TestFile file("{ \"defaultAction\": \"SCMP_ACT_ALLOW\" }\n");
    bool unmask = false;
    auto options = read_security_options(
        {"seccomp=" + file.path, "no-new-privileges", "seccomp=unconfined", "systempaths=unconfined"}, unmask);
    ASSERT_TRUE(options.ok());
    EXPECT_THAT(*options, ElementsAre("seccomp={\"defaultAction\":\"SCMP_ACT_ALLOW\"}", "no-new-privileges",
                                      "seccomp=unconfined"));
    EXPECT_TRUE(unmask);
    EXPECT_THAT(read_security_options({"seccomp=/nonexistent"}, unmask).error().message(),
                StartsWith("opening seccomp profile"));
    EXPECT_FALSE(read_security_options({"nonsense"}, unmask).ok());
}

TEST(Ports, AllForms) {
    model::HostConfig host;
    model::ContainerConfig config;
    for (const char* text : {"80", "8080:81", "127.0.0.1:9000-9001:82-83/udp", "[::1]::84"})
        ASSERT_TRUE(add_port(text, host, config).ok()) << text;
    EXPECT_THAT(config.exposed_ports, ElementsAre("80/tcp", "81/tcp", "82/udp", "83/udp", "84/tcp"));
    EXPECT_EQ(host.port_bindings["80/tcp"][0].host_port, "");
    EXPECT_EQ(host.port_bindings["81/tcp"][0].host_port, "8080");
    EXPECT_EQ(host.port_bindings["83/udp"][0].host_ip, "127.0.0.1");
    EXPECT_EQ(host.port_bindings["83/udp"][0].host_port, "9001");
    EXPECT_EQ(host.port_bindings["84/tcp"][0].host_ip, "::1");
    for (const char* bad : {"x", "80/x", "1-2:80-83", "99999", "", "1.2.3.x:1:1"})
        EXPECT_FALSE(add_port(bad, host, config).ok()) << bad;
    ASSERT_TRUE(add_exposed("90-91/udp", config).ok());
    EXPECT_EQ(config.exposed_ports.back(), "91/udp");
}

TEST(Csv, QuotesAndErrors) {
    EXPECT_THAT(*split_csv("a,\"b,c\",\"d\"\"e\","), ElementsAre("a", "b,c", "d\"e", ""));
    EXPECT_FALSE(split_csv("\"a").ok());
    EXPECT_FALSE(split_csv("a\"b").ok());
}

} // namespace
} // namespace hull::cli
