#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/image.h"

namespace hull::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Optional;

const std::string digest_a = "sha256:" + std::string(64, 'a'), digest_b = "sha256:" + std::string(64, 'b');

std::string manifest_with(const std::string& extra) {
    return R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":)"
           R"("application/vnd.oci.image.config.v1+json","digest":")" +
           digest_a + R"(","size":7},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":")" +
           digest_b + R"(","size":9}])" + extra + "}";
}

TEST(Manifest, IsReadAndPrintedTheSame) {
    auto manifest = parse_manifest(manifest_with(""));
    ASSERT_TRUE(manifest.ok()) << manifest.error().message();
    EXPECT_EQ(manifest->config.digest.str(), digest_a);
    EXPECT_EQ(manifest->layers.at(0).size, 9);
    EXPECT_EQ(print_manifest(*manifest), manifest_with(""));
}

TEST(Manifest, ThatCouldBeAnIndexTooIsRefused) { // CVE-2021-41190
    for (const char* extra : {R"(,"manifests":[])", R"(,"fsLayers":[])"})
        EXPECT_FALSE(parse_manifest(manifest_with(extra)).ok()) << extra;
    EXPECT_FALSE(parse_index(R"({"schemaVersion":2,"manifests":[],"layers":[]})").ok());
    EXPECT_FALSE(parse_index(R"({"schemaVersion":2,"manifests":[],"config":{}})").ok());
    EXPECT_TRUE(parse_index(R"({"schemaVersion":2,"manifests":[]})").ok());
}

TEST(Manifest, OfTheWrongShapeIsRefused) {
    EXPECT_FALSE(parse_manifest("{}").ok());
    EXPECT_FALSE(parse_manifest("[]").ok());
    EXPECT_FALSE(parse_manifest(R"({"schemaVersion":2,"config":{},"layers":[]})").ok()); // no digest
    EXPECT_FALSE(parse_manifest(R"({"schemaVersion":1,"config":{"digest":")" + digest_a + R"("},"layers":[]})").ok());
    EXPECT_FALSE(parse_manifest(manifest_with(R"(,"mediaType":"text/html")")).ok()); // twice, too
    EXPECT_FALSE(parse_manifest(manifest_with(R"(,"annotations":{"a":"1","a":"2"})")).ok());
    std::string evil = manifest_with("");
    evil.replace(evil.find(digest_b), digest_b.size(), "sha256:../../../../etc/passwd");
    EXPECT_FALSE(parse_manifest(evil).ok());
    EXPECT_EQ(parse_manifest(std::string(size_t{5} << 20, ' ')).error().kind(), ErrorKind::too_large);
    EXPECT_FALSE(parse_manifest(std::string(100'000, '[')).ok());
}

TEST(ImageConfig, OfDockerIsRead) {
    auto config = parse_image_config(R"({"architecture":"amd64","os":"linux","author":"me","created":
        "2024-05-01T12:00:00.5Z","docker_version":"20.10","container":"abc","container_config":{"Cmd":["x"]},
        "config":{"Hostname":"h","Env":["A=b"],"Cmd":["sh"],"Entrypoint":null,"ExposedPorts":{"80/tcp":{}},
        "Labels":{"k":"v"},"Volumes":null},
        "history":[{"created":"2024-05-01T11:00:00Z","created_by":"ADD x"},{"created":"2024-05-01T12:00:00Z",
        "created_by":"CMD sh","empty_layer":true}],"rootfs":{"type":"layers","diff_ids":[")" +
                                     digest_a + R"("]}})");
    ASSERT_TRUE(config.ok()) << config.error().message();
    EXPECT_EQ(to_rfc3339(config->created), "2024-05-01T12:00:00.5Z");
    EXPECT_THAT(config->config.cmd, Optional(ElementsAre("sh")));
    EXPECT_FALSE(config->config.entrypoint);
    EXPECT_EQ(config->history.size(), 2U);
    EXPECT_TRUE(config->history[1].empty_layer);
    EXPECT_EQ(config->diff_ids.at(0).str(), digest_a);
}

TEST(ImageConfig, IsPrintedSoThatReadingGivesItBack) {
    ImageConfig config;
    config.architecture = "amd64";
    config.os = "linux";
    config.created = *from_rfc3339("2024-05-01T12:00:00Z");
    config.config.cmd = StringList{"sh"};
    config.config.entrypoint = StringList{}; // resets a base's: kept
    config.config.hostname = "not an image's";
    config.config.tty = true;
    config.config.labels = {{"k", "v"}};
    config.config.volumes = {"/data"};
    config.config.healthcheck = Healthcheck{{"CMD", "true"}, 1'000'000'000, 0, 0, 0, 3};
    config.history = {{config.created, "by", "", "note", true}};
    config.diff_ids = {*Digest::parse(digest_a)};
    std::string text = print_image_config(config);
    EXPECT_THAT(text, Not(HasSubstr("Hostname")));
    EXPECT_THAT(text, Not(HasSubstr("Tty")));
    auto back = parse_image_config(text);
    ASSERT_TRUE(back.ok()) << back.error().message();
    EXPECT_EQ(print_image_config(*back), text);
    EXPECT_THAT(back->config.entrypoint, Optional(ElementsAre()));
    EXPECT_EQ(back->config.healthcheck->retries, 3);
    EXPECT_EQ(back->history[0].comment, "note");
}

TEST(ImageConfig, WithoutLayersOrWithOddOnesIsRefused) {
    EXPECT_FALSE(parse_image_config("{}").ok());
    EXPECT_FALSE(parse_image_config(R"({"rootfs":{"type":"other","diff_ids":[]}})").ok());
    EXPECT_FALSE(parse_image_config(R"({"rootfs":{"type":"layers","diff_ids":["sha256:.."]}})").ok());
    EXPECT_FALSE(parse_image_config(R"({"created":"yesterday","rootfs":{"type":"layers"}})").ok());
    EXPECT_TRUE(parse_image_config(R"({"rootfs":{"type":"layers"}})").ok());
}

} // namespace
} // namespace hull::model
