"""The trust folder: what a development alliance writes, that it stays and grows, what it says when damaged."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from shared.trust import (
    KNOWN_CENTERS,
    KeyNotListed,
    TrustError,
    TrustFileBroken,
    TrustFileMissing,
    TrustFileUnreadable,
    TwoHubsNeeded,
    add_center,
    create_development_alliance,
    load_directory,
    load_issuer_key,
    load_issuers,
    load_keyring,
    open_sealed,
    seal,
    sign,
    verify,
)

THREE = {center: KNOWN_CENTERS[center] for center in ("beijing", "south", "east")}
NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.fixture
def trust_dir(tmp_path: Path) -> Path:
    """A new alliance of three."""
    create_development_alliance(tmp_path / "trust", THREE)
    return tmp_path / "trust"


def contents(trust_dir: Path) -> dict[str, bytes]:
    """Every file but the lock."""
    return {str(path.relative_to(trust_dir)): path.read_bytes() for path in trust_dir.rglob("*.json")}


def test_the_alliance_has_eleven_centers_and_two_hubs(tmp_path: Path) -> None:
    directory = create_development_alliance(tmp_path, KNOWN_CENTERS)
    assert len(directory.centers) == 11
    assert directory.hubs == ("beijing", "south")
    assert directory.centers["sunan"].name.zh == "苏州"


def test_private_files_are_private(trust_dir: Path) -> None:
    files = {path: stat.S_IMODE(path.stat().st_mode) for path in (trust_dir / "keys").rglob("*.json")}
    assert len(files) == 3 * 7 + 2, "root, seal, issuer and four services each; hubs sign their directory too"
    assert set(files.values()) == {0o600}


def test_a_center_speaks_and_another_listens(trust_dir: Path) -> None:
    east, south = load_keyring(trust_dir, "east", "escrow"), load_keyring(trust_dir, "south", "escrow")
    to = [east.directory().seal_key(center, NOW) for center in ("south", "east")]
    body = seal(b"terms", source=east.source, id="1", audience="south", to=to)
    headers = {"ce_source": east.source, "ce_time": "2026-03-01T08:00:00Z", "ce_id": "1"}
    record: dict[str, Any] = {"topic": "ctta.east.escrow.to.south", "key": b"deal-1", "headers": headers, "body": body}
    headers["ce_signature"] = sign(east.signing_key, **record)
    verify(south.directory(), **record, now=NOW)
    assert open_sealed(body, source=east.source, id="1", audience="south", keyring=south) == b"terms"


def test_a_second_start_changes_nothing(trust_dir: Path) -> None:
    before = contents(trust_dir)
    create_development_alliance(trust_dir, THREE)
    assert contents(trust_dir) == before


def test_a_start_cut_short_is_completed_with_the_same_keys(trust_dir: Path) -> None:
    before = contents(trust_dir)
    for lost in ("directory.json", "issuers.json", "pins.json"):
        (trust_dir / lost).unlink()
    create_development_alliance(trust_dir, THREE)
    assert contents(trust_dir) == before


def test_centers_that_start_together_make_one_alliance(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from shared.trust import *\n"
        "three = {center: KNOWN_CENTERS[center] for center in ('beijing', 'south', 'east')}\n"
        "create_development_alliance(pathlib.Path(sys.argv[1]), three)"
    )
    root = str(Path(__file__).parents[2])
    starts = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], env={**os.environ, "PYTHONPATH": root})
        for _ in range(3)
    ]
    assert [start.wait(60) for start in starts] == [0, 0, 0]
    for center in THREE:
        load_keyring(tmp_path, center, "escrow")


def test_a_twelfth_center_joins_while_others_run(trust_dir: Path) -> None:
    running = load_keyring(trust_dir, "east", "escrow")
    before = running.directory()
    assert running.directory() is before
    files = contents(trust_dir)
    add_center(trust_dir, "hainan", ("spoke", "海南", "Hainan", "CN"))
    assert running.directory().centers["hainan"].name.en == "Hainan"
    assert load_keyring(trust_dir, "hainan", "listing").signing_key.kid == "hainan/listing/1"
    changed = {name for name, content in contents(trust_dir).items() if files.get(name, content) != content}
    assert changed == {"directory.json", "issuers.json"}


def test_a_new_service_makes_a_new_version(trust_dir: Path) -> None:
    directory = create_development_alliance(trust_dir, THREE, services=("listing", "escrow", "expo"))
    east = directory.centers["east"]
    assert (east.version, len(east.signatures)) == (2, 3)
    assert directory.find_key("east/expo/1") is not None
    assert directory.find_key("east/notify/1") is not None, "listed keys stay listed"
    assert load_directory(trust_dir).centers == directory.centers


def test_a_refused_change_leaves_the_last_good_entry(trust_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    running = load_keyring(trust_dir, "east", "escrow")
    good = running.directory()
    path = trust_dir / "directory.json"
    add_center(trust_dir, "hainan", ("spoke", "海南", "Hainan", "CN"))
    path.write_text(path.read_text().replace("Shanghai", "Elsewhere"))
    assert running.directory().centers["east"] is good.centers["east"]
    assert "hainan" in running.directory().centers, "one bad entry holds up no other"
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "directory.hub_signature_missing" in caplog.text
    path.write_text("{")
    assert "hainan" in running.directory().centers
    assert "trust_file.broken" in caplog.text


def test_an_alliance_begins_with_two_hubs(tmp_path: Path) -> None:
    with pytest.raises(TwoHubsNeeded, match="beijing"):
        create_development_alliance(tmp_path, {center: KNOWN_CENTERS[center] for center in ("beijing", "east")})


@pytest.mark.parametrize("name", ["pins.json", "directory.json", "keys/east/escrow.json", "keys/east/seal.json"])
def test_damaged_files_say_what_to_do(name: str, trust_dir: Path) -> None:
    path = trust_dir / name
    good = path.read_text()
    for content in ("", "{", "[]", '{"keys": []}', "\x00"):
        path.write_text(content)
        assert_refused(trust_dir, TrustFileBroken, name)
    path.unlink()
    assert_refused(trust_dir, TrustFileMissing, name)
    path.mkdir()
    assert_refused(trust_dir, TrustFileUnreadable, name)
    path.rmdir()
    path.write_text(good)
    load_keyring(trust_dir, "east", "escrow")


def assert_refused(trust_dir: Path, refusal: type[TrustError], name: str) -> None:
    with pytest.raises(refusal) as raised:
        load_keyring(trust_dir, "east", "escrow")
    assert name in raised.value.say("en")
    assert name in raised.value.say("zh")
    assert raised.value.say("zh") != raised.value.say("en")


def test_no_private_key_shows_in_a_message_or_repr(trust_dir: Path) -> None:
    path = trust_dir / "keys/east/escrow.json"
    data = json.loads(path.read_text())
    secret = data["keys"][0]["private"]
    keyring = load_keyring(trust_dir, "east", "escrow")
    assert secret not in repr(keyring)
    data["keys"][0]["public"] = "A" * 43
    path.write_text(json.dumps(data))
    with pytest.raises(TrustFileBroken) as raised:
        load_keyring(trust_dir, "east", "escrow")
    assert secret not in f"{raised.value!r} {raised.value.__cause__!r}"


def test_a_key_of_another_alliance_is_not_listed(trust_dir: Path, tmp_path: Path) -> None:
    create_development_alliance(tmp_path / "other", THREE)
    (tmp_path / "other/keys/east/escrow.json").replace(trust_dir / "keys/east/escrow.json")
    with pytest.raises(KeyNotListed, match="east/escrow/1"):
        load_keyring(trust_dir, "east", "escrow")


def test_every_center_issues_tokens_for_development(trust_dir: Path) -> None:
    mine = load_issuer_key(trust_dir, "east")
    assert str(mine.jwk["d"]) not in repr(mine)
    token = jwt.encode(
        {"alg": "ES256", "kid": mine.jwk["kid"]}, {"iss": mine.issuer, "sub": "li"}, ECKey.import_key(mine.jwk)
    )
    listed = load_issuers(trust_dir)[mine.issuer]
    assert listed.center == "east"
    [public] = listed.jwks["keys"]
    assert "d" not in public
    assert jwt.decode(token, ECKey.import_key(public), algorithms=["ES256"]).claims["sub"] == "li"
