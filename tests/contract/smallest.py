"""A system's smallest experiments: one of each kind, and what has to be finished with them."""

from dataclasses import dataclass
from pathlib import Path

from lossconditioning.systems import SYSTEMS, system
from lossconditioning.training import Config, Data, Run, System

SMOKE = Run(profile="smoke", progress=False)


@dataclass(frozen=True)
class Shelf:
    """A system and a folder of its finished smoke experiments.

    Attributes:
        kinds: one experiment of each kind.
        configs: all that are finished: these, what they need, and what `evaluate` can not do without.
        run: that they were finished with.
    """

    system: System
    kinds: dict[str, Config]
    configs: dict[str, Config]
    run: Run

    @property
    def folder(self) -> Path:
        return self.run.out

    def made(self, config: Config):
        """The finished networks that an experiment needs."""
        return {name: self.system.load(name, self.folder).model for name in config.needs}

    def data(self, config: Config) -> Data:
        found = self.system.data(config, self.run)
        return type(found)(**{**vars(found), "made": self.made(config)})


def kind_of(config: Config) -> str:
    """What sets an experiment's code apart from others'."""
    return " ".join(str(getattr(config, name)) for name in ("data", "kind") if hasattr(config, name))


def chosen(found: System) -> tuple[dict[str, Config], dict[str, Config]]:
    """One smoke experiment of each kind, and all that have to be finished with them."""
    everything, kinds = found.experiments("smoke"), {}
    for config in everything.values():
        kinds.setdefault(kind_of(config), config)
    wanted = [config.name for config in kinds.values()] + list(found.compared(SMOKE))
    for name in wanted:  # grows as it goes
        wanted += [need for need in everything[name].needs if need not in wanted]
    return kinds, {name: everything[name] for name in everything if name in wanted}


KINDS = [(name, kind) for name in SYSTEMS for kind in chosen(system(name))[0]]
