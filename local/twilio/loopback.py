"""Addresses on this machine, and addresses as people may see them."""

from ipaddress import ip_address
from urllib.parse import urlsplit


def connect_host(host: str) -> str:
    """Return where to connect for `host`: names under localhost are this machine, resolver or not (RFC 6761, 6.3)."""
    return "127.0.0.1" if host.endswith(".localhost") else host


def is_loopback(host: str) -> bool:
    """Tell whether `host` can only be this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def without_secrets(url: str) -> str:
    """Return scheme, host, port and path of a webhook's `url`: what may be shown or logged."""
    parts = urlsplit(url)
    return f"{origin(url)}{parts.path}"


def origin(url: str) -> str:
    """Return scheme, host and port of `url`; a media stream's path may hold a token."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
