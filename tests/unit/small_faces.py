"""Face generation with tuning blocks, small: the experiments of profile "smoke"."""

from lossconditioning.systems.dynamic_net import faces

SMOKE = faces.experiments("smoke")
CLASSIFIER, MAIN, BLOCKS = (SMOKE[name] for name in ("face_classifier", "face_dark_hair", "face_blond_hair"))
