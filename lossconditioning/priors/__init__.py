r"""Where λ comes from: distributions over loss weights.

A loss-conditional network is trained on a distribution of losses instead of one loss: for every example, loss weights
λ ~ P_λ are drawn, fed to the network, and used to weigh the loss terms ("You Only Train Once", section 3, equation 2;
sym-parameters, section 3.1). P_λ is the *prior*.

Every prior here is a `torch.distributions.Distribution` with two additions:

- ``encode(lam)`` turns weights into the numbers a network likes to read: the logarithm where the prior is log-uniform,
  then standardised (mean 0, standard deviation 1 under the prior). A Dirichlet vector stays itself.
- ``sample(shape, stratified=True)`` spreads the draws of one batch evenly over the prior.

A scalar prior draws λ of shape ``(B,)``; a prior over K weights (vector arguments, or a Dirichlet) draws ``(B, K)``.
"""

from __future__ import annotations

from lossconditioning.priors.finite import Choice, Fixed
from lossconditioning.priors.prior import Prior
from lossconditioning.priors.ranges import LogUniform, Uniform, log_grid
from lossconditioning.priors.simplex import Dirichlet

__all__ = ["Choice", "Dirichlet", "Fixed", "LogUniform", "Prior", "Uniform", "log_grid"]
