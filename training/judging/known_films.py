"""How many of the images a package is judged on it was made from: by their pixels, and by their patients."""

from __future__ import annotations

from converter.evaluation.cautions import Overlap
from training.data.images import load_film_digests
from training.judging.judged_images import JudgedImages


def overlap_of(judged: JudgedImages) -> Overlap:
    """What of the judged images lies in train or val of the package, whatever split or cohort it is judged in."""
    made_from = [*judged.learned, *judged.decided]
    digests = {*load_film_digests(made_from).tolist()} if made_from else set[int]()
    patients = {example.patient_id for example in made_from}
    known = [digest in digests for digest in load_film_digests(judged.examples).tolist()]
    others = sum(
        not same and example.patient_id in patients for same, example in zip(known, judged.examples, strict=True)
    )
    return Overlap(known=bool(made_from), films=sum(known), patients=others)
