// Containers: attach, wait and logs.
#include "api/handlers.h"
#include "api/log_writer.h"
#include "api/stream_frames.h"
#include "base/log.h"
#include "codec/base64.h"
#include "codec/compress/sha1.h"
#include "codec/json.h"
#include "http/websocket.h"

namespace hull::api {

namespace {

// attach with logs=1: what was written so far comes first, on the same connection.
Result<void> replay_logs(Call& call, const engine::AttachInfo& info, bool framed, bool out, bool err,
                         const std::function<bool(std::string_view)>& send) {
    engine::LogOptions options;
    options.stdout_ = out;
    options.stderr_ = err;
    auto logs = TRY(call.containers().logs(info.id.str(), options));
    LogWriter writer({.framed = framed}, send);
    TRY(logs->run(writer, {}));
    writer.flush();
    return {};
}

json::Object wait_json(const engine::WaitResult& result, const Call& call) {
    json::Object object{{"StatusCode", result.exit_code}};
    if (!result.error.empty())
        object["Error"] = json::Object{{"Message", result.error}};
    else if (!call.at_least(42))
        object["Error"] = nullptr;
    return object;
}

} // namespace

Result<void> attach_container(Call& call) {
    bool in = call.flag("stdin"), out = call.flag("stdout"), err = call.flag("stderr");
    bool stream = call.flag("stream"), logs = call.flag("logs");
    auto keys = TRY(engine::parse_detach_keys(call.text("detachKeys")));
    auto info = TRY(call.containers().check_attach(call.name()));
    auto hijacked = TRY(call.exchange().hijack({{"Content-Type", stream_content_type(!info.tty, call.at_least(42))}}));
    if (logs && (out || err)) {
        auto replayed = replay_logs(call, info, !info.tty, out, err,
                                    [&](std::string_view data) { return http::send_raw(hijacked.socket, data).ok(); });
        if (!replayed.ok()) log::warning("attach to " + info.id.str(), replayed.error());
    }
    if (!stream) return {};
    return call.containers().attach(info.id, {.client = std::move(hijacked.socket),
                                              .already_read = std::move(hijacked.already_read),
                                              .stdin_ = in,
                                              .stdout_ = out,
                                              .stderr_ = err,
                                              .detach_keys = std::move(keys)});
}

// What attach does, over WebSocket and never in frames.
Result<void> attach_websocket(Call& call) {
    constexpr std::string_view magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455, section 1.3
    const http::Headers& asked = call.exchange().request().headers;
    std::string key(asked.get("Sec-WebSocket-Key"));
    if (!asked.has_token("Upgrade", "websocket") || !asked.has_token("Connection", "Upgrade") || key.empty())
        return invalid("not websocket protocol");
    if (asked.get("Sec-WebSocket-Version") != "13") return invalid("missing or bad WebSocket Version");
    bool in = call.flag("stdin"), out = call.flag("stdout"), err = call.flag("stderr");
    auto keys = TRY(engine::parse_detach_keys(call.text("detachKeys")));
    auto info = TRY(call.containers().check_attach(call.name()));
    http::Headers answer{{"Upgrade", "websocket"}, {"Sec-WebSocket-Accept", base64_encode(sha1(key.append(magic)))}};
    std::string_view protocols = asked.get("Sec-WebSocket-Protocol");
    if (!protocols.empty())
        answer.add("Sec-WebSocket-Protocol", std::string(http::trim(protocols.substr(0, protocols.find(',')))));
    auto hijacked = TRY(call.exchange().hijack(std::move(answer)));
    http::WebSocket socket(std::move(hijacked.socket), std::move(hijacked.already_read),
                           call.at_least(28) ? http::WebSocketData::binary : http::WebSocketData::text);
    if (call.flag("logs") && (out || err)) {
        auto replayed =
            replay_logs(call, info, false, out, err, [&](std::string_view data) { return socket.send(data).ok(); });
        if (!replayed.ok()) log::warning("attach to " + info.id.str(), replayed.error());
    }
    if (!call.flag("stream")) return {};
    TRY(call.containers().attach(info.id, {.client = TRY(socket.open_raw()),
                                           .already_read = {},
                                           .stdin_ = in,
                                           .stdout_ = out,
                                           .stderr_ = err,
                                           .detach_keys = std::move(keys)}));
    info.expected.reset(); // a start waits no longer
    socket.relay(info.tty ? http::RawOutput::plain : http::RawOutput::framed);
    return {};
}

Result<void> wait_container(Call& call) {
    auto condition = engine::WaitCondition::not_running;
    if (call.at_least(30)) condition = TRY(engine::parse_wait_condition(call.text("condition")));
    auto waiter = TRY(call.containers().wait(call.name(), condition));
    std::stop_token gone = call.client_gone();
    if (!call.at_least(30)) {
        auto result = waiter->get(gone);
        if (!result) return Error(ErrorKind::cancelled, "the client left");
        return call.reply(200, wait_json(*result, call));
    }
    // The headers tell the client that the wait stands: it may start the container now.
    TRY(call.stream(200, "application/json"));
    auto result = waiter->get(gone);
    if (!result) {
        call.exchange().abort_stream();
        return {};
    }
    return call.exchange().write(json::print(wait_json(*result, call)) + "\n");
}

Result<void> container_logs(Call& call) {
    engine::LogOptions options;
    options.stdout_ = call.flag("stdout");
    options.stderr_ = call.flag("stderr");
    if (!options.stdout_ && !options.stderr_)
        return Error(ErrorKind::invalid_argument, "Bad parameters: you must choose at least one stream");
    options.follow = call.flag("follow");
    options.since = TRY(call.time("since"));
    options.until = TRY(call.time("until"));
    // Docker takes anything that is no number for "all".
    if (auto tail = call.number("tail"); tail.ok() && *tail && **tail >= 0) options.tail = **tail;
    auto logs = TRY(call.containers().logs(call.name(), options));
    bool framed = !logs->tty;
    std::stop_token gone = call.client_gone();
    TRY(call.stream(200, call.at_least(42) ? stream_content_type(framed, true) : nullptr));
    LogWriter writer({.framed = framed, .timestamps = call.flag("timestamps"), .details = call.flag("details")},
                     [&](std::string_view data) { return call.exchange().write(data).ok(); });
    auto result = logs->run(writer, gone);
    writer.flush();
    if (result.ok()) return {};
    // Headers are out; the stream is the only place left to say it, as Docker does.
    std::string text = "Error grabbing logs: " + result.error().message() + "\n";
    std::string frame;
    if (framed)
        append_frame(frame, StreamId::stderr_, text);
    else
        frame = text;
    return call.exchange().write(frame);
}

} // namespace hull::api
