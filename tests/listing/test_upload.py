"""A file in parts: nothing lost, line numbers kept, CSV cells with line breaks whole."""

from services.listing.resource import upload
from services.listing.resource.rows import lines


def test_json_lines_in_parts() -> None:
    body = b"".join(b'{"external_id": "%d"}\n' % n for n in range(1, 251))
    parts = list(upload.parts(body, "jsonl"))
    assert [(part.rows, part.first_line) for part in parts] == [(100, 1), (100, 101), (50, 201)]
    read = [line for part in parts for line in lines(part.body, "jsonl", part.first_line)]
    assert all(int(line.fields["external_id"]) == line.number for line in read)
    assert len(read) == 250


def test_csv_in_parts_with_cells_of_several_lines() -> None:
    rows = [f'{n},demand,"first\nsecond, {n}"' for n in range(150)]
    body = "\n".join(["external_id,kind,summary_en", *rows]).encode()
    whole = list(lines(body, "csv"))
    sent = [line for part in upload.parts(body, "csv") for line in lines(part.body, "csv", part.first_line)]
    assert sent == whole
    assert sent[149].number == 2 + 149 * 2


def test_nothing_makes_no_part() -> None:
    assert list(upload.parts(b"", "jsonl")) == []
    assert list(upload.parts(b"external_id,kind\n", "csv")) == []
