"""These tests need trainers and take minutes: they run only by `make test-train`."""

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "train" not in config.option.markexpr:
        for item in items:
            if "train" in item.keywords:
                item.add_marker(
                    pytest.mark.skip(reason="trains a tiny model: run `make test-train`")
                )
