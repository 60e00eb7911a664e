"""Linux for machines of other architectures: Debian's own packages, unpacked and not installed.

apt is given a configuration of its own below the work directory, so that neither the architectures
of this machine's packages nor its sources change. Which archive, this machine's apt says.
"""

import os
import pathlib
import shutil
import subprocess

# The first release with all of the architectures.
SUITE = "trixie"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class Missing(Exception):
    """What cannot be had here, and why."""


def run(*words, environment=None, directory=None):
    try:
        done = subprocess.run(words, env=os.environ | (environment or {}), cwd=directory,
                              capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"{words[0]}: {error}") from error
    if done.returncode != 0:
        raise Missing(f"{' '.join(words)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def archive():
    targets = run("apt-get", "indextargets", "--format", "$(ORIGIN)|$(COMPONENT)|$(LABEL)|$(REPO_URI)",
                  "Created-By: Packages")
    for line in targets.splitlines():
        origin, component, label, uri = line.split("|")
        if (origin, component, label) == ("Debian", "main", "Debian"):
            return uri
    raise Missing("apt knows no archive of Debian's")


def configure(place, architecture, suite=SUITE):
    """The variables that make apt work below `place`, for `architecture`."""
    for directory in ("lists/partial", "cache/archives/partial", "etc/apt.conf.d",
                      "etc/preferences.d", "etc/sources.list.d"):
        (place / directory).mkdir(parents=True, exist_ok=True)
    (place / "status").touch()
    (place / "etc/sources.list").write_text(f"deb [signed-by={KEYRING}] {archive()} {suite} main\n")
    (place / "apt.conf").write_text(
        f'Dir::State "{place}";\nDir::State::Lists "{place}/lists";\n'
        f'Dir::State::status "{place}/status";\nDir::Cache "{place}/cache";\n'
        f'Dir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\n'
        f'Dir::Etc "{place}/etc";\nDir::Etc::Parts "{place}/etc/apt.conf.d";\n'
        f'APT::Architecture "{architecture}";\nAPT::Architectures {{ "{architecture}"; }};\n'
        f'APT::Sandbox::User "root";\nAcquire::Languages "none";\n')
    return {"APT_CONFIG": str(place / "apt.conf")}


def unpack(place, architecture, package, suite=SUITE):
    """The newest kernel's files, below `place`/root; `package` is the one that depends on it."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise Missing("this is not a Debian system")
    shutil.rmtree(place, ignore_errors=True)
    apt = configure(place, architecture, suite)
    run("apt-get", "-q", "-o", "APT::Update::Error-Mode=any", "update", environment=apt)
    depends = run("apt-cache", "depends", package, environment=apt)
    images = [line.split()[-1] for line in depends.splitlines() if "Depends: linux-image-" in line]
    if not images:
        raise Missing(f"{package} depends on no kernel")
    run("apt-get", "-q", "download", images[0], environment=apt, directory=place)
    run("dpkg-deb", "--extract", str(next(place.glob("*.deb"))), str(place / "root"))
    return place / "root"


def fetch(work, architecture, package):
    """The path of a kernel image."""
    kept = work / f"linux-{architecture}"
    if kept.exists():
        return kept
    place = (work / f"apt-{architecture}").resolve()
    image = next(pathlib.Path(unpack(place, architecture, package) / "boot").glob("vmlinu*"))
    (work / f"{kept.name}.name").write_text(image.name.split("-", 1)[1])
    shutil.copy(image, work / f"{kept.name}.new")
    (work / f"{kept.name}.new").rename(kept)
    shutil.rmtree(place)
    return kept


def fetch_tree(work, architecture, package, suite):
    """The directory with a kernel's image and modules."""
    kept = work / f"linux-{suite}-{architecture}"
    if not kept.exists():
        place = (work / f"apt-{suite}").resolve()
        unpack(place, architecture, package, suite).rename(kept)
        shutil.rmtree(place)
    return kept
