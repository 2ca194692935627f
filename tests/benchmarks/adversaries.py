"""A network and its discriminator in the midst of training, as benchmarks step them."""

from contextlib import contextmanager

import torch


class Adversaries:
    """What a benchmark's ``Opponents`` have in common.

    They set up ``config``, ``data``, ``model``, ``batch`` and ``lam``, the weights of its examples, themselves.
    """

    def begin(self, optimise):
        """An optimizer for each, as the system makes them."""
        self.discriminator = self.data.discriminator
        self.optimizers = {name: optimise(self.config, getattr(self, name))[0] for name in ("model", "discriminator")}

    def take(self, name, loss):
        self.optimizers[name].zero_grad()
        loss.backward()
        if self.config.clip is not None:
            torch.nn.utils.clip_grad_norm_(getattr(self, name).parameters(), self.config.clip)
        self.optimizers[name].step()

    def step(self, network, discriminate, terms, weigh):
        """As `fit_adversarially` does it: the losses of the discriminator and of the network, ``(2,)``.

        Args:
            network: what is called in training.
            discriminate, terms, weigh: the system's.
        """
        batch, config = self.batch, self.config
        with self.precision():
            made = network(*batch.inputs)
            told = sum(discriminate(config, batch, made).values()).mean()
        self.take("discriminator", told)
        self.discriminator.requires_grad_(False)
        with self.precision():
            loss = weigh(config, terms(lambda *_: made, batch, self.lam), self.lam).mean()
        self.take("model", loss)
        self.discriminator.requires_grad_(True)
        return torch.stack([told, loss]).detach()

    @contextmanager
    def precision(self):
        with torch.autocast("cpu", torch.bfloat16, enabled=self.config.precision == "bf16"):
            yield
