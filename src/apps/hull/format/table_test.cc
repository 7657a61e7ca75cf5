#include "apps/hull/format/table.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace hull::format {
namespace {

constexpr Column columns[] = {{"ID", "CONTAINER ID"}, {"Names", "NAMES"}};

Listing two_rows() {
    Listing listing{columns, "{{.ID}}\t{{.Names}}"};
    listing.rows = {{{"Names", "web"}, {"ID", "abc"}}, {{"Names", "db"}, {"ID", "0123456789ab"}}};
    return listing;
}

TEST(Table, AlignsByTheWidestCell) {
    EXPECT_EQ(align("A\tB\nlonger cell\tx\n"), "A             B\nlonger cell   x\n");
    EXPECT_EQ(align("A\tB\n"), "A         B\n");
    EXPECT_EQ(align("…\tB\n"), "…         B\n");
}

TEST(Table, DefaultTableHasHeaders) {
    EXPECT_EQ(*render(two_rows(), ""), "CONTAINER ID   NAMES\nabc            web\n0123456789ab   db\n");
    EXPECT_EQ(*render(two_rows(), "table"), *render(two_rows(), ""));
}

TEST(Table, TemplatesOfUsers) {
    EXPECT_EQ(*render(two_rows(), "table {{.Names}}\\t{{upper .ID}}"),
              "NAMES     CONTAINER ID\nweb       ABC\ndb        0123456789AB\n");
    EXPECT_EQ(*render(two_rows(), "{{.Names}}"), "web\ndb\n");
}

TEST(Table, JsonIsOneSortedObjectALine) {
    EXPECT_EQ(*render(two_rows(), "{{json .}}"), *render(two_rows(), "json"));
    EXPECT_EQ(*render(two_rows(), "json"),
              "{\"ID\":\"abc\",\"Names\":\"web\"}\n{\"ID\":\"0123456789ab\",\"Names\":\"db\"}\n");
}

TEST(Table, UnknownFieldIsAnError) {
    auto text = render(two_rows(), "{{.Nope}}");
    ASSERT_FALSE(text.ok());
    EXPECT_TRUE(text.error().message().starts_with("failed to execute template: template: :1:2:"))
        << text.error().message();
}

TEST(Table, ValuesThroughTemplates) {
    EXPECT_EQ(*render_value(boost::json::parse(R"({"A":{"B":1}})"), "{{.A.B}}"), "1\n");
    EXPECT_EQ(*render_value(boost::json::parse(R"({"A":1})"), "json"), "{\"A\":1}\n");
    EXPECT_EQ(render_value(boost::json::parse("{}"), "{{.A").error().message(),
              "template parsing error: template: :1: unclosed action");
}

} // namespace
} // namespace hull::format
