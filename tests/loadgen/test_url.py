"""Addresses as users write them, and what is sent for them."""

from __future__ import annotations

from argparse import ArgumentTypeError

import pytest

from loadgen import url


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("127.0.0.1:8001", ("127.0.0.1", 8001, "", "", "127.0.0.1:8001")),
        ("[::1]:80", ("::1", 80, "", "", "[::1]")),
        ("unix:/run/app.sock", ("unix:/run/app.sock", 0, "", "", "localhost")),
        ("http://127.0.0.1/", ("127.0.0.1", 80, "http", "/", "127.0.0.1")),
        ("http://127.0.0.1:80/", ("127.0.0.1", 80, "http", "/", "127.0.0.1")),
        ("http://127.0.0.1:443/", ("127.0.0.1", 443, "http", "/", "127.0.0.1:443")),
        ("https://localhost", ("localhost", 443, "https", "/", "localhost")),
        ("https://localhost:8443/a?b=c#d", ("localhost", 8443, "https", "/a?b=c", "localhost:8443")),
        ("http://[fe80::1%lo]:8080/", ("fe80::1%lo", 8080, "http", "/", "[fe80::1]:8080")),
        ("http://bücher.example/", ("bücher.example", 80, "http", "/", "xn--bcher-kva.example")),
        ("HTTPS://LocalHost/A", ("localhost", 443, "https", "/A", "localhost")),
        ("http://localhost?{n}", ("localhost", 80, "http", "/?{n}", "localhost")),
    ],
)
def test_read_url_takes_an_address_apart(text: str, parts: tuple[str, int, str, str, str]) -> None:
    found = url.read_url(text)
    assert (found.host, found.port, found.scheme, found.path, found.authority) == parts
    assert found.authorization is None


@pytest.mark.parametrize(
    ("user_info", "authorization"),
    [
        ("Aladdin:open%20sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),  # RFC 7617, section 2
        ("user", "Basic dXNlcjo="),
        ("user:", "Basic dXNlcjo="),
        (":pw", "Basic OnB3"),
        ("a%40b:c%3Ad", "Basic YUBiOmM6ZA=="),
    ],
)
def test_read_url_makes_basic_authorization(user_info: str, authorization: str) -> None:
    assert url.read_url(f"http://{user_info}@localhost/").authorization == authorization


@pytest.mark.parametrize(
    "text",
    [
        *("", ":80", "localhost", "http://", "http:///path", "http://localhost:99999/", "http://localhost:0/", "unix:"),
        *("ftp://localhost/", "http://[::1", "http://a..b/", "http://localhost/\r\nX: y", "localhost:http"),
    ],
)
def test_read_url_refuses_anything_else_in_one_line(text: str) -> None:
    with pytest.raises(ArgumentTypeError) as caught:
        url.read_url(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/a b", "/a%20b"),
        ("/é?ü=ñ#ß", "/%C3%A9?%C3%BC=%C3%B1"),
        ("?x", "/?x"),
        ("/a%20b/../c;d=e,f", "/a%20b/../c;d=e,f"),
        ("/[x]{y}", "/[x]%7By%7D"),
        ("*", "*"),
    ],
)
def test_request_target_encodes_what_needs_it(path: str, target: str) -> None:
    assert url.request_target(path) == target


@pytest.mark.parametrize("path", ["", "a", "http://localhost/"])
def test_request_target_refuses_other_paths(path: str) -> None:
    with pytest.raises(ArgumentTypeError, match="begin it with /"):
        url.request_target(path)
