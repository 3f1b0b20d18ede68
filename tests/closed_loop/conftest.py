"""One graph for the tests of this folder. `make closed-loop` is the long run of what test_closed_loop.py samples."""

import places  # noqa: F401, I001

import pytest
import rclpy


@pytest.fixture(scope="session")
def context():
    context = rclpy.Context()
    rclpy.init(context=context)
    yield context
    context.try_shutdown()
