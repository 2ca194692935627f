"""The variants are the rows of Table 4."""

import pytest

from lossconditioning.systems import staged_encoder as staged

TABLE_4 = """
                dir_recon cyc_recon D_dir D_rand_z z_recon z_L2 z_KL VAE
Bicycle v1      ✓         -         ✓     ✓        ✓       -    ✓    ✓
Bicycle v2      ✓         ✓         ✓     ✓        ✓       -    ✓    ✓
Bicycle v1.2    ✓         -         ✓     ✓        ✓       -    ✓    -
Bicycle v2.2    ✓         ✓         ✓     ✓        ✓       -    ✓    -
Bicycle v1.3    ✓         -         ✓     ✓        ✓       ✓    -    -
Bicycle v2.3    ✓         ✓         ✓     ✓        ✓       ✓    -    -
Ours v1         ✓         ✓         ✓     ✓        ✓       ✓    -    -
Ours v2         ✓         -         ✓     ✓        ✓       ✓    -    -
Ours v3         ✓         -         ✓     -        -       ✓    -    -
Ours v4         ✓         -         ✓     -        -       -    -    -
"""
HEAD, *ROWS = TABLE_4.strip().splitlines()
NAMES = [f"{row.split()[0]}_{row.split()[1]}".lower().replace(".", "_") for row in ROWS]


def test_all_rows_are_there_in_the_papers_order():
    assert list(staged.VARIANTS) == NAMES


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_a_row_is_the_papers(row):
    who, version, *marks = row.split()
    variant = staged.VARIANTS[f"{who}_{version}".lower().replace(".", "_")]
    for column, mark in zip(HEAD.split(), marks, strict=True):
        assert getattr(variant, column) == (mark == "✓"), column
    assert variant.pretrained == (who == "Ours")
    assert variant.random == (variant.D_rand_z or variant.z_recon)
