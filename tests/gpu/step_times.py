"""Training steps of every network: the processor with all its cores and the fast layers, then the GPU."""

import time

from evolve.base import processors
from tests.bench.speed.caffe_engine import CaffeEngine
from tests.bench.speed.networks import NETWORKS, Network, write_case
from tests.gpu.session import Result, Session

SECONDS = 2.0  # of timed steps, at least
FEWEST = 3


def run(session: Session) -> Result:
    """Milliseconds a step, batch and all, of each network."""
    import fastcaffe

    networks = list(NETWORKS.values())[: 1 if session.dry else None]
    threads = processors.usable()
    ms, layers = {}, "fast"
    for network in networks:
        folder = session.scratch / "steps" / network.name
        write_case(network, folder)
        try:
            engine = CaffeEngine(folder, threads, fast=True)
        except fastcaffe.NotAvailable as error:
            engine, layers = CaffeEngine(folder, threads, fast=False), f"stock: {error}"
        engine.make()
        ms[network.name] = {"cpu": _ms(engine, network, session.dry)}
    fastcaffe.disable()
    result: Result = {"threads": threads, "layers on the cpu": layers, "device": session.gpu()}
    for network in networks:
        engine = CaffeEngine(session.scratch / "steps" / network.name, threads, fast=False)
        ms[network.name]["gpu"] = _ms(engine, network, session.dry)
    return {**result, "ms": ms}


def _ms(engine: CaffeEngine, network: Network, dry: bool) -> float:
    """The mean of as many steps as take two seconds, after three that are not timed."""
    pass_, steps = network.backward, 1
    engine.run(pass_, 1 if dry else FEWEST)
    while True:
        began = time.perf_counter()
        engine.run(pass_, steps)
        _finished(engine)
        seconds = time.perf_counter() - began
        if dry or (seconds >= SECONDS and steps >= FEWEST):
            return 1000 * seconds / steps
        steps = max(FEWEST, int(1.2 * steps * SECONDS / max(seconds, 1e-3)), steps + 1)


def _finished(engine: CaffeEngine) -> None:
    """A number of the last update's, which is there when the GPU has done all before it."""
    net = engine._kept.net
    next(iter(net.params.values()))[0].data.flat[0]
