// A folder of this machine for an engine that builds: the sending end of the file
// protocol (build/wire/file_packets.h), of what the engine asks for.
#pragma once

#include <string>
#include <vector>

#include "build/files/tree.h"
#include "rpc/connection.h"

namespace hull::cli {

// What of the folder is wanted. Patterns are those of .dockerignore.
struct WantedFiles {
    std::vector<std::string> include = {}, exclude = {}; // empty include: everything
    // Paths (with wildcards) whose links are followed: what they lead to is wanted as well.
    std::vector<std::string> follow = {};
    static WantedFiles of(const rpc::Metadata& metadata);
};

// What is wanted of the tree, in order, with the folders it is in; sockets are left out.
struct FolderItem {
    std::string path;
    build::Node node;
};
Result<std::vector<FolderItem>> list_wanted(const build::Tree& tree, const WantedFiles& wanted);

// Answers the call; returns when the engine has what it wanted.
Result<void> send_folder(rpc::Call& call, const build::Tree& tree);

} // namespace hull::cli
