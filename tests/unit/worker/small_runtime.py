"""A runtime of a few lines: it has pip, and packages that call themselves torch and widgets."""

import subprocess
import sys
import sysconfig
from pathlib import Path

from torchyard_worker import runtimes


def make_runtime(place: Path) -> Path:
    """A runtime at `place`, by its directory's name."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    [packages] = place.glob("lib/python3.*/site-packages")
    for pip in Path(sysconfig.get_path("purelib")).glob("pip*"):
        (packages / pip.name).symlink_to(pip)
    give_package(packages, "torch", "2.13.0+cpu")
    give_package(packages, "widgets", "1.0", requires="torch")
    (packages / "more.pth").write_text(str(place / "more") + "\n")
    (place / "more").mkdir()
    (place / "more" / "from_a_pth_file.py").touch()
    torchrun = place / "bin" / "torchrun"
    torchrun.write_text(f"#!{place}/bin/python\nimport sys; print(sys.prefix)\n")
    torchrun.chmod(0o755)
    version = "{}.{}.{}".format(*sys.version_info[:3])
    found = runtimes.find_out(place.name, version, (packages,))
    runtimes.keep(place, (packages,), {"runtime": found.model_dump(), "requirements": ""})
    return place


def give_package(packages: Path, name: str, version: str, *, requires: str = "") -> None:
    """Have a package there as if it were installed."""
    (packages / f"{name}.py").write_text(f"VERSION = {version!r}\n")
    info = packages / f"{name}-{version}.dist-info"
    info.mkdir()
    needs = f"Requires-Dist: {requires}\n" if requires else ""
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}")
    (info / "entry_points.txt").write_text(f"[tests.{name}]\nit = {name}:VERSION\n")
