"""What sections 4 and 5 of Meta Internal Learning claim, and how it is judged."""

from __future__ import annotations

from lossconditioning.evaluation import Statement, verdict

CLAIMS = (
    Statement(
        "as_good_as_separate",
        "One hypernetwork for a data set is as good as a single-image GAN for each picture (5.1, Table 1)",
        "SIFID 0.05 against 0.09 of SinGAN on Places-50; our bound, of the same primary network and steps: at most 1.15 times",
        ("card_places_dataset_sifid", "card_places_singan_sifid"),
        verdict("SIFID {:.3f} against {:.3f}", lambda ours, theirs: ours <= 1.15 * theirs),
        ("places_dataset", "places_singan_0"),
    ),
    Statement(
        "as_diverse",
        "And as diverse (5.1, Table 1)",
        "0.50 against 0.52 on Places-50; our bound: at least 0.9 times",
        ("card_places_dataset_diversity", "card_places_singan_diversity"),
        verdict("{:.2f} against {:.2f}", lambda ours, theirs: ours >= 0.9 * theirs),
        ("places_dataset", "places_singan_0"),
    ),
    Statement(
        "less_time",
        "It takes a fraction of the time per picture (5.1, Table 1)",
        "5 minutes against 60; our bound: a fifth",
        ("minutes_per_image_ratio",),
        verdict("{:.2f} times", lambda ratio: ratio <= 0.2),
        ("dataset", "singan_0"),
    ),
    Statement(
        "shared_discriminator_leaks",
        "With a discriminator for all pictures, patches of one turn up in samples of another (5.1, Figure 2, Proposition 2)",
        "shown on two pictures; our bound: at least three times as many as with a hyper-discriminator",
        ("leakage_shared", "leakage_hyper"),
        verdict("{:.1%} of patches against {:.1%}", lambda shared, hyper: shared >= 3 * hyper),
        ("shared", "batch_4"),
    ),
    Statement(
        "shared_embedding_collapses",
        "With one embedding for both, the discriminator is driven towards 0 (4.2, Propositions 3 and 4)",
        "proved for gradient descent; our bound: scores a tenth of those with two embeddings",
        ("collapse_scores_shared", "collapse_scores_separate"),
        verdict("mean score {:.4f} against {:.4f}", lambda shared, separate: shared <= 0.1 * separate),
        ("dataset",),
    ),
    Statement(
        "unseen_is_harder",
        "Of unseen pictures generators are far from as good as of learned ones (5.2, Table 3)",
        "SIFID 0.41 against 0.05",
        ("unseen_sifid", "sifid"),
        verdict("{:.2f} against {:.2f}", lambda unseen, seen: unseen >= 2 * seen),
        ("dataset",),
    ),
)
