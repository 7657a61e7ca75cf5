"""testcontainers 11 for node: a container with an exposed port and a wait strategy, networks, volumes."""
import pytest

from node_modules import node_modules, run_node

SCRIPT = r"""
const net = require("net");
const { GenericContainer, Network, Wait } = require("testcontainers");
const serve = ["sh", "-c", "echo ready; while :; do echo hello | nc -l -p 8080; done"];
const once = (host, port) => new Promise((done) => {
  const socket = net.connect(port, host);
  let text = "";
  socket.on("data", (d) => (text += d)).on("close", () => done(text)).on("error", () => {});
});
// The server in the container is a loop of one-shot ones.
const read = async (host, port) => {
  for (let i = 0; i < 50; i++) {
    const text = await once(host, port);
    if (text) return text;
    await new Promise((done) => setTimeout(done, 100));
  }
  return "nothing";
};
(async () => {
  const network = await new Network().start();
  const web = await new GenericContainer("busybox").withCommand(serve).withExposedPorts(8080)
    .withNetwork(network).withNetworkAliases("web").withWaitStrategy(Wait.forLogMessage("ready")).start();
  const port = web.getMappedPort(8080);
  console.log("host", (await read("127.0.0.1", port)).trim(), (await read(web.getHost(), port)).trim());
  const other = await new GenericContainer("busybox").withCommand(["sleep", "600"]).withNetwork(network).start();
  const { output, exitCode } = await other.exec(["sh", "-c", "for i in 1 2 3 4 5; do nc -w 3 web 8080 && exit; sleep 0.2; done; exit 1"]);
  console.log("exec", exitCode, output.trim());
  const listening = await new GenericContainer("busybox").withCommand(serve).withExposedPorts(8080)
    .withWaitStrategy(Wait.forListeningPorts()).start();
  console.log("listening", (await read("127.0.0.1", listening.getMappedPort(8080))).trim());
  for (const one of [listening, other, web, network]) await one.stop();
  console.log("stopped");
})().catch((error) => { console.error(error); process.exit(1); });
"""


@pytest.fixture(scope="module")
def modules():
    return node_modules()


def test_generic_containers(engine, modules):
    # Its reaper is an image of a registry that needn't be there.
    out = run_node(engine, modules, SCRIPT)
    assert out.split("\n")[:4] == ["host hello hello", "exec 0 hello", "listening hello", "stopped"]


BUILD = r"""
const { GenericContainer, Wait } = require("testcontainers");
(async () => {
  const image = await GenericContainer.fromDockerfile(process.cwd()).withBuildArgs({ WORD: "argued" }).build();
  const box = await image.withEnvironment({ SAY: "said" }).withCopyContentToContainer([{ content: "copied", target: "/c" }])
    .withTmpFs({ "/scratch": "rw" }).withHealthCheck({ test: ["CMD-SHELL", "test -f /c"], interval: 200, timeout: 1000, retries: 5 })
    .withWaitStrategy(Wait.forHealthCheck()).start();
  const { output } = await box.exec(["sh", "-c", "cat /built /c; echo $SAY; touch /scratch/x && echo writable"]);
  console.log(JSON.stringify(output));
  const tar = await box.copyArchiveFromContainer("/built");
  let bytes = 0;
  for await (const part of tar) bytes += part.length;
  console.log(bytes > 512);
  await box.restart();
  console.log(JSON.stringify((await box.exec(["cat", "/c"])).output));
  await box.stop();
})().catch((error) => { console.error(error); process.exit(1); });
"""


def test_image_build_copy_health_and_restart(engine, modules, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM busybox\nARG WORD\nRUN echo $WORD >/built\nCMD sleep 600\n")
    out = run_node(engine, modules, BUILD, cwd=tmp_path).splitlines()
    assert out[:3] == ['"argued\\ncopiedsaid\\nwritable\\n"', "true", '"copied"']


WAITS = r"""
const { GenericContainer, Wait } = require("testcontainers");
(async () => {
  const done = await new GenericContainer("busybox").withCommand(["sh", "-c", "sleep 0.3; echo end"])
    .withWaitStrategy(Wait.forOneShotStartup()).start();
  console.log("one shot");
  await done.stop();
  const shell = await new GenericContainer("busybox").withCommand(["sh", "-c", "sleep 0.5; touch /ready; sleep 600"])
    .withWaitStrategy(Wait.forSuccessfulCommand("test -f /ready")).start();
  const lines = [];
  (await shell.logs()).on("data", (line) => lines.push(line));
  console.log("command");
  await shell.stop();
  const failed = await new GenericContainer("busybox").withCommand(["sleep", "600"]).withStartupTimeout(1500)
    .withWaitStrategy(Wait.forLogMessage("never")).start().catch((error) => error.message);
  console.log(failed.includes("not received after 1500ms"));
})().catch((error) => { console.error(error); process.exit(1); });
"""


def test_wait_strategies(engine, modules):
    assert run_node(engine, modules, WAITS).splitlines()[:3] == ["one shot", "command", "true"]
