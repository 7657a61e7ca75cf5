// COPY and ADD: which files of which tree go where, as the entries of one layer.
// Source: Dockerfile reference, "COPY" and "ADD".
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "build/files/pattern.h"
#include "build/files/tree.h"

namespace hull::build {

struct CopyOptions {
    std::string workdir = "/"; // what a relative destination is below
    std::string destination;   // as written
    std::string chown;         // "user:group", names or numbers; empty: see keep_owner
    std::string chmod;         // "755", "u+x,go=r"; empty: as the source has it
    bool keep_owner = false;   // of files from images and stages; else 0:0
    bool link = false;         // the layer stands on its own: nothing of base is looked at
    bool parents = false;      // a/b/c goes to <destination>/a/b/c
    bool unpack = false;       // archives are unpacked (ADD)
    std::vector<std::string> exclude;
    int64_t now = 0;                  // seconds: of folders that are made, and of texts
    std::optional<int64_t> epoch;     // times later than this become this, seconds (SOURCE_DATE_EPOCH)
    std::string instruction = "COPY"; // for messages
    bool steps = false;               // messages are BuildKit's
};

// One or more files of a tree, by path or pattern; or a text, of a here-document.
struct CopySource {
    std::shared_ptr<const Tree> tree;
    std::string path; // as written; of a text: its name
    std::optional<std::string> text;
};

struct LayerItem {
    tar::Entry entry;
    std::shared_ptr<const Tree> tree; // of a file: where its contents are ...
    std::string source;               // ... and at which path
    std::string text;                 // when tree is empty
};

// base: what the stage has so far. folder: for the contents of archives.
// Errors: invalid_argument, not_found, with Docker's texts.
Result<std::vector<LayerItem>> plan_copy(const std::vector<CopySource>& sources, const Tree& base,
                                         const CopyOptions& options, const std::string& folder);

// SHA-256 of a file's contents, in hex.
Result<std::string> contents_digest(const Tree& tree, const std::string& path);

// The same for the same names, kinds, modes, owners and contents; times don't count.
Result<std::string> digest_of(const std::vector<LayerItem>& items);

// The items as an uncompressed tar; the items must outlive it.
std::unique_ptr<ByteSource> layer_tar(const std::vector<LayerItem>& items);

// "0755" or "u=rwX,go-w" on a mode. Errors: invalid_argument.
Result<uint32_t> changed_mode(const std::string& text, uint32_t mode, bool folder);

struct Owner {
    uint32_t uid = 0, gid = 0;
};
// "user[:group]" by the accounts of the tree. A user without a group: the same
// number as group, as Docker does for numbers; its first group for names.
Result<Owner> find_owner(const Tree& tree, const std::string& text);

} // namespace hull::build
