"""A mail server that takes everything, in a process of its own: `python -m bench.mail_server`.

It makes its certificate in the folder it is started in, and writes there as `url` where it is. Whoever started it ends
it. In the process that measures, its work would be taken for that of the service.
"""

import signal
from pathlib import Path

from tests.machines.certificates import Certificates
from tests.machines.smtp import Sink


def main() -> None:
    """Take mail until the end."""
    sink = Sink(Certificates.make(Path.cwd()))
    new = Path("url.new")
    new.write_text(sink.url, encoding="utf-8")
    new.rename("url")
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    sink.stop()


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    main()
