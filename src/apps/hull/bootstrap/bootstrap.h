// Making a base image without any registry.
#pragma once

#include <functional>
#include <string>

#include "apps/hull/client/engine.h"
#include "base/result.h"

namespace hull::cli {

struct BaseImage {
    std::string reference; // as the image will be called
    std::vector<std::string> changes;
    std::string message;
};

// Where the tar comes from: pieces of it, 0 at the end. An error stops the import.
using TarSource = std::function<Result<size_t>(std::span<char>)>;

// Imports a file system as an image; its id.
Result<std::string> import_base(Engine& engine, const BaseImage& image, const TarSource& source);

// debian:SUITE and ubuntu:SUITE by mmdebstrap.
Result<std::string> bootstrap_debian(Engine& engine, const std::string& distribution, const std::string& suite,
                                     const BaseImage& image, bool quiet);
// busybox from the package busybox-static.
Result<std::string> bootstrap_busybox(Engine& engine, const BaseImage& image, bool quiet);

// A folder under $TMPDIR that goes away with the guard.
class ScratchFolder {
public:
    static Result<ScratchFolder> create();
    ScratchFolder(ScratchFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    ScratchFolder& operator=(ScratchFolder&&) = delete;
    ~ScratchFolder();
    const std::string& path() const { return path_; }

private:
    explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

} // namespace hull::cli
