"""Answers from memory in the encodings that readers take: the same once unpacked, each with its own ETag."""

import gzip

import brotli
import httpx
import pytest

from tests.http.sites import Site


@pytest.mark.parametrize("encoding", ["br", "gzip", "identity"])
async def test_whoever_has_it_is_told_so_in_each_encoding(site: Site, encoding: str) -> None:
    for path in site.paths:
        given = {"Accept-Encoding": encoding}
        answer = await site.shelf.get(path, headers=given)
        held = {"If-None-Match": f'W/"other", {answer.headers["etag"]}'}
        again = await site.shelf.get(path, headers={**given, **held})

        assert (again.status_code, again.content) == (304, b"")
        for name in ("etag", "vary", "cache-control"):  # RFC 9110 §15.4.5
            assert again.headers.get(name) == answer.headers.get(name)
        assert "max-age=0, s-maxage=5, stale-while-revalidate=30" in again.headers["cache-control"]
        assert (await site.shelf.get(path, headers={"If-None-Match": '"other"'})).status_code == 200


async def test_what_is_packed_unpacks_to_the_same(site: Site) -> None:
    page = site.paths[0]
    plain = await site.shelf.get(page, headers={"Accept-Encoding": "identity"})
    tags = {plain.headers["etag"]}
    for encoding, unpack in (("br", brotli.decompress), ("gzip", gzip.decompress)):
        packed, raw = await fetched(site, page, encoding)

        assert packed.headers["content-encoding"] == encoding
        assert int(packed.headers["content-length"]) == len(raw) < len(plain.content) / 2
        assert unpack(raw) == plain.content
        assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Language, Accept-Encoding"
        tags.add(packed.headers["etag"])
    assert len(tags) == 3


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("GZIP", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br; q=0.000, gzip;q=0.0", None),
        ("br;q=0.5", "br"),
        ("brown, sbr", None),
        ("*", None),
        ("identity", None),
        (";q=0", None),
        (",;q=0,", None),
    ],
)
async def test_each_reader_gets_the_best_of_what_they_take(
    site: Site, accepted: str, encoding: str | None
) -> None:
    answer, _raw = await fetched(site, site.paths[0], accepted)

    assert answer.headers.get("content-encoding") == encoding


async def test_what_is_short_is_not_packed(site: Site) -> None:
    answer, raw = await fetched(site, site.paths[-1], "br, gzip")

    assert "content-encoding" not in answer.headers
    assert "accept-encoding" not in answer.headers.get("vary", "").lower()
    assert raw.startswith(b'{"count":')


async def fetched(site: Site, path: str, accepted: str) -> tuple[httpx.Response, bytes]:
    """An answer with its body as it was sent."""
    request = site.shelf.build_request("GET", path, headers={"Accept-Encoding": accepted})
    answer = await site.shelf.send(request, stream=True)
    return answer, b"".join([part async for part in answer.aiter_raw()])
