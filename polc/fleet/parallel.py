"""The same for many hosts, side by side in processes; each of them reads a file of policies once."""

from __future__ import annotations

import gc
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.sharedctypes import Synchronized
from typing import TypeVar

from polc.diagnostics import Failure
from polc.fleet.model import Host
from polc.policy.library import Library

Result = TypeVar("Result")
Work = Callable[[Host, Library], Result]


def each(work: Work[Result], hosts: Sequence[Host], jobs: int) -> Iterator[tuple[int, Result]]:
    """What ``work`` makes of each host, with the host's number, as they become ready, from up to ``jobs`` processes.

    Raises:
        Failure: POL087, a process has been killed.
    """
    jobs = min(jobs, len(hosts))
    if jobs <= 1:
        library = Library()
        for number, host in enumerate(hosts):
            yield number, work(host, library)
        return
    # Forked: what has been read and imported is there already, and nothing has to be sent to the processes.
    context = multiprocessing.get_context("fork")
    turn = context.Value("l", 0)
    pipes: dict[Connection, BaseProcess] = {}
    try:
        for _ in range(jobs):
            ours, theirs = context.Pipe(duplex=False)
            process: BaseProcess = context.Process(target=_run, args=(work, hosts, turn, theirs), daemon=True)
            process.start()
            theirs.close()
            pipes[ours] = process
        waiting = list(pipes)
        done = 0
        while waiting:
            for pipe in wait(waiting):
                assert isinstance(pipe, Connection)
                try:
                    number, result = pipe.recv()
                except EOFError:
                    waiting.remove(pipe)
                    continue
                if isinstance(result, Exception):
                    raise result
                yield number, result
                done += 1
        if done < len(hosts):
            message = f"{len(hosts) - done} of {len(hosts)} hosts are not done: a process has been killed"
            raise Failure.of("POL087", message, help="`--jobs 1` takes the least memory")
    finally:
        for pipe, process in pipes.items():
            pipe.close()
            process.terminate()
            process.join()


def _run(work: Work[Result], hosts: Sequence[Host], turn: Synchronized[int], results: Connection) -> None:
    # A host's values are garbage once it is done, and a command of one host has switched the collector off.
    gc.freeze()
    gc.enable()
    # ^C reaches all processes of a terminal; the first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    library = Library()
    while True:
        with turn.get_lock():
            number = turn.value
            turn.value += 1
        if number >= len(hosts):
            return
        try:
            result: Result | Exception = work(hosts[number], library)
        except Exception as error:
            result = error
        results.send((number, result))
