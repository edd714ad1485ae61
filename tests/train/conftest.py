"""These tests need trainers and take minutes: they run only by `make test-train` and `make
test-trainers`."""

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for group in ("train", "trainers"):
        if config.option.markexpr != group:
            skip = pytest.mark.skip(reason=f"needs libraries of its own: run `make test-{group}`")
            for item in items:
                if item.get_closest_marker(group):
                    item.add_marker(skip)
