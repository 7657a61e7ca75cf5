#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/image.h"

namespace hull::model {
namespace {

const std::string hex(64, 'a');
const std::string digest = "sha256:" + hex;

struct Good {
    std::string text, full, familiar;
};

TEST(Reference, IsNormalisedAsDockerDoes) {
    const std::vector<Good> all = {
        {"busybox", "docker.io/library/busybox:latest", "busybox:latest"},
        {"busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"},
        {"docker.io/busybox", "docker.io/library/busybox:latest", "busybox:latest"},
        {"index.docker.io/busybox", "docker.io/library/busybox:latest", "busybox:latest"},
        {"library/busybox", "docker.io/library/busybox:latest", "busybox:latest"},
        {"user/app:v1", "docker.io/user/app:v1", "user/app:v1"},
        {"localhost/app", "localhost/app:latest", "localhost/app:latest"},
        {"localhost:5000/app:x", "localhost:5000/app:x", "localhost:5000/app:x"},
        {"quay.io/a/b__c/d-e.f", "quay.io/a/b__c/d-e.f:latest", "quay.io/a/b__c/d-e.f:latest"},
        {"[::1]:5000/app", "[::1]:5000/app:latest", "[::1]:5000/app:latest"},
        {"UPPER/app", "UPPER/app:latest", "UPPER/app:latest"},
        {"docker.io/a.b/c", "docker.io/a.b/c:latest", "docker.io/a.b/c:latest"}, // a.b/c would be another
        {"a--b", "docker.io/library/a--b:latest", "a--b:latest"},
        {"app@" + digest, "docker.io/library/app@" + digest, "app@" + digest},
        {"app:v1@" + digest, "docker.io/library/app:v1@" + digest, "app:v1@" + digest},
        {"app:" + std::string(128, 't'), "docker.io/library/app:" + std::string(128, 't'),
         "app:" + std::string(128, 't')},
    };
    for (const Good& good : all) {
        auto reference = Reference::parse(good.text);
        ASSERT_TRUE(reference.ok()) << good.text << ": " << reference.error().message();
        EXPECT_EQ(reference->full(), good.full);
        EXPECT_EQ(reference->familiar(), good.familiar);
        // parse(print(x)) = x, both ways of printing
        EXPECT_EQ(Reference::parse(reference->full())->full(), good.full);
        EXPECT_EQ(Reference::parse(reference->familiar())->full(), good.full);
    }
}

TEST(Reference, BadOnesAreRefusedWithDockersWords) {
    const std::string format = "invalid reference format";
    const std::vector<std::pair<std::string, std::string>> all = {
        {"", format},
        {"Foo", "invalid reference format: repository name (library/Foo) must be lowercase"},
        {"a/Foo:x", "invalid reference format: repository name (a/Foo) must be lowercase"},
        {hex, "invalid repository name (" + hex + "), cannot specify 64-byte hexadecimal strings"},
        {":tag", format},
        {"a:", format},
        {"a::b", format},
        {"a:-x", format},
        {"a:" + std::string(129, 't'), format},
        {"a b", format},
        {"a/../b", format},
        {"../a", format},
        {"/a", format},
        {"a//b", format},
        {"a/", format},
        {"-a", format},
        {"a___b", format},
        {"a..b", format},
        {"a\n", format},
        {std::string("a\0", 2), format},
        {"a@sha256:abc", format},
        {"a@" + digest + "0", "invalid checksum digest length"},
        {"a@sha512:" + hex, "unsupported digest algorithm"},
        {"-.x/a", format},
        {"x.y:port/a", format},
        {std::string(256, 'a'), "repository name must not be more than 255 characters"},
    };
    for (const auto& [text, message] : all) {
        auto reference = Reference::parse(text);
        ASSERT_FALSE(reference.ok()) << text;
        EXPECT_EQ(reference.error().message(), message) << text;
        EXPECT_EQ(reference.error().kind(), ErrorKind::invalid_argument);
    }
}

TEST(Digest, IsSafeToBuildAPathFrom) {
    EXPECT_EQ(Digest::parse(digest)->hex(), hex);
    const std::vector<std::string> all = {"",
                                          hex,
                                          "sha256:",
                                          "sha256:" + std::string(63, 'a'),
                                          "sha256:" + std::string(64, 'A'),
                                          "sha256:" + std::string(64, '/'),
                                          "sha256:../" + std::string(61, 'a'),
                                          "sha512:" + std::string(128, 'a'),
                                          digest + "\n"};
    for (const std::string& bad : all) EXPECT_FALSE(Digest::parse(bad).ok()) << bad;
}

} // namespace
} // namespace hull::model
