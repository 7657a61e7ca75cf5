"""hull-runtime as a user who isn't root."""
import os
import shutil
import tempfile

import pytest

from rootless_user import User


@pytest.fixture
def user():
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody else")
    # pytest's own temporary folders are closed to others.
    folder = tempfile.mkdtemp(prefix="hull-rootless-", dir="/tmp")
    os.chmod(folder, 0o755)
    made = User(folder)
    yield made
    made.cleanup()
    left = made.leftovers()
    shutil.rmtree(folder, ignore_errors=True)
    assert not left, left
