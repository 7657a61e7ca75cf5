#include "model/volume.h"

#include "codec/json.h"

namespace hull::json {

using enum Emit;
namespace m = hull::model;

template <>
struct Fields<m::VolumeDriver> {
    static constexpr auto list =
        std::tuple{field("Name", &m::VolumeDriver::name), field("Options", &m::VolumeDriver::options)};
};
template <>
struct Fields<m::VolumeOptions> {
    static constexpr auto list = std::tuple{
        field("NoCopy", &m::VolumeOptions::no_copy), field("Labels", &m::VolumeOptions::labels),
        field("DriverConfig", &m::VolumeOptions::driver_config), field("Subpath", &m::VolumeOptions::subpath)};
};
template <>
struct Fields<m::VolumeRequest> {
    static constexpr auto list =
        std::tuple{field("Name", &m::VolumeRequest::name), field("Driver", &m::VolumeRequest::driver),
                   field("DriverOpts", &m::VolumeRequest::options), field("Labels", &m::VolumeRequest::labels)};
};

} // namespace hull::json

namespace hull::model {
namespace {

// One level of text to text; what isn't that is left out, since only we wrote it.
std::map<std::string, std::string> volume_texts(const json::Object& object, const char* name) {
    std::map<std::string, std::string> texts;
    const auto* member = object.if_contains(name);
    if (!member || !member->is_object()) return texts;
    for (const auto& [key, value] : member->get_object())
        if (value.is_string()) texts.emplace(key, value.get_string());
    return texts;
}

} // namespace

std::string print_volume_record(const VolumeRecord& record) {
    return json::print(json::Object{{"name", record.name},
                                    {"driver", record.driver},
                                    {"created", record.created.ns},
                                    {"labels", json::encode(record.labels)},
                                    {"options", json::encode(record.options)}});
}

Result<VolumeRecord> parse_volume_record(std::string_view text) {
    auto value = json::parse(text);
    if (!value.ok() || !value->is_object()) return Error(ErrorKind::corrupt, "volume record is not a JSON object");
    const json::Object& object = value->get_object();
    VolumeRecord record;
    const auto* name = object.if_contains("name");
    const auto* driver = object.if_contains("driver");
    const auto* created = object.if_contains("created");
    if (!name || !name->is_string() || name->get_string().empty())
        return Error(ErrorKind::corrupt, "volume record without a name");
    record.name = name->get_string();
    if (driver && driver->is_string()) record.driver = driver->get_string();
    if (created && created->is_int64()) record.created = WallTime{created->get_int64()};
    record.labels = volume_texts(object, "labels");
    record.options = volume_texts(object, "options");
    return record;
}

Result<VolumeOptions> parse_volume_options(std::string_view text) {
    if (text.empty()) return VolumeOptions{};
    json::Value value = TRY(json::parse(text));
    return json::decode<VolumeOptions>(value).context("VolumeOptions");
}

Result<VolumeRequest> parse_volume_request(std::string_view text) {
    json::Value value = TRY(json::parse(text));
    return json::decode<VolumeRequest>(value);
}

} // namespace hull::model
