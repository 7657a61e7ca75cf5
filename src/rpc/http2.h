// One HTTP/2 connection and its calls. Internal to rpc/.
//
// One mutex guards nghttp2's session and all streams; no I/O waits under it. Any
// thread writes what fits into the socket; the rest is the connection's own
// thread's, which alone reads.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>

#include <nghttp2/nghttp2.h>

#include "rpc/connection.h"

namespace hull::rpc {

struct Stream {
    int32_t id = -1;
    bool ours = false; // this side called
    std::string path;
    Metadata headers;
    size_t header_bytes = 0;
    std::condition_variable changed;

    std::string in; // received bytes, not yet taken
    bool in_ended = false;
    std::string partial; // of the message that is being received
    std::string out;     // to be sent, from out_from on
    size_t out_from = 0, partial_from = 0;
    bool out_waits = false; // some of it for more to be sent with it
    bool out_ended = false, answered = false, reset = false;
    size_t unsent() const { return out.size() - out_from; }
    bool over = false;          // nghttp2 has closed it
    std::optional<Code> status; // of trailers that came, or what went wrong
    std::string status_text;
    std::optional<std::pair<Code, std::string>> trailer; // to be sent
};
using StreamPtr = std::shared_ptr<Stream>;

enum class Side : unsigned char { client, server };

class Http2 : public std::enable_shared_from_this<Http2> {
public:
    Http2(UniqueFd socket, UniqueFd wake, Side side, CallHandler handler, Limits limits)
        : socket_(std::move(socket)), wake_(std::move(wake)), handler_(std::move(handler)), limits_(limits),
          side_(side) {}
    ~Http2();
    Result<void> start(std::string early);

    Result<StreamPtr> open(const std::string& path, const Metadata& metadata);
    Result<void> send(Stream& stream, std::string_view message);
    Result<void> send_soon(Stream& stream, std::string_view message);
    Result<void> end_sending(Stream& stream);
    Result<std::optional<std::string>> receive(Stream& stream);
    void finish(Stream& stream, Code code, std::string text);
    void cancel(Stream& stream);
    void wait_over(Stream& stream);

    void close();
    bool closed();
    void wait_closed();
    void on_closed(std::function<void()> closed);

private:
    friend struct Callbacks;
    void serve();
    bool take(std::string_view bytes);
    void end(const std::string& why);
    Result<void> flush();
    void flush_or_end();
    void dispatch(const StreamPtr& stream);
    Result<void> check_sendable(Stream& stream);
    Error ending_of(const Stream& stream) const;
    void append(Stream& stream, std::string_view message);
    Result<void> send_out(Stream& stream, std::unique_lock<std::mutex>& lock);
    void answer_head(Stream& stream);
    void consume(Stream& stream, size_t bytes);
    void reset(Stream& stream, Code code, std::string text);

    UniqueFd socket_, wake_;
    CallHandler handler_;
    const Limits limits_;
    const Side side_;

    std::mutex mutex_;
    std::condition_variable ended_changed_;
    nghttp2_session* session_ = nullptr;
    std::map<int32_t, StreamPtr> streams_;
    std::string unsent_; // of what the session gave to be sent
    size_t unsent_from_ = 0;
    bool full_ = false; // the socket took nothing, and the connection's thread knows
    bool closing_ = false, ended_ = false, served_ = false; // in this order
    std::string ending_;
    std::function<void()> on_closed_;
};

} // namespace hull::rpc
