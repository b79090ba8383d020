"""Why no request was answered, in a sentence that names the remedy."""

from __future__ import annotations

from loadgen.result import LoadResult

_KINDS = {
    "refused": "connection refused by {where}: is the server running?",
    "connect_timeout": "no connection to {where} within {connect_s:g} s; check the address, or raise --connect-timeout",
    "no_socket": "no socket for {where}: all local ports or files are in use; use fewer --connections, or --bind",
    "no_handshake": "no TLS with {where}: {handshake}; check the address, or use --ca or --insecure",
    "reset": "{where} reset every connection; check the address and --protocol",
    "closed_early": "{where} closed every connection without a reply; check the address and --protocol",
    "reply_timeout": "no reply from {where} within {timeout_s:g} s; check --protocol, or raise --timeout",
    "wrong_reply": "every reply of {where} was wrong; check --protocol",
    "protocol": "{where} does not speak {protocol}; check the address and --protocol",
    "handler_failed": "every reply of {where} says that the server's handler failed; check what the server logs",
}


def why_nothing(result: LoadResult) -> str:
    """Return what happened instead of right answers: what was most frequent."""
    load = result.load
    where = load.where
    codes = {status: count for status, count in result.status_codes.items() if status >= 400}
    errors = {kind: n for kind, n in (result.errors | result.connect_errors).items() if kind in _KINDS}
    if codes and sum(codes.values()) >= max(errors.values(), default=0):
        shown = ", ".join(f"{count:,} × {status}" for status, count in sorted(codes.items(), key=lambda one: -one[1]))
        return f"every reply of {where} was an error: {shown}; check the path and what the server logs"
    if errors:
        kind = max(errors, key=lambda one: errors[one])
        return _KINDS[kind].format(
            where=where,
            timeout_s=load.timeout_s,
            connect_s=load.timeout_s if load.connect_timeout_s is None else load.connect_timeout_s,
            handshake=result.handshake_error or "the server ended the handshake",
            protocol=load.spoken.name,
        )
    if result.unfinished:
        return f"no reply from {where} within the window of {result.wall_s:.3g} s; use a longer --duration, or --drain"
    if load.schedule:
        return f"no request was due within {result.wall_s:.3g} s at this rate; use a longer --duration"
    return f"no request was answered by {where}; check the address and --protocol"
