"""Makes .venv and installs a lock into it, with a Python and its pip alone: python3 -I config/bootstrap.py run|dev|…

A script of its own, in words that Python 3.6 understands, so that a Python too old gets a sentence and no SyntaxError.
`make` calls it before everything else; when there is nothing to do it ends at once. With -I, because modules
of this folder have names of others (celery.py), which Python would find first.
"""

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST, NEWEST = 11, 14  # minor versions of Python 3
MIN_PIP = (22, 3)  # the first with `pip --python`
PROJECT = Path(__file__).resolve().parent.parent
VENV = PROJECT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
# There from before the first package is installed until after the last: a half-made environment is made again.
UNFINISHED = VENV / ".unfinished"
LOG = VENV / "install.log"


def main() -> None:
    if sys.argv[1:] not in (["run"], ["dev"], ["bench"]):
        print("usage: python3 config/bootstrap.py run|dev|bench", file=sys.stderr)
        sys.exit(2)
    if sys.version_info[0] != 3 or not OLDEST <= sys.version_info[1] <= NEWEST:
        use_another_python()
    install(sys.argv[1])


def use_another_python() -> None:
    """Go on with a suitable Python from PATH, or say what is missing."""
    for minor in range(NEWEST, OLDEST - 1, -1):
        for folder in os.get_exec_path():
            found = os.path.join(folder, f"python3.{minor}")
            if os.access(found, os.X_OK) and describe_python(found).startswith(f"3.{minor} "):
                os.execv(found, [found, "-I", *sys.argv])
    fail(
        f"Broadsheet needs Python 3.{OLDEST} to 3.{NEWEST}, and this is {platform.python_version()}: install one of "
        f"them, or name it with `make PYTHON=/path/to/python3.{OLDEST} run`."
    )


def describe_python(python: str) -> str:
    """Version and machine of an interpreter, `3.12 x86_64`; empty when it doesn't run (a pyenv shim of nothing)."""
    script = "import platform, sys; print('%d.%d' % sys.version_info[:2], platform.machine())"
    try:
        ended = subprocess.run([python, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    except OSError:
        return ""
    return ended.stdout.decode().strip()


def install(name: str) -> None:
    """Bring .venv in line with requirements/<name>.txt."""
    lock = PROJECT / "requirements" / f"{name}.txt"
    stamp = VENV / f".installed-{name}"
    # Another lock, another Python or another machine on the same files: install again.
    wanted = f"{hashlib.sha256(lock.read_bytes()).hexdigest()} {this_python()}"
    if is_current(stamp, wanted):
        return
    with (PROJECT / "requirements" / "run.txt").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # another `make` of this project may be at it
        if is_current(stamp, wanted):
            return
        check_pip()
        make_venv()
        UNFINISHED.touch()
        run_pip(lock)
        stamp.write_text(wanted)
        UNFINISHED.unlink()


def this_python() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]} {platform.machine()}"


def is_current(stamp: Path, wanted: str) -> bool:
    return not UNFINISHED.exists() and VENV_PYTHON.exists() and stamp.exists() and stamp.read_text() == wanted


def check_pip() -> None:
    words = [sys.executable, "-m", "pip", "--version"]
    ended = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    found = re.match(r"pip (\d+)\.(\d+)", ended.stdout.decode("utf-8", "replace"))
    if found and (int(found[1]), int(found[2])) >= MIN_PIP:
        return
    fail(
        f"Broadsheet needs pip 22.3 or newer for {sys.executable}, and it has {found[0] if found else 'none'}: install "
        f"it with the system's packages (Debian: apt install python3-pip) or `{sys.executable} -m ensurepip --upgrade`."
    )


def make_venv() -> None:
    """Make .venv, unless there is a whole one for this Python. The system's packages stay as they are."""
    if VENV.is_dir():
        if not UNFINISHED.exists() and describe_python(str(VENV_PYTHON)) == this_python():
            return
        if not (VENV / "pyvenv.cfg").exists() and any(VENV.iterdir()):
            fail(f"{VENV} is not a virtual environment: move it away and try again.")
        shutil.rmtree(VENV)
    say(f"Making .venv with Python {platform.python_version()} ...")
    # Without pip: that would need ensurepip, which Debian keeps in a package of its own.
    if subprocess.call([sys.executable, "-m", "venv", "--without-pip", str(VENV)]) != 0:
        fail(f"{sys.executable} could not make a virtual environment in {VENV}: see above.")


def run_pip(lock: Path) -> None:
    """Install a lock with the pip of this Python; the settings it finds (PIP_*, pip.conf) hold."""
    say(f"Installing the packages of requirements/{lock.name} into .venv ...")
    words = [sys.executable, "-m", "pip", "--python", str(VENV_PYTHON), "install", "--require-hashes"]
    words += ["--only-binary", ":all:", "--no-user", "--no-input", "--disable-pip-version-check"]
    with LOG.open("wb") as log:
        words += ["--progress-bar", "off", "-r", str(lock)]
        failed = subprocess.call(words, stdout=log, stderr=subprocess.STDOUT) != 0
    if failed:
        fail(explain_pip_failure(LOG.read_bytes().decode("utf-8", "replace")))


def explain_pip_failure(said: str) -> str:
    """One sentence for what pip said."""
    if "DO NOT MATCH THE HASHES" in said:
        return f"A package is not the one that the lock names, and was not installed: see {LOG}."
    if "No space left on device" in said:
        return "The disk is full: .venv needs about 500 MB."
    missing = re.search(r"No matching distribution found for ([A-Za-z0-9._-]+)", said)
    any_found = re.search(r"^\s*(Downloading|Using cached|Processing|Requirement already)", said, re.MULTILINE)
    if re.search(r"NewConnectionError|NameResolutionError|Read ?Timeout|ProxyError|SSLError", said) or (
        missing and not any_found
    ):
        return f"The packages could not be downloaded: check the network, or PIP_INDEX_URL. pip's words are in {LOG}."
    if missing:
        return (
            f"There is no package {missing[1]} for this machine ({platform.system()}, {platform.machine()}, Python "
            f"{platform.python_version()}): Broadsheet runs on Linux with glibc and on macOS, x86-64 and arm64; "
            "elsewhere use the container (docs/install.md)."
        )
    last = [line for line in said.splitlines() if line.strip()][-5:]
    return "\n".join([f"The packages could not be installed. pip's last words (all are in {LOG}):", *last])


def say(line: str) -> None:
    print(line, flush=True)


def fail(sentence: str) -> None:
    print(sentence, file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()
