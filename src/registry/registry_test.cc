// What parses registries' and clients' words, and where a name leads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "registry/base64.h"
#include "registry/challenge.h"
#include "registry/credentials.h"
#include "registry/failure.h"
#include "registry/hosts.h"

namespace hull::registry {
namespace {

using testing::ElementsAre;

TEST(Base64, TakesBothAlphabetsAndMissingPadding) {
    EXPECT_EQ(base64_encode("any carnal pleas"), "YW55IGNhcm5hbCBwbGVhcw==");
    EXPECT_EQ(base64_decode("YW55IGNhcm5hbCBwbGVhcw").value(), "any carnal pleas");
    EXPECT_EQ(base64_decode("-_-_").value(), base64_decode("+/+/").value());
    EXPECT_FALSE(base64_decode("a").ok());
    EXPECT_FALSE(base64_decode("ab*d").ok());
    for (const char* text : {"", "f", "fo", "foo", "foob"}) EXPECT_EQ(base64_decode(base64_encode(text)).value(), text);
}

TEST(Challenges, AreReadWithTheirParameters) {
    auto found = parse_challenges(
        R"(Bearer realm="https://auth.example/token",service="reg, istry",scope="repository:a/b:pull",error="insufficient_scope")");
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].scheme, Challenge::Scheme::bearer);
    EXPECT_EQ(found[0].realm, "https://auth.example/token");
    EXPECT_EQ(found[0].service, "reg, istry");
    EXPECT_EQ(found[0].scope, "repository:a/b:pull");
    EXPECT_EQ(found[0].error, "insufficient_scope");
}

TEST(Challenges, MayBeSeveralInOneLineAndOfUnknownKinds) {
    auto found =
        parse_challenges(R"(Negotiate, basic realm="a \"quoted\" one", Digest qop="auth", BEARER realm=plain)");
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].scheme, Challenge::Scheme::basic);
    EXPECT_EQ(found[0].realm, "a \"quoted\" one");
    EXPECT_EQ(found[1].realm, "plain");
}

TEST(Challenges, NonsenseIsNoChallenge) {
    for (const char* text : {"", ",,,", "=", "\"", "Bearer=", "Basic realm=\"never closed"})
        EXPECT_LE(parse_challenges(text).size(), 1U) << text;
    EXPECT_EQ(parse_challenges(std::string(100'000, ',')).size(), 0U);
}

TEST(CredentialsOfClients, AreReadFromTheHeader) {
    auto found = parse_auth_header("eyJ1c2VybmFtZSI6ImJvYiIsInBhc3N3b3JkIjoicMOkIn0=").value();
    EXPECT_EQ(found.username, "bob");
    EXPECT_EQ(found.password, "pä");
    EXPECT_TRUE(parse_auth_header("").value().empty());
    EXPECT_TRUE(parse_auth_header("e30=").value().empty());
    EXPECT_FALSE(parse_auth_header("not json").ok());
    EXPECT_EQ(parse_credentials(R"({"auth":"Ym9iOnA6dw=="})").value().password, "p:w");
    Credentials bob;
    bob.username = "bob";
    bob.password = "pw";
    EXPECT_EQ(basic_authorization(bob), "Basic Ym9iOnB3");
}

Answer answer(int status, std::string body, http::Headers headers = {}) {
    return {status, std::move(headers), std::move(body), "http://r/v2/"};
}

TEST(Failures, AreWordedAsDockerDoes) {
    auto text = [](const Answer& a) { return failure_of(a).message; };
    EXPECT_EQ(text(answer(404, R"({"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]})")),
              "manifest unknown: manifest unknown");
    EXPECT_EQ(text(answer(401, R"({"errors":[{"code":"UNAUTHORIZED"}]})")), "unauthorized: authentication required");
    EXPECT_EQ(text(answer(401, R"({"details":"wrong password"})")), "unauthorized: wrong password");
    EXPECT_EQ(text(answer(403, "<html>")), "denied: requested access to the resource is denied");
    EXPECT_EQ(text(answer(502, "x")), "received unexpected HTTP status: 502 Bad Gateway");
    EXPECT_EQ(text(answer(401, "", {{"WWW-Authenticate", "Bearer realm=\"x\",error=\"insufficient_scope\""}})),
              "denied: requested access to the resource is denied");
    EXPECT_EQ(text(answer(400, "{\"errors\":[{\"code\":\"X\",\"message\":\"a\\u001b[2Jb\"}]}")), "x: a [2Jb");
    EXPECT_EQ(error_of(failure_of(answer(403, ""))).code(), 403);
}

TEST(RetryAfter, IsASmallNumberOfSeconds) {
    EXPECT_EQ(retry_after(answer(429, "", {{"Retry-After", "7"}}), 1, 60), 7);
    EXPECT_EQ(retry_after(answer(429, "", {{"Retry-After", "70000"}}), 1, 60), 60);
    EXPECT_EQ(retry_after(answer(429, "", {{"Retry-After", "-5"}}), 1, 60), 1);
    EXPECT_EQ(retry_after(answer(429, "", {{"Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT"}}), 2, 60), 2);
    EXPECT_TRUE(is_temporary(429));
    EXPECT_TRUE(is_temporary(503));
    EXPECT_FALSE(is_temporary(404));
}

std::vector<std::string> urls(const Config& config, std::string_view domain, Use use = Use::pull) {
    std::vector<std::string> all;
    for (const Endpoint& endpoint : endpoints_of(config, domain, use))
        all.push_back(endpoint.url + (endpoint.verified ? "" : " unverified"));
    return all;
}

TEST(Endpoints, OfANameThatSaysNothingElseAreHttps) {
    EXPECT_THAT(urls({}, "docker.io"), ElementsAre("https://registry-1.docker.io"));
    EXPECT_THAT(urls({}, "quay.example:5000"), ElementsAre("https://quay.example:5000"));
    EXPECT_THAT(urls({}, "10.1.2.3:5000"), ElementsAre("https://10.1.2.3:5000"));
}

TEST(Endpoints, MayBePlainHttpOnLoopbackAndWhereTheConfigurationSaysSo) {
    for (const char* name : {"localhost:5000", "127.0.0.1:5000", "127.9.9.9", "[::1]:5000"})
        EXPECT_EQ(urls({}, name).size(), 2U) << name;
    Config config;
    config.insecure_registries = {"plain.example:5000", "10.1.0.0/16", "bare.example"};
    EXPECT_THAT(urls(config, "plain.example:5000"),
                ElementsAre("https://plain.example:5000 unverified", "http://plain.example:5000 unverified"));
    EXPECT_EQ(urls(config, "10.1.2.3:5000").size(), 2U);
    EXPECT_EQ(urls(config, "bare.example:1").size(), 2U);
    EXPECT_EQ(urls(config, "10.2.2.3:5000").size(), 1U);
}

TEST(Mirrors, ComeFirstForPullsOnly) {
    Config config;
    config.mirrors = {parse_mirror("https://mirror.example/").value(),
                      parse_mirror("quay.example=http://u%40:p@cache.example:5000/prefix").value()};
    EXPECT_THAT(urls(config, "docker.io"), ElementsAre("https://mirror.example", "https://registry-1.docker.io"));
    EXPECT_THAT(urls(config, "quay.example"), ElementsAre("http://cache.example:5000/prefix", "https://quay.example"));
    EXPECT_EQ(config.mirrors[1].credentials.username, "u@");
    EXPECT_THAT(urls(config, "docker.io", Use::push), ElementsAre("https://registry-1.docker.io"));
    for (const char* bad : {"", "mirror.example", "ftp://x", "https://", "a/b=https://x", "https://x/?q", "=https://x"})
        EXPECT_FALSE(parse_mirror(bad).ok()) << bad;
}

TEST(Urls, AreMadeAbsoluteAndCompared) {
    EXPECT_EQ(origin_of("HTTPS://Reg.Example/v2/"), "https://reg.example:443");
    EXPECT_EQ(origin_of("http://[::1]:5000/x"), "http://[::1]:5000");
    EXPECT_EQ(absolute_url("http://r:5000/v2/a/blobs/uploads/", "/v2/a/blobs/uploads/1?_state=x"),
              "http://r:5000/v2/a/blobs/uploads/1?_state=x");
    EXPECT_EQ(absolute_url("http://r/v2/", "https://s3.example/x"), "https://s3.example/x");
    EXPECT_EQ(absolute_url("http://r/v2/", "file:///etc/passwd"), "");
}

} // namespace
} // namespace hull::registry
