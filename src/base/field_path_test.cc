#include "base/field_path.h"

#include <gtest/gtest.h>

namespace hull {
namespace {

TEST(FieldPath, grows_from_the_inside_to_the_whole) {
    Error type = bad_field("type", "RLIMIT_X", "unknown rlimit");
    Error whole = whole_path(in_member(in_member(in_element(std::move(type), 0), "rlimits"), "process"));
    EXPECT_EQ(whole.message(), "process.rlimits[0].type: \"RLIMIT_X\": unknown rlimit");
    EXPECT_EQ(whole.kind(), ErrorKind::invalid_argument);
}

TEST(FieldPath, puts_a_colon_before_what_has_no_path) {
    Result<int> failed = Error::from_errno("open", ENOSPC);
    auto whole = whole_path(in_member(in_element(failed, 2), "mounts"));
    EXPECT_EQ(whole.error().message(), "mounts[2]: open: No space left on device");
    EXPECT_EQ(whole.error().code(), ENOSPC);
    EXPECT_EQ(whole.error().kind(), ErrorKind::no_space);
}

TEST(FieldPath, shows_numbers_bare_and_text_in_quotes_without_line_breaks) {
    EXPECT_EQ(bad_field("oomScoreAdj", 5000, "is too much").message(), ".oomScoreAdj: 5000: is too much");
    EXPECT_EQ(bad_field("name", "a\nb", "odd").message(), ".name: \"a?b\": odd");
    EXPECT_EQ(bad_field("name", "", "is empty").message(), ".name: \"\": is empty");
    EXPECT_EQ(bad_field("name", std::string(65, 'x'), "long").message(),
              ".name: \"" + std::string(64, 'x') + "\"...: long");
    EXPECT_EQ(bad_field("args", "is empty").message(), ".args: is empty");
}

TEST(FieldPath, leaves_a_success_alone) { EXPECT_EQ(*whole_path(in_element(in_member(Result<int>(5), "a"), 1)), 5); }

} // namespace
} // namespace hull
