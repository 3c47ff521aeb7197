"""Addresses as they are shown: worked by hand."""

import pytest

from hrpose.storage.addresses import scrubbed, without_secrets


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://host/a/x.pth", "https://host/a/x.pth"),
        ("https://me:pass@host:81/x.pth", "https://***@host:81/x.pth"),
        ("https://a@b@host/x.pth", "https://***@host/x.pth"),
        ("https://host/x.pth?token=s", "https://host/x.pth?token=***"),
        ("https://host/x.pth?a=1&X-Amz-Signature=0f&b=", "https://host/x.pth?a=***&X-Amz-Signature=***&b="),
        ("https://host/x.pth?justatoken", "https://host/x.pth?***"),
        ("https://host/x.pth#key", "https://host/x.pth#***"),
        ("https://host/a@b/x.pth", "https://host/a@b/x.pth"),
        ("HTTPS://me:it's@host/x.pth", "HTTPS://***@host/x.pth"),
        ("ftp://me:pass@host/x", "ftp://***@host/x"),
        ("weights/x.pth", "weights/x.pth"),
    ],
)  # fmt: skip
def test_an_address_without_its_secrets(address: str, shown: str):
    assert without_secrets(address) == shown
    assert without_secrets(shown) == shown
    if "'" not in address:  # which ends an address within a text
        assert without_secrets(f"got {address} there") == f"got {shown} there"


def test_all_texts_of_a_page():
    page = {"load_from": "http://u:p@h/x", "list": ["http://h/?t=1", 3], "both": ("a", None)}
    assert without_secrets(page) == {
        "load_from": "http://***@h/x", "list": ["http://h/?t=***", 3], "both": ("a", None),
    }  # fmt: skip


def test_messages_about_an_address():
    url = "https://u:secret@host/x.pth?token=abcdef&v=1"
    assert scrubbed("bad '/x.pth?token=abcdef&v=1' for u:secret (1)", url) == (
        "bad '/x.pth?***' for *** (1)"
    )
    assert scrubbed("abcdef is refused; see http://other/?key=x", url) == (
        "*** is refused; see http://other/?key=***"
    )
