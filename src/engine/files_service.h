// The files of this engine's containers.
#pragma once

#include <mutex>
#include <string>

#include "engine/core.h"
#include "engine/files.h"
#include "engine/image_service.h"
#include "engine/runner.h"

namespace hull::engine {

class FilesService : public Files {
public:
    FilesService(Core& core, Runner& runner, ImageService& images) : core_(core), runner_(runner), images_(images) {}

    Result<PathStat> stat(const std::string& name, const std::string& path) override;
    Result<std::unique_ptr<OpenArchive>> open_archive(const std::string& name, const std::string& path) override;
    Result<void> put_archive(const std::string& name, const std::string& path, const PutOptions& options,
                             ByteSource& tar) override;
    Result<std::vector<FileChange>> changes(const std::string& name) override;
    Result<std::unique_ptr<OpenArchive>> open_export(const std::string& name) override;
    Result<model::Digest> commit(const CommitRequest& request) override; // commit.cc
    Result<model::Digest> commit_as(const std::string& name, model::ImageConfig config,
                                    const CommitAs& how) override; // commit.cc

private:
    // Open files, and what keeps a container that doesn't run from starting.
    struct Opened {
        ContainerPtr container;
        std::unique_lock<std::mutex> stays;
        OpenFiles files;
        bool running = false;
    };
    friend class FileArchive;
    Result<Opened> open(const std::string& name);
    FilesRequest files_request(const ContainerPtr& container); // operation() is held

    Core& core_;
    Runner& runner_;
    ImageService& images_;
};

// The container can't be asked about its files (dead, being removed).
Result<void> check_has_files(const Container& container);

} // namespace hull::engine
