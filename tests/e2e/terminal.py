"""A command on a pseudo-terminal, driven as a person would."""
import os
import pty
import select
import signal
import struct
import subprocess
import fcntl
import termios
import time


class Terminal:
    def __init__(self, args, env=None, rows=24, columns=80):
        self.master, slave = pty.openpty()
        self.resize(rows, columns)
        self.process = subprocess.Popen([str(a) for a in args], stdin=slave, stdout=slave, stderr=slave, env=env,
                                        start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.output = ""

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def notify_resize(self):
        self.process.send_signal(signal.SIGWINCH)

    def send(self, text):
        os.write(self.master, text.encode())

    def expect(self, text, timeout=15):
        """Reads until text shows up; gives everything read so far."""
        deadline = time.monotonic() + timeout
        while text not in self.output:
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"{text!r} did not come; had {self.output!r}")
            ready, _, _ = select.select([self.master], [], [], left)
            if ready:
                try:
                    data = os.read(self.master, 65536)
                except OSError:
                    data = b""
                if not data:
                    raise AssertionError(f"ended before {text!r}; had {self.output!r}")
                self.output += data.decode(errors="replace")
        seen, self.output = self.output, self.output.split(text, 1)[1]
        return seen

    def wait(self, timeout=15):
        """Drains the output and gives the exit code."""
        deadline = time.monotonic() + timeout
        while True:
            ready, _, _ = select.select([self.master], [], [], 0.05)
            if ready:
                try:
                    data = os.read(self.master, 65536)
                    self.output += data.decode(errors="replace")
                    if data:
                        continue
                except OSError:
                    pass
                break
            if self.process.poll() is not None:
                break
            if time.monotonic() > deadline:
                raise AssertionError(f"still running; had {self.output!r}")
        return self.process.wait(max(0.1, deadline - time.monotonic()))

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
