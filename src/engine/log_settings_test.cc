#include "engine/log_settings.h"

#include <gtest/gtest.h>

#include "engine/log_tag.h"
#include "engine/tmpfs_options.h"

namespace hull::engine {
namespace {

model::ContainerSettings container(std::string driver, std::map<std::string, std::string> options = {}) {
    model::ContainerSettings settings;
    settings.id = "0123456789abcdef" + std::string(48, '0');
    settings.name = "web";
    settings.image_id = "sha256:" + std::string(64, 'e');
    settings.path = "sh";
    settings.args = {"-c", "x"};
    settings.config.image = "img:1";
    settings.config.env = {"APP=a", "OTHER=o", "BARE"};
    settings.config.labels = {{"team", "t"}, {"region", "r"}};
    settings.host_config.log_config = {.type = std::move(driver), .config = std::move(options)};
    return settings;
}

std::string refusal(std::string driver, std::map<std::string, std::string> options) {
    auto read = log_settings(container(std::move(driver), std::move(options)));
    return read.ok() ? "" : read.error().message();
}

TEST(LogSettings, DefaultsByDriver) {
    auto json = MUST(log_settings(container("json-file")));
    EXPECT_EQ(json.max_bytes, 10U << 20);
    EXPECT_FALSE(json.compress);
    auto local = MUST(log_settings(container("local")));
    EXPECT_EQ(local.max_bytes, 20U << 20);
    EXPECT_TRUE(local.compress);
    EXPECT_FALSE(MUST(log_settings(container("none", {{"x", "y"}}))).enabled);
    auto remote = MUST(log_settings(container("syslog", {{"syslog-address", "udp://h:1"}, {"cache-max-size", "1m"}})));
    EXPECT_EQ(remote.target.tag, "0123456789ab");
    EXPECT_EQ(remote.max_bytes, 1U << 20);
    EXPECT_EQ(remote.target.options.size(), 1U);
}

TEST(LogSettings, AttributesOfLabelsAndEnvironment) {
    auto read = MUST(log_settings(container("json-file", {{"labels", "team,none"},
                                                          {"labels-regex", "^reg"},
                                                          {"env", "APP"},
                                                          {"env-regex", "^OTH"},
                                                          {"tag", "{{.Name}}"}})));
    EXPECT_EQ(read.attributes, (std::map<std::string, std::string>{
                                   {"team", "t"}, {"region", "r"}, {"APP", "a"}, {"OTHER", "o"}, {"tag", "web"}}));
}

TEST(LogSettings, WrongOnesHaveDockersWords) {
    EXPECT_EQ(refusal("json-file", {{"x", "y"}}), "unknown log opt 'x' for json-file log driver");
    EXPECT_EQ(refusal("syslog", {{"max-size", "1m"}}), "unknown log opt 'max-size' for syslog log driver");
    EXPECT_EQ(refusal("gelf", {}), "error looking up logging plugin gelf: plugin \"gelf\" not found");
    EXPECT_EQ(refusal("json-file", {{"mode", "x"}}), "logger: logging mode not supported: x");
    EXPECT_EQ(refusal("json-file", {{"max-file", "1"}, {"compress", "true"}}),
              "compress cannot be true when max-file is less than 2 or max-size is not set");
    EXPECT_EQ(refusal("local", {{"max-file", "1"}}), "") << "its default gives way";
    for (const char* size : {"nan", "inf", "1e300", "9999999p", "-5k"})
        EXPECT_NE(refusal("json-file", {{"max-size", size}}), "") << size;
    EXPECT_EQ(refusal("json-file", {{"max-size", "-1"}}), "");
}

TEST(LogTag, FieldsFunctionsAndFaults) {
    auto settings = container("json-file");
    auto tag = [&](const char* text) {
        auto made = log_tag(text, settings);
        return made.ok() ? *made : "error: " + made.error().message();
    };
    EXPECT_EQ(tag("plain"), "plain");
    EXPECT_EQ(tag("{{.Name}}/{{.ID}}/{{.ImageName}}"), "web/0123456789ab/img:1");
    EXPECT_EQ(tag("{{.Name | upper}}{{ title .Name }}{{truncate .Name 2}}"), "WEBWebwe");
    EXPECT_EQ(tag("{{index .ContainerLabels \"team\"}}-{{json .Name}}-{{.Command}}"), "t-\"web\"-sh -c x");
    EXPECT_EQ(tag("{{.ImageID}}"), "sha256:eeeee");
    for (const char* bad : {"{{.NoSuch}}", "{{.Name", "{{}}", "{{nosuch .Name}}", "{{.Name .ID}}", "{{\"x}}",
                            "{{upper}}", "{{truncate .Name \"a\"}}", "{{|}}", "{{index .ContainerEnv \"x\"}}"})
        EXPECT_TRUE(tag(bad).starts_with("error: template: log-tag:1: ")) << bad << " " << tag(bad);
}

TEST(TmpfsOptions, AreThoseOfMountAndOfTheKernel) {
    EXPECT_TRUE(check_tmpfs_options("").ok());
    EXPECT_TRUE(check_tmpfs_options("rw,noexec,nosuid,size=65536k,mode=1777,uid=1").ok());
    EXPECT_EQ(check_tmpfs_options("ro,bogus").error().message(), "invalid tmpfs option [\"bogus\"]");
    EXPECT_EQ(check_tmpfs_options("lowerdir=/").error().message(), "invalid tmpfs option [\"lowerdir\" \"/\"]");
}

} // namespace
} // namespace hull::engine
