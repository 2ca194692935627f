"""Is this machine ready? Versions, device, memory, network, with exact advice where something is missing."""

from __future__ import annotations

import html
import os
import platform
import re
import shutil
import socket
import threading
from dataclasses import dataclass
from importlib import metadata

import torch

from lossconditioning.errors import one_of

NEEDED_GB = {"smoke": 2, "demo": 4, "laptop": 4, "paper": 4}
"""Free memory that a profile asks for, in GiB (the design's limit for the demo profile)."""


@dataclass(frozen=True)
class Finding:
    """One line of the check: what, what was found, whether it will do, and what to do if not."""

    what: str
    found: str
    ok: bool = True
    advice: str = ""


@dataclass(frozen=True)
class Report:
    """All findings; the last line is green, or says exactly what to do."""

    findings: list[Finding]

    @property
    def ready(self) -> bool:
        return all(finding.ok for finding in self.findings)

    @property
    def verdict(self) -> str:
        if self.ready:
            return "✔ Ready. Every notebook of the course runs here in this profile."
        return "✘ Not ready yet: " + " ".join(f"({i}) {f.advice}" for i, f in enumerate(self._missing(), start=1))

    def _missing(self) -> list[Finding]:
        return [finding for finding in self.findings if not finding.ok]

    def __str__(self) -> str:
        lines = [f"{'ok ' if f.ok else 'NO '} {f.what:12} {f.found}" for f in self.findings]
        return "\n".join([*lines, self.verdict])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{'✔' if f.ok else '✘'}</td><td style='text-align:left'>{html.escape(f.what)}</td>"
            f"<td style='text-align:left'>{html.escape(f.found)}</td></tr>"
            for f in self.findings
        )
        color = "#00704A" if self.ready else "#B3261E"
        verdict = f"<p style='color:{color};background:white;padding:0.4em'><b>{html.escape(self.verdict)}</b></p>"
        return f"<table><tr><th></th><th>what</th><th>found</th></tr>{rows}</table>{verdict}"


def check_environment(profile: str = "demo") -> Report:
    """Look at Python, packages, device, memory, disk and network.

    Args:
        profile: the profile that is to run here.
    """
    one_of("profile", profile, NEEDED_GB)
    return Report([_python(), *_packages(), _device(profile), _memory(profile), _disk(), _network(), _profile(profile)])


def _python() -> Finding:
    version = platform.python_version()
    ok = tuple(map(int, platform.python_version_tuple()[:2])) >= (3, 10)
    return Finding("Python", version, ok, "Install Python 3.10 or newer, then: make PYTHON=python3.12 run.")


def _packages() -> list[Finding]:
    """Every runtime dependency of the package, against the range it declares."""
    from packaging.requirements import Requirement

    shown, findings = ("torch", "torchvision", "ipywidgets"), []
    for text in metadata.requires("lossconditioning") or []:
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            version = "missing"
        ok = version != "missing" and requirement.specifier.contains(version, prereleases=True)
        if not ok or requirement.name in shown:
            advice = f'Run: pip install "{requirement.name}{requirement.specifier}".'
            findings.append(Finding(requirement.name, version, ok, advice))
    return findings


def _device(profile: str) -> Finding:
    if torch.cuda.is_available():
        free = torch.cuda.mem_get_info()[0] / 2**30
        return Finding("device", f"{torch.cuda.get_device_name()}, {free:.0f} GiB free")
    kind = "Apple GPU" if torch.backends.mps.is_available() else f"CPU, {os.cpu_count()} cores"
    return Finding("device", f"{kind}; enough for the {profile} profile of every notebook there is so far")


def _memory(profile: str) -> Finding:
    free, needed = free_memory_gb(), NEEDED_GB[profile]
    if free is None:
        return Finding("memory", f"unknown on {platform.system()}; {needed} GiB are needed")
    advice = f"Free some memory: {needed} GiB are needed, {free:.1f} are free. Close other notebooks' kernels first."
    return Finding("memory", f"{free:.1f} GiB free, {needed} needed", free >= needed, advice)


def free_memory_gb() -> float | None:
    """Memory a new process can have, in GiB, or None where the system does not tell (Linux does)."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            available = re.search(r"^MemAvailable:\s+(\d+) kB", file.read(), re.MULTILINE)
    except OSError:
        return None
    return int(available[1]) / 2**20 if available else None


def _disk() -> Finding:
    free = shutil.disk_usage(".").free / 2**30
    return Finding("disk", f"{free:.0f} GiB free", free >= 1, "Free some disk space: at least 1 GiB is needed.")


def _network() -> Finding:
    """Whether names resolve; asked of the resolver only, so that nothing is sent to anybody's server."""
    found = threading.Event()

    def ask() -> None:
        try:
            socket.getaddrinfo("github.com", 443)
            found.set()
        except OSError:
            pass

    asker = threading.Thread(target=ask, daemon=True)
    asker.start()
    asker.join(1.0)
    return Finding("network", "online" if found.is_set() else "offline; nothing needs to be downloaded")


def _profile(profile: str) -> Finding:
    return Finding("profile", profile)
