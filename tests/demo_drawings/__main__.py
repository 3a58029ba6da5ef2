"""Write all demonstration images: `python -m tests.demo_drawings [FOLDER]`."""

import argparse
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from nejm_inspect.cases import DEMO_FILE
from tests.demo_drawings import (
    audiology,
    blood_smear,
    capnography,
    ecg,
    karyotype,
    laboratory,
    neurology,
    sleep,
    spirometry,
    visual_field,
)

DRAWINGS: dict[str, Callable[[], Image.Image]] = {
    "demo-01": ecg.dissociated_rhythm,
    "demo-02": audiology.air_bone_gap,
    "demo-03": spirometry.flattened_loop,
    "demo-04": visual_field.temporal_losses,
    "demo-05": blood_smear.crescent_cells,
    "demo-06": ecg.twisting_tachycardia,
    "demo-07": karyotype.extra_sex_chromosome,
    "demo-08": neurology.generalized_discharge,
    "demo-09": capnography.slow_upstroke_capnogram,
    "demo-10": laboratory.narrow_gamma_spike,
    "demo-11": sleep.waxing_and_waning_sleep,
    "demo-12": audiology.notched_loss,
}

# Rounding colors to this step keeps the files small; the eye does not notice.
COLOR_STEP = 5


def write_images(folder: Path) -> None:
    """Draw every image and write it as an RGB PNG into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rounded = [round(level / COLOR_STEP) * COLOR_STEP for level in range(256)]
    for name, draw in DRAWINGS.items():
        draw().point(rounded * 3).save(folder / f"{name}.png", optimize=True)


def main() -> None:
    """Read the folder from the command line and write the images there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=DEMO_FILE.parent)
    write_images(parser.parse_args().folder)


if __name__ == "__main__":
    main()
