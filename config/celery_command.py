"""Celery's commands `worker` and `beat` without the others, one of which imports a line editor.

    python -m config.celery_command worker|beat MODULE OPTION…

`MODULE` has the app as `app`; the options are Celery's own. `python -m celery` would take six megabytes more, in the
process that all parts are forked from, and start by looking through everything that is installed for more commands.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

from celery.bin.base import CLIContext
from celery.bin.beat import beat
from celery.bin.worker import worker

COMMANDS = {"beat": beat, "worker": worker}


def main() -> None:
    name, module, *options = sys.argv[1:]
    # `up` and `run` have looked whether everything is right; once more would import all that only the web server needs.
    os.environ["CELERY_SKIP_CHECKS"] = "true"
    context = CLIContext(app=import_module(module).app, no_color=True, workdir=None)
    COMMANDS[name].main(options, prog_name=f"celery {name}", obj=context)


if __name__ == "__main__":
    main()
