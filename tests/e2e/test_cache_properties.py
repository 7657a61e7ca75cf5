"""The cache of builds against a model: a change of any input does its step and what stands on it anew; nothing else does.

Inputs are changed at random, several at a time; HULL_CACHE_SEED repeats a run.
"""
import io
import json
import os
import random
import re
import shutil
import subprocess
import tarfile

ROUNDS = 12

DOCKERFILE = """{comment}ARG GLOBAL={global_arg}
FROM busybox AS base
ARG LATE={late_arg}
RUN echo {first} $LATE > /first
COPY --chown={chown} --chmod={chmod} a /a
{blank}COPY --exclude=*.skip dir /dir
ENV E={env}
RUN echo $E $LATE > /e
FROM busybox AS other
WORKDIR /{workdir}
RUN --mount=type=bind,source=b,target=/b cat /b > made
FROM busybox AS unused
RUN echo {unused}
FROM base
COPY --from=other /{workdir}/made /made
ADD t.tar /t/
COPY <<EOF /heredoc
{heredoc}
EOF
USER {user}
RUN id > /tmp/id
LABEL l={label}
CMD {cmd}
"""

# What each step takes, and what it stands on. ARG LATE is a variable of the RUN steps after it. Each step makes something
# else of other inputs: where a step that is done anew gives the same files, what stands on it is not done anew.
STEPS = {
    "RUN echo F": ({"first", "late_arg"}, None),
    "COPY --chown": ({"chown", "chmod", "file a"}, "RUN echo F"),
    "COPY --exclude": ({"file dir", "mode dir", "name dir"}, "COPY --chown"),
    "RUN echo $E": ({"env", "late_arg"}, "COPY --exclude"),
    "WORKDIR": ({"workdir"}, None),
    "RUN --mount": ({"file b"}, "WORKDIR"),
    "COPY --from": ({"file b"}, "RUN echo $E"),
    "ADD": ({"file t"}, "COPY --from"),
    "COPY <<EOF": ({"heredoc"}, "ADD"),
    "RUN id": ({"user", "env", "late_arg"}, "COPY <<EOF"),
}
# Changed, and nothing is done anew.
NOTHING = {"comment", "blank", "unused", "label", "cmd", "times", "place", "file z", "file ignored", "file skipped", "given_arg",
           "owner a", "global_arg"}
INPUTS = sorted(set().union(*(takes for takes, _ in STEPS.values())) | NOTHING)


def step_of(text):
    """A vertex' or a classic step's name as a key of STEPS; None: no step of these."""
    text = re.sub(r"^\[.*?\] ", "", text)
    text = re.sub(r"^RUN echo .* > /first", "RUN echo F", text)
    text = re.sub(r"^RUN echo .* > /e$", "RUN echo $E", text)
    return next((key for key in STEPS if text.startswith(key)), None)


class World:
    """The values of all inputs, and the context that has them."""

    def __init__(self, folder, rng):
        self.folder, self.rng, self.round = folder, rng, 0
        self.values = dict.fromkeys(INPUTS, 0)

    def change(self, names):
        self.round += 1
        for name in names:
            self.values[name] += 1

    def text(self):
        v = self.values
        words = {name: f"{name.replace('_', '-')}-{value}" for name, value in v.items()}
        return DOCKERFILE.format(**{**words, "comment": f"# {v['comment']}\n" * v["comment"], "blank": "\n" * v["blank"],
                                    "chown": v["chown"], "chmod": oct(0o600 + v["chmod"])[2:], "user": v["user"] + 5})

    def write(self):
        v, folder = self.values, self.folder / f"context-{self.values['place']}"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "dir/sub").mkdir(parents=True)

        def put(name, text, mode=0o644):
            path = folder / name
            path.write_text(text)
            path.chmod(mode)
            os.utime(path, (10 ** 9 + v["times"],) * 2)

        put("Dockerfile", self.text())
        put(".dockerignore", "ignored\n")
        put("a", f"a-{v['file a']}")
        os.chown(folder / "a", v["owner a"], v["owner a"])
        put("b", f"b-{v['file b']}")
        put("z", f"z-{v['file z']}")
        put("ignored", f"ignored-{v['file ignored']}")
        put("dir/other.skip", f"skipped-{v['file skipped']}")
        put("dir/sub/f", f"f-{v['file dir']}")
        put(f"dir/sub/n-{v['name dir']}", "n")
        put("dir/m", "m", 0o600 + v["mode dir"])
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            entry = tarfile.TarInfo("in")
            data = f"t-{v['file t']}".encode()
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
        (folder / "t.tar").write_bytes(out.getvalue())
        return folder


def to_do(changed):
    """The steps that the model wants done anew."""
    done = set()
    for step, (takes, on) in STEPS.items():
        if takes & changed or on in done:
            done.add(step)
    return done


def by_hull(engine, folder, tag, arg):
    done = subprocess.run([engine.programs / "bin/hull", "build", "--progress=rawjson", "-t", tag, "--build-arg", f"NOT_USED={arg}",
                           folder], env=engine.env, text=True, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    cached, seen = {}, set()
    for line in done.stderr.splitlines():
        for vertex in json.loads(line).get("vertexes", []):
            if step := step_of(vertex["name"]):
                seen.add(step)
                cached[step] = cached.get(step, False) or bool(vertex.get("cached"))
    assert seen == set(STEPS)
    return {step for step in seen if not cached[step]}


def test_a_change_of_an_input_changes_its_step_and_no_other(engine, tmp_path):
    seed = int(os.environ.get("HULL_CACHE_SEED", random.randrange(10 ** 6)))
    rng = random.Random(seed)
    world = World(tmp_path, rng)
    # No other run of this has the same.
    world.values["first"] = world.values["workdir"] = 10 ** 6 + seed
    tag = f"cache-properties-{os.getpid()}"
    try:
        assert by_hull(engine, world.write(), tag, 0) == set(STEPS), f"seed {seed}"
        assert by_hull(engine, world.write(), tag, 0) == set(), f"seed {seed}"
        for _ in range(ROUNDS):
            changed = set(rng.sample(INPUTS, rng.choice([1, 1, 2, 3])))
            world.change(changed)
            done = by_hull(engine, world.write(), tag, world.values["given_arg"])
            assert done == to_do(changed), f"seed {seed}, changed {sorted(changed)}"
        world.change(NOTHING)
        assert by_hull(engine, world.write(), tag, world.values["given_arg"]) == set(), f"seed {seed}"
        for name in sorted(set(INPUTS) - NOTHING):
            world.change([name])
            assert by_hull(engine, world.write(), tag, world.values["given_arg"]) == to_do({name}), f"seed {seed}, {name}"
    finally:
        engine.hull("rmi", "-f", tag)


def test_what_was_there_before_is_found_again(engine, tmp_path):
    """Back to the inputs of any earlier build: nothing is done anew."""
    rng = random.Random(7)
    world = World(tmp_path, rng)
    world.values["first"] = world.values["workdir"] = 2 * 10 ** 6 + os.getpid()
    tag, earlier = f"cache-earlier-{os.getpid()}", []
    try:
        for _ in range(4):
            by_hull(engine, world.write(), tag, 0)
            earlier.append((dict(world.values), engine.hull("image", "inspect", "-f", "{{.RootFS.Layers}}", tag).stdout))
            world.change(rng.sample(sorted(set(INPUTS) - {"place"}), 4))
        for values, layers in rng.sample(earlier, len(earlier)):
            world.values = dict(values)
            assert by_hull(engine, world.write(), tag, 0) == set()
            assert engine.hull("image", "inspect", "-f", "{{.RootFS.Layers}}", tag).stdout == layers
    finally:
        engine.hull("rmi", "-f", tag)


def by_docker(engine, folder, tag):
    """The classic way."""
    done = subprocess.run(["docker", "build", "-t", tag, folder], env={**engine.env, "DOCKER_BUILDKIT": "0"}, text=True,
                          capture_output=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    pieces = re.split(r"^Step \d+/\d+ : ", done.stdout, flags=re.M)[1:]
    steps = {step_of(piece.splitlines()[0]): "Using cache" in piece for piece in pieces}
    assert set(STEPS) <= set(steps)
    return {step for step, cached in steps.items() if step and not cached}


def test_the_classic_way_sees_the_same_changes(engine, tmp_path):
    world = World(tmp_path, random.Random(1))
    world.values["first"] = world.values["workdir"] = 3 * 10 ** 6 + os.getpid()
    tag = f"cache-classic-{os.getpid()}"
    try:
        assert by_docker(engine, world.write(), tag) == set(STEPS)
        world.change(NOTHING)
        assert by_docker(engine, world.write(), tag) == set()
        for name in sorted(set(INPUTS) - NOTHING):
            world.change([name])
            assert by_docker(engine, world.write(), tag) == to_do({name}), name
    finally:
        engine.docker("rmi", "-f", tag)
