#include "codec/compress/compress.h"
#include "image/changes.h"
#include "image/platform.h"
#include "image/state.h"

namespace hull::image {

namespace {

Result<std::optional<model::Reference>> reference_for(const ImportRequest& request) {
    if (request.repository.empty()) return std::optional<model::Reference>();
    model::Reference reference = TRY(model::Reference::parse(request.repository));
    if (reference.digest) return Error(ErrorKind::invalid_argument, "cannot import digest reference");
    if (!request.tag.empty()) reference = TRY(with_tag(std::move(reference), request.tag));
    return std::optional(std::move(reference));
}

} // namespace

Result<Digest> Images::import_tar(ByteSource& tar, const ImportRequest& request) {
    // All that can be wrong with the request, before the first byte is read.
    std::optional<model::Reference> reference = TRY(reference_for(request));
    model::ImageConfig config;
    TRY(apply_changes(config.config, request.changes));
    model::Platform platform =
        TRY(request.platform.empty() ? Result<model::Platform>(host_platform()) : parse_platform(request.platform));
    config.created = wall_now();
    config.os = platform.os;
    config.architecture = platform.architecture;
    config.variant = platform.variant;
    config.comment = request.message.empty() ? "Imported from -" : request.message;
    config.history.push_back({config.created, "", "", config.comment, false});

    auto plain = TRY(decompress(tar));
    return create(std::move(config), std::nullopt, plain.get(), reference);
}

} // namespace hull::image
