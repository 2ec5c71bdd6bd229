"""The ground every test stands on: real servers for the whole run, and no network beyond this machine."""

import gc
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Protocol

import pytest
from hypothesis import HealthCheck, settings

from tests.machines import forks, memory, network, programs
from tests.machines.certificates import Certificates
from tests.machines.postgres import Cluster, Postgres
from tests.machines.processes import MachineError
from tests.machines.redis import Redis
from tests.machines.smtp import Sink

pytest_plugins = ["tests.application", "tests.hashers"]

_CLUSTERS: Final = pytest.StashKey[list[Cluster]]()
_WORKER_INPUT: Final = "postgres"
_ANYWHERE: Final = "anywhere"
_TOGETHER: Final = {"browser": 0, "faults": 1}


class _Worker(Protocol):
    """A worker of pytest-xdist, as the process that starts it sees it."""

    config: pytest.Config
    workerinput: dict[str, Any]


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_CLUSTERS] = []
    if not hasattr(config, "workerinput"):
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # be ended in order, as by Ctrl-C
    memory.prefer()
    network.close()
    # The same examples in every run, and as much time for each as it takes: none fails by chance or on a busy machine.
    settings.register_profile(
        _ANYWHERE, derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile(_ANYWHERE)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Their servers and browsers are started once, and what takes longest does not come last; else the order is random.
    items.sort(key=lambda item: _TOGETHER.get(item.path.parent.name, len(_TOGETHER)))


def pytest_collection_finish() -> None:
    # What is imported by now stays to the end: looking through it again and again took a tenth of the run.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def pytest_unconfigure(config: pytest.Config) -> None:
    forks.end()
    for cluster in config.stash.get(_CLUSTERS, []):
        cluster.stop()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: _Worker) -> None:
    """Tell a worker of pytest-xdist where the one PostgreSQL server of this run is."""
    server = _running_postgres(node.config)
    node.workerinput[_WORKER_INPUT] = (server.port, server.password)


def _running_postgres(config: pytest.Config) -> Postgres:
    clusters = config.stash[_CLUSTERS]
    if not clusters:
        clusters.append(Cluster())
    return clusters[0].address


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> Postgres:
    """One PostgreSQL server for the whole run, shared by all workers."""
    worker_input = getattr(pytestconfig, "workerinput", None)
    return Postgres(*worker_input[_WORKER_INPUT]) if worker_input else _running_postgres(pytestconfig)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    """One Redis server for each worker, so that a test may flush it."""
    server = Redis()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A CA that this run's servers are vouched for by."""
    return Certificates.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def smtp(certificates: Certificates) -> Iterator[Sink]:
    """A mail server of this test's own, which wants STARTTLS and a password."""
    sink = Sink(certificates)
    yield sink
    sink.stop()


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """The browser that tests of pages drive."""
    found = programs.chromium()
    if found is None:
        raise MachineError("Chromium is missing: run the tests with `make test`, which gets it.")
    return found


@pytest.fixture(autouse=True)
def network_guard() -> Iterator[list[str]]:
    """Fail a test that reached beyond this machine, even if the code under test swallowed the refusal."""
    network.refused.clear()
    yield network.refused
    assert not network.refused, f"reached for the network: {network.refused}"
