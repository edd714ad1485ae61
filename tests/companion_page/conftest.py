"""A real Chromium opens the page: these tests run only by `make test-browser`."""

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "companion_page" not in config.option.markexpr:
        for item in items:
            if "companion_page" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="opens Chromium: run `make test-browser`"))
