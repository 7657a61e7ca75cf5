#include "api/routes.h"

#include <set>

#include <gtest/gtest.h>

#include "api/handlers.h"

namespace hull::api {
namespace {

using enum http::Method;

TEST(Routes, FindsTheHandlerAndTheName) {
    auto match = find_route(post, "/containers/web/start");
    ASSERT_TRUE(match);
    EXPECT_EQ(match->handler, start_container);
    EXPECT_EQ(match->name, "web");
}

TEST(Routes, NamesMayHoldSlashes) {
    auto match = find_route(get, "/images/docker.io/library/busybox:latest/json");
    ASSERT_TRUE(match);
    EXPECT_EQ(match->handler, inspect_image);
    EXPECT_EQ(match->name, "docker.io/library/busybox:latest");
}

TEST(Routes, AContainerMayBeCalledWithItsLeadingSlash) {
    EXPECT_EQ(find_route(get, "/containers//web/json")->name, "/web");
}

TEST(Routes, ListsAreNotTakenForNames) {
    EXPECT_EQ(find_route(get, "/containers/json")->handler, list_containers);
    EXPECT_EQ(find_route(get, "/images/json")->handler, list_images);
    EXPECT_EQ(find_route(get, "/images/get")->handler, save_images);
    EXPECT_EQ(find_route(post, "/containers/prune")->handler, prune_containers);
}

TEST(Routes, TheMethodCounts) {
    EXPECT_FALSE(find_route(put, "/containers/json"));
    EXPECT_FALSE(find_route(get, "/containers/web/start"));
    EXPECT_FALSE(find_route(get, "/nowhere"));
    EXPECT_FALSE(find_route(get, "/containers//json")); // no name at all
}

TEST(Routes, NoRouteIsThereTwice) {
    std::set<std::pair<http::Method, std::string_view>> seen;
    for (const Route& route : routes()) EXPECT_TRUE(seen.emplace(route.method, route.pattern).second) << route.pattern;
}

} // namespace
} // namespace hull::api
