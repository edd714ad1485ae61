"""These tests install software and take minutes: they run only by `make test-sites`."""

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "sites" not in config.option.markexpr:
        for item in items:
            if "sites" in item.keywords:
                item.add_marker(
                    pytest.mark.skip(reason="installs real site software: run `make test-sites`")
                )
