"""learned.bin: sorted digests of films, bound to the manifest, bounded in size."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from converter.package.learned_films import DIGEST_BYTES, FILMS_MAX, LearnedFilms, packed, section_of, unpacked


def test_digests_come_back_once_each_in_any_order() -> None:
    digests = [2**64 - 1, 0, 7, 7]
    content = packed(digests)
    assert content == packed(reversed(digests)) and len(content) == 3 * DIGEST_BYTES
    assert unpacked(content, section_of(content)) == {*digests}


@pytest.mark.parametrize("spoil", [lambda content: content[:-1], lambda content: bytes(len(content))])
def test_another_file_than_the_manifest_means_is_refused(spoil: object) -> None:
    content = packed(range(5))
    assert callable(spoil)
    with pytest.raises(ValueError, match="not the 5 digests"):
        unpacked(spoil(content), section_of(content))


def test_none_or_too_many_are_no_section() -> None:
    for films in (0, FILMS_MAX + 1):
        with pytest.raises(ValidationError):
            LearnedFilms(films=films, sha256="0" * 64)
    with pytest.raises(ValidationError):
        section_of(b"")
