"""Check the installed wheel: what it carries is there, its command runs and judges a recording.

Run by the interpreter of an environment that has the wheel alone, anywhere but in the checkout.
"""

import subprocess
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

import fixtures
import reports

CHECKOUT = Path(__file__).resolve().parent.parent
DATA = (
    "corpus/*.json",
    "freeswitch/freeswitch.xml.j2",
    "recording.schema.json",
    "recordings/*.jsonl.gz",
)


def main() -> None:
    """Exit with the first thing that is wrong."""
    installed = Path(str(files(fixtures))).resolve()
    if installed == CHECKOUT / "fixtures":
        sys.exit("check_wheel: this is the checkout, not an installed wheel")
    for pattern in DATA:
        if not any(installed.glob(pattern)):
            sys.exit(f"check_wheel: the wheel has no fixtures/{pattern}")
    for schema in ("report.schema.json", "acceptance.schema.json"):
        if not Path(str(files(reports)), schema).is_file():
            sys.exit(f"check_wheel: the wheel has no reports/{schema}")
    command = str(Path(sys.executable).with_name("loopback-conformance"))
    recording = str(min(installed.glob("recordings/*.jsonl.gz")))
    with tempfile.TemporaryDirectory() as elsewhere:
        for arguments in (["--version"], ["judge", recording, "--html", "report.html"]):
            done = subprocess.run([command, *arguments], cwd=elsewhere, check=False)
            if done.returncode:
                said = f"{' '.join(arguments)} exits {done.returncode}"
                sys.exit(f"check_wheel: loopback-conformance {said}")
    print(f"check_wheel: the wheel judges {Path(recording).name} from an empty folder")


if __name__ == "__main__":
    main()
