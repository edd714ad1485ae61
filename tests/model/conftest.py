"""These tests need a real model and take minutes: they run only by `make test-model`."""

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "model" not in config.option.markexpr:
        for item in items:
            if "model" in item.keywords:
                item.add_marker(
                    pytest.mark.skip(reason="serves a real model: run `make test-model`")
                )
