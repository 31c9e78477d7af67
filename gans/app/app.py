"""The verb `app`: a local web page on which trained runs are used."""

import sys
import threading
from collections.abc import Sequence

from gans.app import serving
from gans.app.latents import LatentTool
from gans.app.limits import Limits, Turns
from gans.app.photos import PhotoTool
from gans.app.storage import Storage, temporary
from gans.data.files import printable
from gans.errors import UserError
from gans.printing import say
from gans.run.folder import repeated
from gans.run.trained import Trained, load_run


def app(workdirs: Sequence[str], host: str, port: int | None, limits: Limits) -> None:
    """Serves the page until a signal ends it.

    Args:
      workdirs: run folders; each gets a tab.
      host: the address to listen on.
      port: of it; None or 0 for the first free one from 7860 on.
      limits: of uploads and requests.

    Raises:
      UserError: Gradio is missing, the port is taken, or a run cannot be used.
    """
    serving.check_gradio()
    limits.check()
    with temporary() as storage, serving.surroundings(storage), serving.take_port(host, port) as listening:
        if listening.getsockname()[0] not in serving.LOOPBACK:
            say(f'Whoever can reach {host} on this network can use this page: it has no password.', sys.stderr)
        tools = open_tools(workdirs, storage, limits)
        from gans.app.page import build

        with serving.serving(build(tools, storage, limits), listening, storage, limits):
            address = serving.address_of(listening)
            say(f'Open {address} in a browser. Ctrl-C ends this.')
            wait(address)


def open_tools(workdirs: Sequence[str], storage: Storage, limits: Limits) -> list[PhotoTool | LatentTool]:
    """Loads and compiles the runs; says what it is doing, since that takes a while.

    Raises:
      UserError: a run that cannot be read, is given twice, or has no use on a page.
    """
    turns, tools = Turns(limits.seconds), []
    if (twice := repeated(workdirs)) is not None:
        raise UserError(f"'{printable(str(twice))}' is given more than once as --workdir: give every run once.")
    for run in [load_run(workdir) for workdir in workdirs]:
        say(f'Compiling {run.folder} (step {run.step}) ...')
        tools.append(_tool(run, storage, limits, turns))
        tools[-1].warm_up()
    return tools


def _tool(run: Trained, storage, limits, turns):
    if run.game.task.from_noise:
        return LatentTool(run, turns)
    if run.game.task.on_files is None:
        raise UserError(
            f'{run.folder} was trained for {run.config.task.name!r}, which has no use on image files: leave it out.'
        )
    return PhotoTool(run, storage, limits, turns)


def wait(address: str) -> None:
    """Waits, while visitors are served at the address, for the signal that ends the page, which raises here."""
    del address
    threading.Event().wait()
