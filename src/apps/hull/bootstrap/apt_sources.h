// The machine's own apt sources, for another release of the same distribution.
// Formats: sources.list(5), one-line and deb822.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hull::cli {

struct AptSource {
    std::vector<std::string> uris, suites, components;
    std::string signed_by;                                   // a path, or a key block with its line breaks
    std::vector<std::pair<std::string, std::string>> others; // Architectures, Check-Valid-Until, ...
};

// Sources of binary packages; disabled ones and sources of source code are left
// out. What is no source line is skipped, as apt warns about it itself.
std::vector<AptSource> parse_one_line_sources(std::string_view text);
std::vector<AptSource> parse_deb822_sources(std::string_view text);

// Everything under this folder ("/etc/apt").
Result<std::vector<AptSource>> read_apt_sources(const std::string& folder);

// Those that belong to `distribution` ("debian", "ubuntu": component main and
// an address that ends so), with each suite of the release `codename` taken to
// `suite` (bookworm-updates -> trixie-updates). Empty: none fits.
std::vector<AptSource> for_release(const std::vector<AptSource>& sources, std::string_view distribution,
                                   std::string_view suite);

std::string print_deb822(const std::vector<AptSource>& sources);

} // namespace hull::cli
