"""These tests install the package anew and take minutes: they run only by `make test-container`."""

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "container" not in config.option.markexpr:
        for item in items:
            if "container" in item.keywords:
                item.add_marker(
                    pytest.mark.skip(reason="installs all anew: run `make test-container`")
                )
