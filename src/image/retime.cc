// Layers whose files are no newer than a moment, for builds that are to give the
// same bytes whenever they are run.
#include "codec/tar_reader.h"
#include "codec/tar_writer.h"
#include "image/piped_source.h"
#include "image/state.h"

namespace hull::image {

namespace {

Result<void> copy_with_times_at_most(ByteSource& tar, ByteSink& out, int64_t seconds) {
    BufferedChunks chunks(tar);
    tar::Reader reader(chunks);
    tar::Writer writer(out);
    tar::Entry entry;
    while (TRY(reader.next(entry))) {
        if (entry.mtime >= seconds) {
            entry.mtime = seconds;
            entry.mtime_ns = 0;
        }
        TRY(writer.add(entry));
        for (;;) {
            std::string_view data = TRY(reader.data());
            if (data.empty()) break;
            TRY(writer.data(data));
        }
    }
    return writer.finish();
}

} // namespace

Result<Digest> Images::create_with_times_at_most(model::ImageConfig config, const Digest& image, size_t first_layer,
                                                 int64_t seconds, Making making) {
    ImagePtr from = TRY(state_->get(image));
    const std::vector<Digest> ids = from->config.diff_ids;
    Lease whole = TRY(hold(from->chain_id)); // what is read
    const std::vector<Digest> chain = chain_of(ids);
    if (first_layer >= ids.size()) return create_on_layers(std::move(config), image, ids.size(), std::nullopt, making);
    model::ImageConfig step;
    step.os = config.os;
    step.architecture = config.architecture;
    step.variant = config.variant;
    step.created = config.created;
    std::optional<Digest> base;
    if (first_layer > 0) base = TRY(create_on_layers(step, image, first_layer, std::nullopt, Making::build_cache));
    for (size_t i = first_layer; i < ids.size(); ++i) {
        PipedSource as_it_is([&, i](ByteSink& sink) { return state_->layers.write_tar(chain[i], sink); });
        PipedSource changed([&](ByteSink& sink) { return copy_with_times_at_most(as_it_is, sink, seconds); });
        const bool last = i + 1 == ids.size();
        base = TRY(create(last ? config : step, base, &changed, std::nullopt, last ? making : Making::build_cache)
                       .context("rewrite the times of a layer"));
    }
    return *base;
}

} // namespace hull::image
