#include "apps/hull/bootstrap/apt_sources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hull::cli {
namespace {

using testing::ElementsAre;

TEST(AptSources, ReadsOneLineFormat) {
    auto sources =
        parse_one_line_sources("# deb http://no\ndeb-src http://s/debian bookworm main\n"
                               "deb [arch=amd64 signed-by=/k.gpg] http://m/debian bookworm main contrib # x\n");
    ASSERT_EQ(sources.size(), 1u);
    EXPECT_THAT(sources[0].uris, ElementsAre("http://m/debian"));
    EXPECT_THAT(sources[0].components, ElementsAre("main", "contrib"));
    EXPECT_EQ(sources[0].signed_by, "/k.gpg");
    EXPECT_THAT(sources[0].others, ElementsAre(testing::Pair("Architectures", "amd64")));
}

TEST(AptSources, ReadsDeb822Format) {
    auto sources =
        parse_deb822_sources("Types: deb deb-src\n# c\nURIs: http://m/debian\nSuites: bookworm bookworm-updates\n"
                             "Components: main\nSigned-By:\n -----BEGIN\n .\n\nTypes: deb\nEnabled: no\nURIs: "
                             "http://x/debian\nSuites: a\nComponents: main\n");
    ASSERT_EQ(sources.size(), 1u);
    EXPECT_THAT(sources[0].suites, ElementsAre("bookworm", "bookworm-updates"));
    EXPECT_EQ(sources[0].signed_by, "\n -----BEGIN\n .");
}

TEST(AptSources, FitsOneReleaseOfOneDistribution) {
    auto sources = parse_one_line_sources("deb http://deb.debian.org/debian bookworm main\n"
                                          "deb http://deb.debian.org/debian bookworm-backports main\n"
                                          "deb http://security.debian.org/debian-security/ bookworm-security main\n"
                                          "deb https://download.docker.com/linux/debian bookworm stable\n"
                                          "deb http://archive.ubuntu.com/ubuntu noble main\n");
    auto fit = for_release(sources, "debian", "trixie");
    ASSERT_EQ(fit.size(), 2u);
    EXPECT_THAT(fit[0].suites, ElementsAre("trixie"));
    EXPECT_THAT(fit[1].suites, ElementsAre("trixie-security"));
    EXPECT_EQ(for_release(sources, "ubuntu", "noble").size(), 1u);
    EXPECT_EQ(for_release(sources, "debian", "sid").size(), 1u);
    EXPECT_TRUE(for_release({}, "debian", "sid").empty());
}

TEST(AptSources, PrintsWhatItReads) {
    std::string text =
        "Types: deb\nURIs: http://m/debian\nSuites: sid\nComponents: main\nSigned-By: /k\nTrusted: yes\n\n";
    EXPECT_EQ(print_deb822(parse_deb822_sources(text)), text);
}

} // namespace
} // namespace hull::cli
