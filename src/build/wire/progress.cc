#include "build/wire/progress.h"

#include "codec/protobuf.h"

namespace hull::build::wire {

namespace {

using protobuf::Field;
using protobuf::Reader;
using protobuf::Writer;

Result<WallTime> parse_time(std::string_view message) {
    Reader reader(message);
    Field field;
    uint64_t ns = 0;
    while (TRY(reader.next(field))) {
        if (field.is_number(1)) ns += field.value * 1'000'000'000;
        if (field.is_number(2)) ns += field.value;
    }
    return WallTime{static_cast<int64_t>(ns)};
}

Writer message_of(const Vertex& v) {
    Writer out;
    out.text(1, v.digest);
    for (const std::string& input : v.inputs) out.element(2, input);
    out.text(3, v.name).boolean(4, v.cached);
    if (v.started) out.timestamp(5, *v.started);
    if (v.completed) out.timestamp(6, *v.completed);
    out.text(7, v.error);
    return out;
}

Result<Vertex> parse_vertex(std::string_view message) {
    Vertex v;
    Reader reader(message);
    Field field;
    while (TRY(reader.next(field))) {
        if (field.is_text(1)) v.digest = field.text;
        if (field.is_text(2)) v.inputs.emplace_back(field.text);
        if (field.is_text(3)) v.name = field.text;
        if (field.is_number(4)) v.cached = field.value != 0;
        if (field.is_text(5)) v.started = TRY(parse_time(field.text));
        if (field.is_text(6)) v.completed = TRY(parse_time(field.text));
        if (field.is_text(7)) v.error = field.text;
    }
    return v;
}

Writer message_of(const VertexStatus& s) {
    Writer out;
    out.text(1, s.id).text(2, s.vertex).text(3, s.name);
    out.number(4, static_cast<uint64_t>(s.current)).number(5, static_cast<uint64_t>(s.total));
    out.timestamp(6, s.timestamp);
    if (s.started) out.timestamp(7, *s.started);
    if (s.completed) out.timestamp(8, *s.completed);
    return out;
}

Result<VertexStatus> parse_status(std::string_view message) {
    VertexStatus s;
    Reader reader(message);
    Field field;
    while (TRY(reader.next(field))) {
        if (field.is_text(1)) s.id = field.text;
        if (field.is_text(2)) s.vertex = field.text;
        if (field.is_text(3)) s.name = field.text;
        if (field.is_number(4)) s.current = field.signed_value();
        if (field.is_number(5)) s.total = field.signed_value();
        if (field.is_text(6)) s.timestamp = TRY(parse_time(field.text));
        if (field.is_text(7)) s.started = TRY(parse_time(field.text));
        if (field.is_text(8)) s.completed = TRY(parse_time(field.text));
    }
    return s;
}

Writer message_of(const VertexLog& log) {
    Writer out;
    out.text(1, log.vertex).timestamp(2, log.timestamp).number(3, static_cast<uint64_t>(log.stream)).text(4, log.text);
    return out;
}

Result<VertexLog> parse_log(std::string_view message) {
    VertexLog log;
    log.stream = 0; // what isn't there is 0
    Reader reader(message);
    Field field;
    while (TRY(reader.next(field))) {
        if (field.is_text(1)) log.vertex = field.text;
        if (field.is_text(2)) log.timestamp = TRY(parse_time(field.text));
        if (field.is_number(3)) log.stream = static_cast<int>(field.value);
        if (field.is_text(4)) log.text = field.text;
    }
    return log;
}

Writer position(int line) {
    Writer out;
    out.number(1, static_cast<uint64_t>(line));
    return out;
}

Writer message_of(const VertexWarning& w) {
    Writer out;
    out.text(1, w.vertex).number(2, static_cast<uint64_t>(w.level)).text(3, w.brief);
    for (const std::string& detail : w.details) out.element(4, detail);
    out.text(5, w.url);
    if (w.first_line > 0) {
        Writer info, range;
        info.text(1, w.file_name).text(2, w.file);
        range.message(1, position(w.first_line)).message(2, position(w.last_line));
        out.message(6, info).message(7, range);
    }
    return out;
}

Result<int> parse_line(std::string_view range, unsigned which) {
    Reader reader(range);
    Field field;
    int line = 0;
    while (TRY(reader.next(field))) {
        if (!field.is_text(which)) continue;
        Reader inner(field.text);
        while (TRY(inner.next(field)))
            if (field.is_number(1)) line = static_cast<int>(field.value);
        break;
    }
    return line;
}

Result<VertexWarning> parse_warning(std::string_view message) {
    VertexWarning w;
    w.level = 0; // what isn't there is 0
    Reader reader(message);
    Field field;
    while (TRY(reader.next(field))) {
        if (field.is_text(1)) w.vertex = field.text;
        if (field.is_number(2)) w.level = field.signed_value();
        if (field.is_text(3)) w.brief = field.text;
        if (field.is_text(4)) w.details.emplace_back(field.text);
        if (field.is_text(5)) w.url = field.text;
        if (field.is_text(6)) {
            Reader info(field.text);
            Field part;
            while (TRY(info.next(part))) {
                if (part.is_text(1)) w.file_name = part.text;
                if (part.is_text(2)) w.file = part.text;
            }
        }
        if (field.is_text(7) && w.first_line == 0) {
            std::string_view range = field.text;
            w.first_line = TRY(parse_line(range, 1));
            w.last_line = TRY(parse_line(range, 2));
        }
    }
    return w;
}

} // namespace

std::string print(const Progress& progress) {
    Writer out;
    for (const Vertex& vertex : progress.vertexes) out.message(1, message_of(vertex));
    for (const VertexStatus& status : progress.statuses) out.message(2, message_of(status));
    for (const VertexLog& log : progress.logs) out.message(3, message_of(log));
    for (const VertexWarning& warning : progress.warnings) out.message(4, message_of(warning));
    return out.take();
}

Result<Progress> parse_progress(std::string_view message) {
    Progress progress;
    Reader reader(message);
    Field field;
    while (TRY(reader.next(field))) {
        if (field.is_text(1)) progress.vertexes.push_back(TRY(parse_vertex(field.text)));
        if (field.is_text(2)) progress.statuses.push_back(TRY(parse_status(field.text)));
        if (field.is_text(3)) progress.logs.push_back(TRY(parse_log(field.text)));
        if (field.is_text(4)) progress.warnings.push_back(TRY(parse_warning(field.text)));
    }
    return progress;
}

} // namespace hull::build::wire
