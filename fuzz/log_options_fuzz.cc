// links: hull_logs hull_model hull_base
// A tag's template, an address, a duration, and the options of collectors.
#include <cstddef>
#include <cstdint>
#include <string>

// One small file instead of its library, which needs the whole engine.
#include "engine/log_tag.cc"
#include "logs/address.h"
#include "logs/target.h"

using namespace hull;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::string text(reinterpret_cast<const char*>(data), size);
    model::ContainerSettings settings;
    settings.id = std::string(64, 'a');
    settings.name = "name";
    settings.config.labels = {{"a", "b"}};
    if (auto tag = engine::log_tag(text, settings); tag.ok() && text.find("{{") == text.npos && *tag != text)
        __builtin_trap();
    (void)logs::parse_duration_ms("x", text);
    if (auto address = logs::parse_address(text, "1"); address.ok() && address->port.size() > 5) __builtin_trap();
    for (const char* option :
         {"syslog-address", "syslog-facility", "syslog-format", "fluentd-address", "fluentd-retry-wait"})
        (void)logs::make_target({.driver = std::string(option).substr(0, std::string(option).find('-')),
                                 .options = {{option, text}},
                                 .tag = "t",
                                 .container_id = settings.id,
                                 .container_name = "n",
                                 .image_name = "i",
                                 .attributes = {}});
    return 0;
}
