#include "apps/hulld/cdi_files.h"

#include <gtest/gtest.h>

namespace hull {
namespace {

constexpr const char* kYaml = R"(cdiVersion: "0.6.0"
kind: vendor.com/device
containerEdits:
  env: [A=b]
devices:
  - name: one
    containerEdits:
      deviceNodes:
        - path: /dev/one
          hostPath: /dev/null
          permissions: rw
          fileMode: 438
      mounts:
        - {hostPath: /opt, containerPath: /vendor, options: [ro, rbind]}
      hooks:
        - {hookName: createContainer, path: /bin/true, args: ["true"]}
      additionalGids: [5]
)";

TEST(CdiFiles, YamlAndJsonSayTheSame) {
    auto spec = parse_cdi_spec(kYaml, "x.yaml");
    ASSERT_TRUE(spec.ok()) << spec.error().message();
    EXPECT_EQ(spec->kind, "vendor.com/device");
    const engine::CdiEdits& edits = spec->devices.at("one");
    EXPECT_EQ(edits.nodes.at(0).host_path, "/dev/null");
    EXPECT_EQ(edits.nodes.at(0).file_mode, 0666U);
    EXPECT_EQ(edits.mounts.at(0).options.size(), 2U);
    EXPECT_EQ(edits.gids, std::vector<uint32_t>{5});
    auto json = parse_cdi_spec(R"({"cdiVersion":"0.6.0","kind":"a.b/c","devices":[{"name":"x"}]})", "x.json");
    ASSERT_TRUE(json.ok()) << json.error().message();
    EXPECT_TRUE(json->devices.contains("x"));
}

TEST(CdiFiles, WrongOnesAreErrors) {
    for (const char* text : {"", "[]", "{}", R"({"cdiVersion":"1","kind":"nokind","devices":[]})",
                             R"({"cdiVersion":"1","kind":"a/b","devices":[{"name":"x"},{"name":"x"}]})",
                             R"({"cdiVersion":"1","kind":"a/b","devices":[{"name":"../x"}]})",
                             R"({"cdiVersion":"1","kind":"a/b","devices":[],"containerEdits":{"env":1}})",
                             R"({"cdiVersion":"1","kind":"a/b","devices":[],
                                 "containerEdits":{"deviceNodes":[{"path":"dev/x"}]}})"})
        EXPECT_FALSE(parse_cdi_spec(text, "x.json").ok()) << text;
}

TEST(CdiFiles, WhatWeCannotDoIsSaid) {
    auto spec = parse_cdi_spec(R"({"cdiVersion":"1","kind":"a/b","devices":[{"name":"x","containerEdits":
        {"netDevices":[{"hostInterfaceName":"eth9"}]}}]})",
                               "x.json");
    ASSERT_TRUE(spec.ok());
    EXPECT_EQ(spec->devices.at("x").unsupported, "netDevices");
}

} // namespace
} // namespace hull
