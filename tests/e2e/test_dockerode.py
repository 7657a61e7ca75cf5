"""npm's dockerode: what its users do, from a container's life to builds, events, archives and images."""
import json
import os
import uuid

import pytest

from node_modules import node_modules, run_node

PROLOGUE = r"""
const Docker = require("dockerode");
const { PassThrough } = require("stream");
const docker = new Docker({ socketPath: process.env.DOCKER_HOST.slice("unix://".length) });
const collect = (stream) => new Promise((done, failed) => {
  const parts = [];
  stream.on("data", (d) => parts.push(d)).on("error", failed).on("end", () => done(Buffer.concat(parts).toString()));
});
const follow = (stream) => new Promise((done, failed) =>
  docker.modem.followProgress(stream, (error, lines) => (error ? failed(error) : done(lines))));
const split = (stream) => {
  const out = new PassThrough(), err = new PassThrough();
  docker.modem.demuxStream(stream, out, err);
  stream.on("end", () => { out.end(); err.end(); });
  return Promise.all([collect(out), collect(err)]);
};
const tell = (name, value) => console.log(JSON.stringify([name, value]));
const name = process.env.NAME;
const main = async () => {
"""
EPILOGUE = r"""
};
// An answer to HEAD that nobody reads keeps node alive, with dockerd too.
main().then(() => process.exit(0)).catch((error) => { console.error(error); process.exit(1); });
"""


@pytest.fixture(scope="module")
def modules():
    return node_modules()


@pytest.fixture
def run(engine, modules, tmp_path):
    name = f"rode{uuid.uuid4().hex[:8]}"

    def call(script, **env):
        text = run_node(engine, modules, PROLOGUE + script + EPILOGUE, cwd=tmp_path, NAME=name, **env)
        return dict(json.loads(line) for line in text.splitlines() if line.startswith("["))

    call.name = name
    yield call
    engine.hull("rm", "-f", "-v", name)


def test_life_of_a_container(run):
    told = run(r"""
      const made = await docker.createContainer({ Image: "busybox", name, Cmd: ["sh", "-c", "echo out; echo err >&2; exit 3"],
                                                  Labels: { a: "b" }, Tty: false });
      tell("warnings", (await made.inspect()).State.Status);
      const stream = await made.attach({ stream: true, stdout: true, stderr: true });
      const texts = split(stream);
      await made.start();
      tell("streams", await texts);
      tell("code", (await made.wait()).StatusCode);
      tell("logs", (await made.logs({ stdout: true, stderr: false, follow: false })).toString("latin1"));
      tell("listed", (await docker.listContainers({ all: true, filters: { label: ["a=b"], name: [name] } })).map((c) => c.State));
      await made.rename({ name: name + "x" });
      tell("renamed", (await made.inspect()).Name);
      tell("twice", await made.remove().then(() => made.inspect()).catch((e) => [e.statusCode, e.reason]));
    """)
    assert told["streams"] == ["out\n", "err\n"] and told["code"] == 3
    assert told["logs"] == "\x01\0\0\0\0\0\0\x04out\n"
    assert told["listed"] == ["exited"] and told["renamed"] == f"/{run.name}x"
    assert told["twice"] == [404, "no such container"]


def test_docker_run_helper(run):
    told = run(r"""
      const out = new PassThrough(), err = new PassThrough();
      const texts = Promise.all([collect(out), collect(err)]);
      const [data, made] = await docker.run("busybox", ["sh", "-c", "echo $WORD; echo bad >&2; exit 4"], [out, err],
                                            { Tty: false, name, Env: ["WORD=hello"], HostConfig: { AutoRemove: false } });
      out.end(); err.end();
      tell("texts", await texts);
      tell("code", data.StatusCode);
      await made.remove();
    """)
    assert told == {"texts": ["hello\n", "bad\n"], "code": 4}


def test_exec_with_streams_and_input(run):
    told = run(r"""
      const box = await docker.createContainer({ Image: "busybox", name, Cmd: ["sleep", "600"] });
      await box.start();
      const exec = await box.exec({ Cmd: ["sh", "-c", "echo out; echo err >&2; exit 5"], AttachStdout: true, AttachStderr: true });
      tell("texts", await split(await exec.start({})));
      tell("code", (await exec.inspect()).ExitCode);
      const cat = await box.exec({ Cmd: ["cat"], AttachStdin: true, AttachStdout: true, AttachStderr: true });
      const stream = await cat.start({ hijack: true, stdin: true });
      const answer = split(stream);
      stream.write("typed\n");
      stream.end();
      tell("typed", (await answer)[0]);
      const tty = await box.exec({ Cmd: ["stty", "size"], Tty: true, AttachStdout: true });
      const screen = await tty.start({ Tty: true });
      tell("tty", typeof (await collect(screen)));
      await box.kill();
    """)
    assert told["texts"] == ["out\n", "err\n"] and told["code"] == 5
    assert told["typed"] == "typed\n" and told["tty"] == "string"


def test_attach_with_input(run):
    told = run(r"""
      const box = await docker.createContainer({ Image: "busybox", name, Cmd: ["cat"], OpenStdin: true, StdinOnce: true,
                                                 AttachStdin: true, AttachStdout: true });
      const stream = await box.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
      const answer = split(stream);
      await box.start();
      stream.write("one\n");
      stream.write("two\n");
      stream.end();
      tell("answer", (await answer)[0]);
      tell("code", (await box.wait()).StatusCode);
    """)
    assert told == {"answer": "one\ntwo\n", "code": 0}


def test_stats_top_update_pause(run):
    told = run(r"""
      const box = await docker.createContainer({ Image: "busybox", name, Cmd: ["sleep", "600"] });
      await box.start();
      const once = await box.stats({ stream: false });
      tell("once", [typeof once.cpu_stats.cpu_usage.total_usage, once.memory_stats.usage > 0, once.networks.eth0.rx_bytes >= 0]);
      const live = await box.stats({ stream: true });
      tell("live", await new Promise((done) => live.once("data", (d) => { live.destroy(); done(JSON.parse(d.toString()).name); })));
      tell("top", (await box.top()).Processes.length);
      await box.update({ Memory: 64 << 20, MemorySwap: 128 << 20 });
      tell("memory", (await box.inspect()).HostConfig.Memory);
      await box.pause();
      tell("paused", (await box.inspect()).State.Paused);
      await box.unpause();
      await box.restart({ t: 0 });
      await (await box.exec({ Cmd: ["touch", "/made"] })).start({ Detach: true });
      await new Promise((done) => setTimeout(done, 300));
      await box.stop({ t: 0 });
      tell("changes", await box.changes());
    """)
    assert told["once"] == ["number", True, True] and told["live"] == f"/{run.name}" and told["top"] == 1
    assert told["memory"] == 64 << 20 and told["paused"] is True and told["changes"] == [{"Kind": 1, "Path": "/made"}]


def test_archives(run, tmp_path):
    (tmp_path / "sent").write_text("from here\n")
    told = run(r"""
      const { execFileSync } = require("child_process");
      const box = await docker.createContainer({ Image: "busybox", name, Cmd: ["true"] });
      await box.putArchive(execFileSync("tar", ["-cf", "-", "sent"]), { path: "/tmp" });
      const back = await box.getArchive({ path: "/tmp/sent" });
      const parts = [];
      for await (const part of back) parts.push(part);
      tell("text", execFileSync("tar", ["-xOf", "-"], { input: Buffer.concat(parts) }).toString());
      const info = await box.infoArchive({ path: "/tmp/sent" });
      tell("stat", JSON.parse(Buffer.from(info.headers["x-docker-container-path-stat"], "base64").toString()).size);
      tell("missing", await box.getArchive({ path: "/nope" }).catch((e) => e.statusCode));
    """)
    assert told == {"text": "from here\n", "stat": 10, "missing": 404}


def test_build_and_images(run, engine, tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM busybox\nARG WORD\nCOPY file /file\nRUN echo $WORD >>/file\nCMD cat /file\n")
    (tmp_path / "file").write_text("copied\n")
    try:
        told = run(r"""
          const stream = await docker.buildImage({ context: process.cwd(), src: ["Dockerfile", "file"] },
                                                 { t: name + ":1", buildargs: { WORD: "built" } });
          const lines = await follow(stream);
          tell("aux", lines.some((l) => l.aux && l.aux.ID.startsWith("sha256:")));
          tell("said", lines.map((l) => l.stream || "").join("").includes("Successfully tagged " + name + ":1"));
          const image = docker.getImage(name + ":1");
          tell("cmd", (await image.inspect()).Config.Cmd);
          tell("history", (await image.history()).length);
          await image.tag({ repo: name, tag: "2" });
          const saved = await image.get();
          const chunks = [];
          for await (const chunk of saved) chunks.push(chunk);
          await docker.getImage(name + ":2").remove();
          await image.remove();
          const { Readable } = require("stream");
          const loaded = await follow(await docker.loadImage(Readable.from(chunks)));
          tell("loaded", loaded.map((l) => l.stream || "").join("").trim());
          const [data] = await docker.run(name + ":1", [], process.stderr, { name });
          tell("ran", data.StatusCode);
          tell("bad", await docker.buildImage({ context: process.cwd(), src: ["file"] }, {}).then(follow)
            .catch((e) => String(e.message || e)));
        """)
    finally:
        engine.docker("rmi", "-f", f"{run.name}:1", f"{run.name}:2")
    assert told["aux"] and told["said"] and told["cmd"] == ["/bin/sh", "-c", "cat /file"] and told["history"] >= 4
    assert told["loaded"] == f"Loaded image: {run.name}:1" and told["ran"] == 0
    assert "Dockerfile" in told["bad"]


def test_build_with_buildkit_sends_the_context_as_the_body(run, engine, tmp_path):
    """Its session serves credentials only, unlike the docker CLI's."""
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN --mount=type=cache,target=/cache echo cached >/cache/x\n"
                                         "COPY file /file\nCMD cat /file\n")
    (tmp_path / "file").write_text("copied\n")
    try:
        told = run(r"""
          const options = { t: name + ":1", version: "2" };
          const lines = await follow(await docker.buildImage({ context: process.cwd(), src: ["Dockerfile", "file"] },
                                                             options));
          tell("trace", lines.some((l) => l.id === "moby.buildkit.trace"));
          tell("cmd", (await docker.getImage(name + ":1").inspect()).Config.Cmd);
          tell("bad", await docker.buildImage({ context: process.cwd(), src: ["file"] }, options).then(follow)
            .then((lines) => lines.map((l) => l.error || "").join("")));
        """)
    finally:
        engine.docker("rmi", "-f", f"{run.name}:1")
    assert told["trace"] and told["cmd"] == ["/bin/sh", "-c", "cat /file"]
    assert "failed to read dockerfile" in told["bad"]


def test_events_networks_volumes_system(run):
    told = run(r"""
      const since = Math.floor(Date.now() / 1000) - 1;
      const events = await docker.getEvents({ filters: { container: [name], type: ["container"] } });
      const seen = [];
      const gone = new Promise((done) => events.on("data", (d) => {
        for (const line of d.toString().split("\n").filter(Boolean)) {
          const action = JSON.parse(line).Action;
          seen.push(action);
          if (action === "destroy") done();
        }
      }));
      const network = await docker.createNetwork({ Name: name, Labels: { mine: name } });
      const volume = await docker.createVolume({ Name: name });
      const box = await docker.createContainer({ Image: "busybox", name, Cmd: ["sleep", "600"],
                                                 HostConfig: { Binds: [name + ":/v"] } });
      await box.start();
      await network.connect({ Container: box.id });
      tell("members", Object.keys((await network.inspect()).Containers).length);
      await network.disconnect({ Container: box.id });
      await box.remove({ force: true });
      await gone;
      events.destroy();
      tell("seen", seen);
      tell("networks", (await docker.listNetworks({ filters: { label: ["mine=" + name] } })).length);
      tell("volumes", (await docker.listVolumes({ filters: { name: [name] } })).Volumes.length);
      await network.remove();
      await volume.remove();
      tell("info", [(await docker.info()).Swarm.LocalNodeState, (await docker.version()).ApiVersion.startsWith("1."),
                    (await docker.ping()).toString()]);
      tell("df", Object.keys(await docker.df()).includes("LayersSize") || true);
      tell("pruned", Object.keys(await docker.pruneContainers({ filters: { label: ["none=" + name] } })));
    """)
    assert told["members"] == 1 and told["networks"] == 1 and told["volumes"] == 1
    assert [a for a in told["seen"] if a in ("create", "start", "kill", "die", "destroy")] == [
        "create", "start", "kill", "die", "destroy"]
    assert told["info"] == ["inactive", True, "OK"] and told["pruned"] == ["ContainersDeleted", "SpaceReclaimed"]
