"""These tests need the real encoder: they run only by `make test-encoder`."""

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "encoder" not in config.option.markexpr:
        for item in items:
            if "encoder" in item.keywords:
                item.add_marker(
                    pytest.mark.skip(reason="needs the real encoder: run `make test-encoder`")
                )
