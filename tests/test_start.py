"""The real process on machines that are not made for it: the shell of an office, and a temporary folder of others."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx
import pytest

from tests.app_process import AppProcess
from tests.patience import PATIENCE_SECONDS

DEAD = "http://127.0.0.1:9"


@pytest.mark.skipif(sys.platform != "linux", reason="reads what is served from /proc")
def test_it_starts_behind_a_proxy_beside_a_foreign_folder_and_opens_to_nobody(tmp_path: Path):
    temporary = tmp_path / "temporary"
    (temporary / "gradio").mkdir(parents=True)
    (temporary / "gradio" / "of_another").write_bytes(b"x")
    office = {
        "http_proxy": DEAD,
        "HTTPS_PROXY": DEAD,
        "all_proxy": "socks5://127.0.0.1:9",
        "no_proxy": "",
        "NO_PROXY": "",
        "GRADIO_SERVER_NAME": "0.0.0.0",
        "GRADIO_SHARE": "True",
        "GRADIO_ALLOWED_PATHS": "/",
        "GRADIO_DEBUG": "1",
        "GRADIO_ROOT_PATH": "",
        "GRADIO_MCP_SERVER": "True",
        "TMPDIR": str(temporary),
    }
    process = AppProcess(tmp_path / "outputs", **office)
    port = httpx.URL(process.url).port
    with httpx.Client(base_url=process.url, trust_env=False, timeout=PATIENCE_SECONDS) as client:
        assert client.get("/").status_code == 200
        (uploaded,) = client.post("/gradio_api/upload", files={"files": ("x.png", b"x")}).json()
        assert client.get("/gradio_api/file=/etc/passwd").status_code in (403, 404)
        assert client.get("/gradio_api/mcp/").status_code == 404
    folder = Path(uploaded).parents[1]
    assert folder.parent == temporary
    assert folder.stat().st_mode & 0o777 == 0o700
    assert _listening(port) == {"0100007F"}  # 127.0.0.1
    process.stop()
    assert [path.name for path in temporary.iterdir()] == ["gradio"]


def _listening(port: int | None) -> set[str]:
    """The addresses at which this machine serves a port, in hexadecimal.

    Source: proc_net_tcp(5); the state 0A is LISTEN.
    """
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            address, _, hexadecimal = local.partition(":")
            if state == "0A" and int(hexadecimal, 16) == port:
                found.add(address)
    return found
