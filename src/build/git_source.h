// Files of a git repository: build contexts, ADD, named contexts. They are
// fetched by the program git, which must be there; nothing of this machine's
// configuration of it counts, and a repository's own can't run anything.
// Source: BuildKit, "Git repositories" (docs), util/gitutil/git_ref.go.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "build/client.h"
#include "build/context.h"

namespace hull::build {

// "https://host/repo.git#ref:folder", "git@host:repo", "git://...", "ssh://...",
// "github.com/user/repo"; instead of the fragment also "?ref=&subdir=".
bool is_git_address(const std::string& text);

struct GitAddress {
    std::string remote, ref, folder; // empty: what the repository calls HEAD; its root
};
// Errors: invalid_argument (a ref or query that can't be).
Result<GitAddress> parse_git_address(const std::string& text);

struct GitFetch {
    GitAddress from;
    bool keep_git = false;         // .git stays
    std::string commit = {};       // begins with this, or it is an error
    BuildClient* client = nullptr; // its agent and its secrets GIT_AUTH_TOKEN, GIT_AUTH_HEADER (or with ".host")
};

// Modes are 0644 and 0755, owners 0, times those of the commit, submodules are
// there. folder: for what is needed meanwhile. Errors: not_found (no such ref or
// folder), unavailable (git says no, or isn't there), cancelled, invalid_argument.
Result<std::shared_ptr<Context>> fetch_git(const GitFetch& fetch, const std::string& folder,
                                           const std::stop_token& stop);

} // namespace hull::build
