// Files from web servers, for import and ADD.
#include "image/piped_source.h"
#include "image/registries.h"
#include "registry/session.h"

namespace hull::image {

namespace {

class Download : public ByteSource {
public:
    Download(std::shared_ptr<registry::Client> client, std::string url, uint64_t limit, const std::stop_token& stop)
        : client_(std::move(client)), url_(std::move(url)), limit_(limit),
          passed_on_(stop, [this] { stop_.request_stop(); }), pipe_([this](ByteSink& sink) { return fetch(sink); }) {}
    ~Download() override { stop_.request_stop(); }
    Result<size_t> read(std::span<char> into) override {
        size_t n = TRY(pipe_.read(into));
        if (n > limit_ - got_)
            return Error(ErrorKind::too_large, url_ + " is larger than " + std::to_string(limit_) + " bytes");
        got_ += n;
        return n;
    }

private:
    Result<void> fetch(ByteSink& sink) {
        registry::Request request;
        request.url = url_;
        request.sink = [&](const registry::Answer&) -> Result<ByteSink*> { return &sink; };
        auto answer = TRY(client_->transport().perform(std::move(request), stop_.get_token()));
        if (answer.status < 200 || answer.status >= 300)
            return Error(answer.status == 404 ? ErrorKind::not_found : ErrorKind::system,
                         "download " + url_ + ": the server answers with status " + std::to_string(answer.status));
        return {};
    }

    std::shared_ptr<registry::Client> client_;
    std::string url_;
    uint64_t limit_, got_ = 0;
    std::stop_source stop_;
    std::stop_callback<std::function<void()>> passed_on_;
    PipedSource pipe_; // last: its thread uses what stands above
};

} // namespace

Result<std::unique_ptr<ByteSource>> Registries::download(const std::string& url, uint64_t limit,
                                                         const std::stop_token& stop) {
    if (registry::origin_of(url).empty() || (!url.starts_with("http://") && !url.starts_with("https://")))
        return invalid("\"" + url + "\" is no URL that can be downloaded (http and https are)");
    return std::unique_ptr<ByteSource>(std::make_unique<Download>(client(), url, limit, stop));
}

} // namespace hull::image
