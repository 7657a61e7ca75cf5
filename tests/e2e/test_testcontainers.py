"""testcontainers 11 for node: a container with an exposed port and a wait strategy, networks, volumes."""
import pathlib
import shutil
import subprocess

import pytest

MODULES = pathlib.Path(__file__).resolve().parents[2] / "build/node"

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
    if not shutil.which("npm"):
        pytest.skip("no npm here")
    if not (MODULES / "node_modules/testcontainers").exists():
        MODULES.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "testcontainers@11"], cwd=MODULES,
                              capture_output=True, timeout=400)
        if done.returncode != 0:
            pytest.skip("testcontainers can't be had here")
    return MODULES


def test_generic_containers(engine, modules):
    # Its reaper is an image of a registry that needn't be there.
    env = dict(engine.env, TESTCONTAINERS_RYUK_DISABLED="true", NODE_PATH=str(modules / "node_modules"))
    done = subprocess.run(["node", "-e", SCRIPT], env=env, cwd=modules, text=True, capture_output=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split("\n")[:4] == ["host hello hello", "exec 0 hello", "listening hello", "stopped"]
