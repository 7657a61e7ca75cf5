// Progress of pulls, loads and builds as a stream of JSON lines.
#pragma once

#include <cstdint>
#include <string>

#include "api/call.h"
#include "codec/json.h"
#include "engine/image_service.h"

namespace hull::api {

// JSON lines of progress. The status is sent with the first of them, so an
// error before that still is an HTTP error; one after it is a line itself.
class ProgressStream {
public:
    explicit ProgressStream(Call& call) : call_(call) {}

    Result<void> send(const json::Object& line) {
        if (!call_.exchange().answered()) TRY(call_.stream(200, "application/json"));
        return call_.exchange().write(json::print(line) + "\r\n");
    }
    // exit_code: of the program that failed, for clients to end with.
    Result<void> finish(Result<void> result, int exit_code = 0) {
        if (result.ok() || !call_.exchange().answered()) return result;
        const Error& error = result.error();
        json::Object detail{{"message", error.message()}};
        if (exit_code != 0) detail["code"] = exit_code;
        return send({{"errorDetail", detail}, {"error", error.message()}});
    }

private:
    Call& call_;
};

json::Object transfer_line(const image::TransferLine& line);

// "[=====>     ]  1.2MB/3.4MB", which clients without a terminal show.
std::string progress_text(uint64_t current, uint64_t total);

} // namespace hull::api
