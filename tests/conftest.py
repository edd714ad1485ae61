from __future__ import annotations

from hypothesis import HealthCheck, settings

import pipeline.llm.server

pipeline.llm.server.REMOTE_MODELS = False  # no test can ask, or pay, a model elsewhere

# The machine's load decides how long an example takes, so no deadline; what fails is printed to be
# tried again.
settings.register_profile(
    "rapport", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("rapport")
