"""A window of the desktop, with tkinter: it comes with Python, and on Debian as python3-tk."""

from __future__ import annotations

from types import TracebackType
from typing import Any, cast

import cv2

from edge.errors import UserError
from edge.signals import Uint8Image

SHARE = 0.9
"""The most of the screen that a picture takes, each way."""


class Window:
    """Shows pictures until somebody closes it, or presses q or Escape. For the main thread only.

    Raises UserError where there is no tkinter, or no display.
    """

    def __init__(self, title: str) -> None:
        try:
            import tkinter
        except ImportError as error:
            raise UserError(
                "no window can be opened: Python has no tkinter (Debian: apt install python3-tk)"
            ) from error
        try:
            self._root = tkinter.Tk(className="affectfusion")
        except tkinter.TclError as error:
            raise UserError(
                "there is no display here to open a window on; for a file, --annotated COPY.mp4 needs none"
            ) from error
        self._tkinter: Any = tkinter
        self._root.title(title)
        self._root.configure(background="black")
        self._label = tkinter.Label(self._root, borderwidth=0, background="black")
        self._label.pack(expand=True, fill="both")
        self.closed = False
        """Whether somebody closed it."""
        for key in ("<Escape>", "q"):
            self._root.bind(key, lambda _: self._close())
        self._root.protocol("WM_DELETE_WINDOW", self._close)

    def __enter__(self) -> Window:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._root.destroy()

    def show(self, picture: Uint8Image) -> None:
        """Shows ``picture``, uint8 (height, width, 3) BGR, made smaller where the screen is."""
        content = _portable(picture, SHARE * self._root.winfo_screenwidth(), SHARE * self._root.winfo_screenheight())
        # Tk shows what the label refers to, and forgets what nothing in Python holds
        self._shown = self._tkinter.PhotoImage(master=self._root, data=content, format="PPM")
        self._label.configure(image=self._shown)

    def turn(self) -> None:
        """Lets the window answer to keys and mouse; called often."""
        self._root.update()

    def _close(self) -> None:
        self.closed = True


def _portable(picture: Uint8Image, width: float, height: float) -> bytes:
    """The picture as a PPM file, at most so wide and high."""
    scale = min(1.0, width / picture.shape[1], height / picture.shape[0])
    if scale < 1.0:
        size = (max(1, int(picture.shape[1] * scale)), max(1, int(picture.shape[0] * scale)))
        picture = cast(Uint8Image, cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    _, content = cv2.imencode(".ppm", picture)
    return content.tobytes()
