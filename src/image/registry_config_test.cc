#include "image/registry_config.h"

#include <gtest/gtest.h>

#include "registry/base64.h"

namespace hull::image {
namespace {

TEST(RegistryConfig, gives_each_registry_its_own_credentials) {
    auto auths = parse_registry_config(registry::base64_encode(
        R"({"localhost:5000":{"username":"a"},"https://index.docker.io/v1/":{"username":"b"},"odd":7})"));
    ASSERT_TRUE(auths.ok()) << auths.error().message();
    auto of = [&](const char* name) { return auth_for(*auths, *model::Reference::parse(name)); };
    EXPECT_EQ(*registry::base64_decode(of("localhost:5000/x")), R"({"username":"a"})");
    EXPECT_EQ(*registry::base64_decode(of("busybox")), R"({"username":"b"})");
    EXPECT_EQ(of("example.com/x"), "");
    EXPECT_TRUE(parse_registry_config("")->empty());
    EXPECT_FALSE(parse_registry_config("***").ok());
    EXPECT_FALSE(parse_registry_config(registry::base64_encode("[1]")).ok());
}

} // namespace
} // namespace hull::image
