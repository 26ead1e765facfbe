"""Keys that an operator gives: made by the command line, good where the request names their tenant."""
import os
import subprocess

import pytest
import requests

KEY = "open: sesame/\u00e9"


def admin(cluster, *args, given=None):
    env = dict(os.environ, MILLRACE_STORE=cluster.info["store_dsn"])
    return subprocess.run([cluster.millrace, *args], env=env, capture_output=True, timeout=30,
                          input=(given or "").encode(), check=False)


def status(cluster, **more):
    return requests.post(cluster.url + "/api/v1/query", json={"sql": "SELECT 1"}, timeout=30, **more).status_code


@pytest.fixture
def key_id(cluster):
    done = admin(cluster, "key", "add", cluster.tenant, "--given", given=KEY + "\n")
    assert done.returncode == 0, done.stderr
    made = done.stdout.decode().strip()
    yield made
    admin(cluster, "key", "revoke", made)


def test_a_given_key_is_good_where_its_tenant_is_named_until_it_is_revoked(cluster, key_id):
    def basic(user, password):
        return {"auth": requests.auth.HTTPBasicAuth(user.encode(), password.encode())}

    assert status(cluster, **basic(cluster.tenant, KEY)) == 200
    assert status(cluster, **basic("other", KEY)) == 401
    assert status(cluster, **basic(key_id, KEY)) == 401
    assert status(cluster, headers={"Authorization": b"Bearer " + KEY.encode()}) == 401
    assert status(cluster, params={"api_key": KEY}) == 401
    assert admin(cluster, "key", "revoke", key_id).returncode == 0
    cluster.until(lambda: status(cluster, **basic(cluster.tenant, KEY)) == 401, 10)


def test_a_given_key_is_never_shown(cluster, key_id):
    listed = admin(cluster, "key", "list", cluster.tenant)
    assert key_id in listed.stdout.decode() and key_id.startswith("given:")
    assert "sesame" not in listed.stdout.decode()
    again = admin(cluster, "key", "add", cluster.tenant, "--given", given=KEY)
    assert again.returncode == 1 and b"exists already" in again.stderr


@pytest.mark.parametrize("given", ["", "\n", "a\nb", "a\tb", "k" * 201, "mr1.x", "\x7f"])
def test_what_is_no_key_is_refused(cluster, given):
    done = admin(cluster, "key", "add", cluster.tenant, "--given", given=given)
    assert done.returncode == 2, done
    assert b"1 to 200 bytes" in done.stderr
