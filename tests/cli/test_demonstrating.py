"""How `haven demo` seals: as the worker where it may, as the public role where it holds no opening key."""

import pytest
from pydantic import SecretStr

from app.cli.demonstrating import sealer_of
from app.crypto.keys import KeySet, encode_key, new_keys
from app.crypto.sealing import OpeningSealer, Sealer
from app.settings import ConfigurationRefused, KeySettings, Settings


def settings_with(opening: bytes | None) -> Settings:
    return Settings(
        keys=KeySettings(opening_key=SecretStr(encode_key(opening)) if opening is not None else None)
    )


def test_with_the_opening_key_it_seals_as_the_worker(keys: KeySet) -> None:
    assert isinstance(sealer_of(settings_with(keys.opening), 7, keys.sealing), OpeningSealer)


def test_without_it_as_the_public_role(keys: KeySet) -> None:
    assert type(sealer_of(settings_with(None), 7, keys.sealing)) is Sealer


def test_an_opening_key_of_another_pair_is_refused(keys: KeySet) -> None:
    with pytest.raises(ConfigurationRefused, match="no pair"):
        sealer_of(settings_with(new_keys().opening), 7, keys.sealing)
