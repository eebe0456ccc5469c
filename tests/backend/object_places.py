"""Where files may go in tests: a directory, an object store in memory, and a real one over HTTP where there is one.

`ENDCAP_TEST_S3=http://127.0.0.1:5000` names a server that speaks S3 and takes any key, such as moto's. That needs an
environment of its own, because its AWS client wants an older python-dateutil than ours: `pip install 'moto[s3]'
flask-cors`, then `moto_server`.
"""

import os
import uuid

import httpx
import pytest

S3 = os.environ.get("ENDCAP_TEST_S3")
NEEDS_S3 = pytest.mark.skipif(S3 is None, reason="no S3 server is named by ENDCAP_TEST_S3")  # none is a package
PLACES = ["disk", "memory", pytest.param("s3", marks=NEEDS_S3)]


def s3_url(monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty place on the server, with the environment that reaches it."""
    assert S3 is not None
    settings = {"ENDPOINT_URL": S3, "ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "REGION": "us-east-1"}
    for name, value in (settings | {"ALLOW_HTTP": "true"}).items():
        monkeypatch.setenv(f"AWS_{name}", value)
    assert httpx.put(f"{S3}/endcap-test").status_code in {200, 409}
    return f"s3://endcap-test/{uuid.uuid4().hex}"
