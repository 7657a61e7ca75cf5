#include "apps/hull/building/values.h"

#include <gtest/gtest.h>

namespace hull::cli {
namespace {

TEST(BuildValues, fields_may_be_quoted) {
    EXPECT_EQ(MUST(csv_fields("a,\"b,c\",d=\"e\",\"x\"\"y\"")),
              (std::vector<std::string>{"a", "b,c", "d=\"e\"", "x\"y"}));
    EXPECT_FALSE(csv_fields("\"open").ok());
}

TEST(BuildValues, secrets_come_from_files_and_variables) {
    auto file = parse_secret("id=a,src=/etc/passwd");
    ASSERT_TRUE(file.ok());
    EXPECT_EQ(file->file, "/etc/passwd");
    EXPECT_EQ(MUST(parse_secret("id=a,env=HOME")).environment, "HOME");
    EXPECT_EQ(MUST(parse_secret("type=env,id=a,src=HOME")).environment, "HOME");
    EXPECT_EQ(MUST(parse_secret("id=HOME")).environment, "HOME");
    EXPECT_FALSE(parse_secret("src=/etc/passwd").ok());
    EXPECT_FALSE(parse_secret("id=a,odd=b").ok());
    EXPECT_FALSE(parse_secret("id=a,src=/nowhere/at/all").ok());
}

TEST(BuildValues, outputs) {
    EXPECT_EQ(MUST(parse_output("out")).type, "local");
    EXPECT_EQ(MUST(parse_output("-")).type, "tar");
    auto image = MUST(parse_output("type=registry,name=a"));
    EXPECT_EQ(image.type, "image");
    EXPECT_EQ(image.attributes.at("push"), "true");
    EXPECT_EQ(*MUST(parse_output("type=oci")).destination, "-");
    EXPECT_EQ(MUST(parse_output("type=docker")).type, "image");
    EXPECT_FALSE(parse_output("type=local").ok());
    EXPECT_FALSE(parse_output("dest=x").ok());
    EXPECT_FALSE(parse_output("type=image,a=1,a=2").ok());
}

TEST(BuildValues, caches_are_images_when_they_have_no_type) {
    EXPECT_EQ(MUST(parse_cache("host:5000/a:b", "cache-from")).attributes.at("ref"), "host:5000/a:b");
    EXPECT_EQ(MUST(parse_cache("inline", "cache-to")).type, "inline");
    EXPECT_FALSE(parse_cache("ref=a", "cache-from").ok());
}

} // namespace
} // namespace hull::cli
