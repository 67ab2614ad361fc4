"""A matplotlib backend without a screen: a figure that is shown becomes a picture among the outputs.

A plt.show() that waits, as it does on a screen, saves every open figure once and closes it. One that does
not wait (`block=False`, `plt.pause`, `plt.ion`, `figure.show`) leaves the figure open to be drawn on, and
what it has become by the end of the script is saved then.
"""

from __future__ import annotations

import atexit
import io
import itertools
import os
from typing import Any, BinaryIO

import matplotlib
from matplotlib._pylab_helpers import Gcf
from matplotlib.backend_bases import FigureManagerBase
from matplotlib.backends.backend_agg import FigureCanvasAgg

_shown: list[FigureManager] = []
_numbers = itertools.count(1)


class FigureManager(FigureManagerBase):
    """Shows its figure by saving it."""

    def show(self) -> None:
        """Have the figure saved when the script ends."""
        _remember(self)


class FigureCanvas(FigureCanvasAgg):
    """Agg's own canvas."""

    manager_class = FigureManager


def new_figure_manager(num: int, *args: Any, **kwargs: Any) -> FigureManager:
    """Asked for by matplotlib before 3.6."""
    figure = kwargs.pop("FigureClass", matplotlib.figure.Figure)(*args, **kwargs)
    return new_figure_manager_given_figure(num, figure)


def new_figure_manager_given_figure(num: int, figure: Any) -> FigureManager:
    """Asked for by matplotlib before 3.6."""
    return FigureManager(FigureCanvas(figure), num)


def show(*_: Any, block: bool | None = None, **__: Any) -> None:
    """Save all open figures: now, if it is a show that waits."""
    managers = Gcf.get_all_fig_managers()
    waits = not matplotlib.is_interactive() if block is None else block
    for manager in managers:
        if waits:
            _save(manager)
        else:
            _remember(manager)


def _remember(manager: FigureManager) -> None:
    if not _shown:
        atexit.register(_save_remembered)  # before pyplot's own, which closes all figures
    if manager not in _shown:
        _shown.append(manager)


def _save_remembered() -> None:
    still_open = Gcf.get_all_fig_managers()
    for manager in [one for one in _shown if one in still_open]:
        _save(manager)


def _save(manager: FigureManager) -> None:
    picture = io.BytesIO()
    manager.canvas.figure.savefig(picture, format="png")
    with _next_file() as file:
        file.write(picture.getvalue())
    Gcf.destroy(manager)


def _next_file() -> BinaryIO:
    """A new file in the outputs, under the first number that is free."""
    folder = os.environ.get("TORCHYARD_OUTPUTS", "outputs")
    os.makedirs(folder, exist_ok=True)
    while True:
        number = next(_numbers)
        try:
            return open(os.path.join(folder, f"figure-{number}.png"), "xb")
        except FileExistsError:
            continue
