"""The operator's own templates, from a folder: read anew each time, in a sandbox, with ours as the fallback."""

import os
import re
import traceback
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn, TypeVar

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateNotFound,
    TemplateSyntaxError,
)
from jinja2.loaders import split_template_path
from jinja2.sandbox import SandboxedEnvironment

from backend.errors import TemplateBroken

E = TypeVar("E", bound=Environment)

_LARGEST: Final = 256 * 1024
_HTML: Final = ".html"
_LAYOUT: Final = "layout.html"
_CONTENT: Final = "content"
_NOT_KNOWN: Final = re.compile(r"'\w+' is undefined")


class Unusable(Exception):
    """A template cannot be used, or its output is no mail. The message holds nothing of the mail itself."""

    def __init__(self, why: str, file: str | None = None) -> None:
        """Say why, and which file it is if that is known."""
        super().__init__(why)
        self.file = file


@dataclass(frozen=True)
class Fault:
    """What is wrong with a file, and where; `why` is fit for the log: no value of the mail is in it."""

    file: str
    line: int | None
    why: str
    details: str
    changed_at: int
    """Modification time in nanoseconds; with `file` it tells one fault from the next."""

    def refuse(self) -> NoReturn:
        """Raise it.

        Raises:
            TemplateBroken: always.
        """
        where = f"{self.file}, line {self.line}" if self.line else self.file
        raise TemplateBroken(f"{where}: {self.details}")


class OwnTemplates:
    """A folder of templates, and ours for what is not in it. Links within the folder are followed, not out of it."""

    def __init__(self, folder: Path, ours: Path) -> None:
        """Look into `folder` first, which need not exist."""
        self._folder = folder
        self._ours = FileSystemLoader(ours)

    def __contains__(self, name: str) -> bool:
        """Tell whether a file of this name is there, be it readable or not."""
        try:
            (self._folder / name).lstat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True
        return True

    def render(self, name: str, values: Mapping[str, object], left_out: Collection[str]) -> str:
        """Render a template, as if the files `left_out` were not there. It may raise anything."""
        html = name.endswith(_HTML)
        loader = ChoiceLoader([_Folder(self._folder, frozenset(left_out)), self._ours])
        templates = environment(SandboxedEnvironment, loader, html=html)
        if html and _CONTENT not in templates.get_template(_LAYOUT).blocks:
            raise Unusable(f'It has no block "{_CONTENT}".', _LAYOUT)
        return templates.get_template(name).render(values)

    def fault(self, error: Exception, name: str, left_out: Collection[str]) -> Fault:
        """Find the file in the folder that an error comes from; `name` if it cannot be told."""
        file, line = next(((file, line) for file, line in self._places(error) if file not in left_out), (name, None))
        kind = type(error).__name__
        details = str(error) or kind
        if isinstance(error, TemplateSyntaxError):
            details = error.message or kind
        elif isinstance(error, TemplateNotFound):
            details = f'There is no "{error.name}".'
        harmless = isinstance(error, Unusable | TemplateSyntaxError) or _NOT_KNOWN.fullmatch(details)
        why = details if harmless else f"{kind}; the command `mail show` says more"
        return Fault(file, line, why, details, self._changed_at(file))

    def _places(self, error: Exception) -> Iterator[tuple[str, int | None]]:
        """Return the files and lines of the folder in an error's traceback, the last first."""
        if isinstance(error, Unusable) and error.file:
            yield error.file, None
        found = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
        if isinstance(error, TemplateSyntaxError) and error.filename:
            found.append((error.filename, error.lineno))
        for file, line in reversed(found):
            if Path(file).is_relative_to(self._folder):
                yield Path(file).relative_to(self._folder).as_posix(), line

    def _changed_at(self, name: str) -> int:
        try:
            return (self._folder / name).stat().st_mtime_ns
        except OSError:
            return 0


class _Folder(BaseLoader):
    """Reads the files of a folder, but for some."""

    def __init__(self, folder: Path, left_out: frozenset[str]) -> None:
        self._folder = folder
        self._left_out = left_out

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, None]:  # noqa: ARG002  # Jinja's
        name = "/".join(split_template_path(template))
        path = self._folder / name
        if name in self._left_out or not os.path.lexists(path):
            raise TemplateNotFound(template)
        try:
            return self._read(path, name), str(path), None
        except OSError as error:
            raise Unusable(error.strerror or "It cannot be read.", name) from None
        except UnicodeDecodeError:
            raise Unusable("It is not UTF-8 text.", name) from None

    def _read(self, path: Path, name: str) -> str:
        real = path.resolve(strict=True)
        if not real.is_relative_to(self._folder.resolve()):
            raise Unusable("It is a link that leads out of the folder.", name)
        if not real.is_file():
            raise Unusable("It is no file.", name)
        with real.open("rb") as file:
            found = file.read(_LARGEST + 1)
        if len(found) > _LARGEST:
            raise Unusable(f"It is larger than {_LARGEST // 1024} KiB.", name)
        return found.decode("utf-8-sig")


def environment(kind: type[E], loader: BaseLoader, *, html: bool) -> E:
    """Return the Jinja environment of mail templates, theirs and ours: unknown variables are errors."""
    templates = kind(
        loader=loader,
        undefined=StrictUndefined,
        autoescape=html,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["quoted"] = quoted
    return templates


def quoted(text: str) -> str:
    """Quote each line as mail programs do: it can neither pass for ours nor seem to end the mail."""
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))
